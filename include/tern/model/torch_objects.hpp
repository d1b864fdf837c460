// The few functions and classes that PyTorch's checkpoints name and that mean something here: those that make tensors,
// storages and dicts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "checkpoint_limits.hpp"
#include "pickle_values.hpp"

TERN_BEGIN_NAMESPACE
namespace pickle {

/// Those without a type are stepped over: their sizes are needed to find what follows.
inline constexpr element_type element_types[] = {
    {"FloatStorage", "float32", 4, data_type::f32},
    {"DoubleStorage", "float64", 8, data_type::f64},
    {"HalfStorage", "float16", 2, data_type::f16},
    {"BFloat16Storage", "bfloat16", 2, data_type::bf16},
    {"LongStorage", "int64", 8, data_type::i64},
    {"IntStorage", "int32", 4, data_type::i32},
    {"ShortStorage", "int16", 2, data_type::i16},
    {"CharStorage", "int8", 1, data_type::i8},
    {"ByteStorage", "uint8", 1, data_type::u8},
    {"BoolStorage", "bool", 1, data_type::boolean},
    {"", "uint16", 2, data_type::u16},
    {"", "uint32", 4, data_type::u32},
    {"", "uint64", 8, data_type::u64},
    {"", "float8_e5m2", 1, data_type::f8_e5m2},
    {"", "float8_e4m3fn", 1, data_type::f8_e4m3},
    {"UntypedStorage", "", 1, std::nullopt},
    {"_UntypedStorage", "", 1, std::nullopt},
    {"ComplexFloatStorage", "complex64", 8, std::nullopt},
    {"ComplexDoubleStorage", "complex128", 16, std::nullopt},
    {"QInt8Storage", "qint8", 1, std::nullopt},
    {"QUInt8Storage", "quint8", 1, std::nullopt},
    {"QInt32Storage", "qint32", 4, std::nullopt},
    {"QUInt4x2Storage", "quint4x2", 1, std::nullopt},
    {"QUInt2x4Storage", "quint2x4", 1, std::nullopt},
};

inline bool is_class(const class_name& c, std::string_view module, std::string_view name) noexcept {
    return c.module == module && c.name == name;
}

inline result<std::size_t> read_size(const heap& h, const value& v, const char* what) {
    if (v.what != kind::integer || v.number < 0 || static_cast<std::uint64_t>(v.number) > SIZE_MAX)
        return make_error(errc::bad_format, "%s: expected a size, found %s%s", what, h.describe(v).c_str(),
                          v.what == kind::integer ? (" of " + std::to_string(v.number)).c_str() : "");
    return static_cast<std::size_t>(v.number);
}

/// A storage from its persistent id: ("storage", class, key, place, elements[, view]); a view is None or (key, begin,
/// elements).
inline result<value> make_storage(heap& h, const value& id) {
    value v[6];
    const std::size_t n = id.what == kind::tuple ? h.take(id, v, 6) : 0;
    if ((n != 5 && n != 6) || v[0].what != kind::text || h.text(v[0]) != "storage")
        return make_error(errc::bad_format, "expected the persistent id of a storage, found %s",
                          id.what == kind::tuple ? "another tuple" : h.describe(id).c_str());
    storage_record s;
    if (v[1].what == kind::global)
        for (const element_type& t : element_types) {
            const class_name& c = h.class_of(v[1]);
            if (*t.storage != '\0' && c.name == t.storage && c.module.substr(0, 5) == "torch")
                s.type = &t;
        }
    if (s.type == nullptr)
        return make_error(errc::unsupported, "storage: expected one of torch's classes of storages, found %s",
                          h.describe(v[1]).c_str());
    if (v[2].what != kind::text)
        return make_error(errc::bad_format, "storage: expected a text as its key, found %s", h.describe(v[2]).c_str());
    // Else one text of the file could be copied into the name of a member for each of very many tensors.
    if (v[2].size > checkpoint_limits::name_bytes)
        return make_error(errc::unsupported, "storage: expected a key of at most %zu bytes, found %zu",
                          checkpoint_limits::name_bytes, std::size_t{v[2].size});
    s.key = v[2];
    const auto count = read_size(h, v[4], "storage");
    TERN_TRY(count.status());
    s.count = s.view_end = *count;
    if (n == 6 && v[5].what != kind::none) {
        value view[3];
        if (v[5].what != kind::tuple || h.take(v[5], view, 3) != 3)
            return make_error(errc::bad_format, "storage: expected a view of three values, found %s",
                              h.describe(v[5]).c_str());
        const auto begin = read_size(h, view[1], "view of a storage"),
                   size = read_size(h, view[2], "view of a storage");
        TERN_TRY(begin.status());
        TERN_TRY(size.status());
        if (*begin > s.count || *size > s.count - *begin)
            return make_error(errc::bad_format,
                              "view of a storage: expected it within %zu elements, found %zu from %zu on", s.count,
                              *size, *begin);
        s.view_begin = *begin;
        s.view_end = *begin + *size;
    }
    return h.add(s);
}

/// The type that a global of torch names, null if there is none.
inline const element_type* find_dtype(heap& h, const value& v) {
    if (v.what != kind::global || h.class_of(v).module != "torch")
        return nullptr;
    for (const element_type& e : element_types)
        if (*e.dtype != '\0' && h.class_of(v).name == e.dtype)
            return &e;
    return nullptr;
}

/// Reads a tensor's shape and strides, two tuples or lists of the same length.
inline status read_extents(heap& h, const value (&from)[2], tensor_record& t) {
    value lists[2][tensor_dims::max_rank];
    std::size_t rank[2] = {};
    for (std::size_t i = 0; i < 2; ++i) {
        if (from[i].what != kind::tuple && from[i].what != kind::list)
            return make_error(errc::bad_format, "tensor: expected a tuple as its %s, found %s",
                              i == 0 ? "shape" : "strides", h.describe(from[i]).c_str());
        rank[i] = h.take(from[i], lists[i], tensor_dims::max_rank);
    }
    if (rank[0] != rank[1])
        return make_error(errc::bad_format, "tensor: expected as many strides as dimensions, found %zu and %zu",
                          rank[1], rank[0]);
    if (rank[0] > tensor_dims::max_rank)
        return make_error(errc::unsupported, "tensor: expected at most %zu dimensions, found %zu",
                          tensor_dims::max_rank, rank[0]);
    for (std::size_t i = 0; i < rank[0]; ++i) {
        const auto extent = read_size(h, lists[0][i], "tensor's shape"),
                   stride = read_size(h, lists[1][i], "tensor's strides");
        TERN_TRY(extent.status());
        TERN_TRY(stride.status());
        t.shape.push(*extent);
        t.strides[i] = *stride;
    }
    return {};
}

/// _rebuild_tensor(storage, offset, shape, strides), _rebuild_tensor_v2(... , requires_grad, hooks[, metadata]) and
/// _rebuild_tensor_v3(... , requires_grad, hooks, dtype[, metadata]).
inline result<value> make_tensor(heap& h, const value& arguments, bool has_dtype) {
    value v[8];
    const std::size_t n = h.take(arguments, v, 8);
    if (n < (has_dtype ? 7u : 4u) || v[0].what != kind::storage)
        return make_error(errc::bad_format,
                          "tensor: expected a storage, an offset, a shape and strides, found %zu values, first %s", n,
                          n == 0 ? "nothing" : h.describe(v[0]).c_str());
    tensor_record t;
    t.storage = static_cast<std::uint32_t>(v[0].number);
    t.type = h.storage(v[0]).type;
    if (has_dtype) {
        t.type = find_dtype(h, v[6]);
        if (t.type == nullptr)
            return make_error(errc::unsupported, "tensor: expected one of torch's dtypes, found %s",
                              h.describe(v[6]).c_str());
    }
    // Kept, as only the tensors of a state dict are refused for it. An empty dict says nothing.
    if (const value& metadata = v[has_dtype ? 7 : 6]; metadata.what != kind::dict || h.count(metadata) != 0)
        t.metadata = metadata;
    const auto offset = read_size(h, v[1], "tensor's offset");
    TERN_TRY(offset.status());
    t.offset = *offset;
    TERN_TRY(read_extents(h, {v[2], v[3]}, t));
    return h.add(t);
}

/// A dict, with the pairs in it if there is an argument: a list of tuples or lists of two.
inline result<value> make_dict(heap& h, const value& arguments) {
    const auto dict = h.make(kind::dict);
    TERN_TRY(dict.status());
    value pairs;
    if (h.take(arguments, &pairs, 1) != 1 || pairs.what != kind::list)
        return dict;
    status s;
    // Appending moves nodes, and the list could name itself: elements are taken before anything is appended.
    std::vector<value> all;
    h.each(pairs, [&](const value& pair) {
        value both[2];
        if ((pair.what != kind::list && pair.what != kind::tuple) || h.take(pair, both, 2) != 2)
            s = make_error(errc::bad_format, "dict: expected pairs of key and value, found %s",
                           h.describe(pair).c_str());
        all.insert(all.end(), both, both + 2);
        return s.ok();
    });
    TERN_TRY(s);
    for (const value& v : all)
        TERN_TRY(h.append(*dict, v));
    return dict;
}

/// What calling a global with a tuple of arguments gives. Those that are not known give an object: nothing but their
/// name.
inline result<value> call_global(heap& h, value callee, value arguments) {
    if (callee.what == kind::object)
        return callee;
    if (callee.what != kind::global || arguments.what != kind::tuple)
        return make_error(errc::bad_format, "expected a class or function and a tuple of arguments, found %s and %s",
                          h.describe(callee).c_str(), h.describe(arguments).c_str());
    // A tensor with attributes: the function that makes it, its class, its arguments, its attributes.
    if (is_class(h.class_of(callee), "torch._tensor", "_rebuild_from_type_v2")) {
        value v[3];
        if (h.take(arguments, v, 3) >= 3 && v[0].what == kind::global && v[2].what == kind::tuple) {
            callee = v[0];
            arguments = v[2];
        }
    }
    const class_name c = h.class_of(callee);
    if (c.module == "torch._utils") {
        if (c.name == "_rebuild_tensor" || c.name == "_rebuild_tensor_v2")
            return make_tensor(h, arguments, false);
        if (c.name == "_rebuild_tensor_v3")
            return make_tensor(h, arguments, true);
        value data;
        if ((c.name == "_rebuild_parameter" || c.name == "_rebuild_parameter_with_state") &&
            h.take(arguments, &data, 1) >= 1 && data.what == kind::tensor)
            return data;
    }
    if (is_class(c, "torch", "Size")) {
        value dims;
        if (h.take(arguments, &dims, 1) == 1 && (dims.what == kind::tuple || dims.what == kind::list))
            return dims;
    }
    if (is_class(c, "collections", "OrderedDict"))
        return make_dict(h, arguments);
    if (is_class(c, "collections", "defaultdict") || is_class(c, "builtins", "dict") ||
        is_class(c, "__builtin__", "dict"))
        return h.make(kind::dict);
    value object = callee;
    object.what = kind::object;
    return object;
}

}  // namespace pickle
TERN_END_NAMESPACE
