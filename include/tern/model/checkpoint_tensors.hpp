// From what the pickles of a checkpoint say to tensors: which dict is the state dict, where its tensors' elements lie.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "checkpoint_limits.hpp"
#include "pickle_values.hpp"
#include "printable.hpp"
#include "tensor_file.hpp"

TERN_BEGIN_NAMESPACE
namespace checkpoint {

/// The state dict: the root, or what it, or a dict in it, holds under one of the usual names.
inline result<pickle::value> find_state_dict(const pickle::heap& h, pickle::value root) {
    using pickle::kind;
    constexpr const char* names[] = {"state_dict", "model_state_dict", "model", "net", "network"};
    constexpr int most_levels = 3;
    std::string path;
    for (int level = 0; level < most_levels && root.what == kind::dict; ++level) {
        // A dict, or else what a user may have taken for one, to be told.
        const pickle::value* inner = nullptr;
        const char* inner_name = "";
        for (const bool dict : {true, false})
            for (const char* name : names)
                if (const auto* v = h.find(root, name);
                    inner == nullptr && v != nullptr && (dict ? v->what == kind::dict : v->what == kind::object)) {
                    inner = v;
                    inner_name = name;
                }
        if (inner == nullptr)
            break;
        root = *inner;
        path += std::string(path.empty() ? "" : ".") + inner_name;
    }
    if (root.what != kind::dict)
        return make_error(errc::bad_format,
                          "%s%s: expected a state dict, as torch.save(model.state_dict(), ...) writes, found %s",
                          "checkpoint", path.empty() ? "" : (" " + path).c_str(), h.describe(root).c_str());
    return root;
}

/// The last element that a tensor reaches, counted from the begin of its storage; not ok() if that overflows.
inline checked_size last_element(const pickle::tensor_record& t) {
    checked_size last = t.offset;
    for (std::size_t d = 0; d < t.shape.rank(); ++d)
        last = last + checked_size(t.shape[d] - 1) * t.strides[d];
    return last;
}

/// Whether elements lie in the order of a row-major array, without gaps.
inline bool is_dense(const pickle::tensor_record& t) {
    std::size_t step = 1;
    for (std::size_t d = t.shape.rank(); d-- > 0;) {
        if (t.shape[d] != 1 && t.strides[d] != step)
            return false;
        step *= t.shape[d];
    }
    return true;
}

/// Copies elements of `bytes` each in row-major order.
inline void gather(const pickle::tensor_record& t, const char* storage, std::size_t bytes, unsigned char* out) {
    const std::size_t rank = t.shape.rank(), count = t.shape.count().value;
    std::size_t at[tensor_dims::max_rank] = {};
    std::size_t element = t.offset;
    for (std::size_t i = 0; i < count; ++i) {
        std::memcpy(out + i * bytes, storage + element * bytes, bytes);
        for (std::size_t d = rank; d-- > 0;) {
            element += t.strides[d];
            if (++at[d] < t.shape[d])
                break;
            element -= t.strides[d] * t.shape[d];  // may wrap on the way: sizes are unsigned
            at[d] = 0;
        }
    }
}

/// Makes tensors of a state dict, in its order. `find(storage)` gives the bytes of a storage_record's key.
class tensor_maker {
public:
    tensor_maker(std::size_t file_bytes, std::vector<tensor_info>& tensors, std::vector<buffer<unsigned char>>& copies)
        : allowed_(checked_size(file_bytes) * checkpoint_limits::tensor_factor), tensors_(&tensors), copies_(&copies) {}

    template <class Find>
    status make_all(const pickle::heap& h, const pickle::value& state_dict, Find&& find) {
        tensors_->reserve(h.count(state_dict) / 2);
        status s;
        pickle::value key;
        bool is_key = true;
        h.each(state_dict, [&](const pickle::value& v) {
            if (is_key)
                key = v;
            else
                s = make_one(h, key, v, find);
            is_key = !is_key;
            return s.ok();
        });
        if (s.ok() && tensors_->empty())
            return make_error(errc::bad_format, "checkpoint: expected a state dict with tensors, found an empty dict");
        return s;
    }

private:
    template <class Find>
    status make_one(const pickle::heap& h, const pickle::value& key, const pickle::value& v, Find& find) {
        using pickle::kind;
        if (key.what != kind::text)
            return make_error(errc::bad_format, "state dict: expected names of tensors as keys, found %s",
                              h.describe(key).c_str());
        const std::string name(h.text(key).substr(0, checkpoint_limits::name_bytes + 1));
        if (name.empty() || name.size() > checkpoint_limits::name_bytes)
            return make_error(errc::bad_format, "state dict: expected names of 1 to %zu bytes, found %zu: \"%s\"",
                              checkpoint_limits::name_bytes, std::size_t{key.size}, detail::printable(name).c_str());
        if (v.what != kind::tensor)
            return make_error(errc::bad_format, "entry \"%s\": expected a tensor, found %s",
                              detail::printable(name).c_str(), h.describe(v).c_str());
        if (const status s = place(h, h.tensor(v), name, find); !s.ok())
            return make_error(s.code(), "tensor \"%s\": %s", detail::printable(name).c_str(), s.message());
        return {};
    }

    template <class Find>
    status place(const pickle::heap& h, const pickle::tensor_record& t, const std::string& name, Find& find) {
        if (!t.type->type)
            return make_error(errc::unsupported, "expected a type of float, integer or bool, found %s",
                              *t.type->dtype != '\0' ? t.type->dtype : t.type->storage);
        if (t.metadata.what != pickle::kind::none)
            return make_error(
                errc::unsupported,
                "expected no metadata, found %s, as of a tensor yet to be negated or conjugated: save what "
                "its resolve_neg() and resolve_conj() return",
                h.describe(t.metadata).c_str());
        const checked_size count = t.shape.count(), bytes = count * t.type->bytes;
        used_ = used_ + bytes + name.size();  // a name may be in the file once and in the dict often
        if (!used_.ok() || (allowed_.ok() && used_.value > allowed_.value))
            return make_error(errc::unsupported,
                              "expected at most %zu times the file's size in tensors, found more with shape %s",
                              checkpoint_limits::tensor_factor, to_string(t.shape).c_str());
        tensor_info made;
        made.name = name;
        made.dtype = *t.type->type;
        made.shape = t.shape;
        made.bytes = bytes.value;
        if (made.bytes != 0)
            TERN_TRY(find_elements(h, t, made, find));
        tensors_->push_back(std::move(made));
        return {};
    }

    template <class Find>
    status find_elements(const pickle::heap& h, const pickle::tensor_record& t, tensor_info& made, Find& find) {
        const pickle::storage_record& s = h.storage(t.storage);
        const result<std::string_view> found = find(s);
        TERN_TRY(found.status());
        const checked_size whole = checked_size(s.count) * s.type->bytes;
        if (!whole.ok() || whole.value != found->size())
            return make_error(errc::bad_format, "expected a storage of %zu elements of %zu bytes, found %zu bytes",
                              s.count, s.type->bytes, found->size());
        const std::string_view view =
            found->substr(s.view_begin * s.type->bytes, (s.view_end - s.view_begin) * s.type->bytes);
        const std::size_t size = t.type->bytes, held = view.size() / size;
        const checked_size last = last_element(t);
        if (!last.ok() || last.value >= held)
            return make_error(errc::bad_format,
                              "expected elements within a storage of %zu, found shape %s from element %zu on, "
                              "which reaches element %zu%s",
                              held, to_string(t.shape).c_str(), t.offset, last.value, last.ok() ? "" : " and beyond");
        if (is_dense(t)) {
            made.data = reinterpret_cast<const unsigned char*>(view.data()) + t.offset * size;
            return {};
        }
        auto copy = make_unfilled_buffer<unsigned char>(made.bytes);
        TERN_TRY(copy.status());
        gather(t, view.data(), size, copy->data());
        made.data = copy->data();
        copies_->push_back(std::move(*copy));
        return {};
    }

    checked_size allowed_, used_ = 0;
    std::vector<tensor_info>* tensors_;
    std::vector<buffer<unsigned char>>* copies_;
};

}  // namespace checkpoint
TERN_END_NAMESPACE
