// The structs of c_api.h as those of the library.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>

#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/geometry.hpp"
#include "../core/float_tensor.hpp"
#include "../core/memory.hpp"
#include "../core/team.hpp"
#include "../core/tensor.hpp"
#include "../format/packed_image.hpp"
#include "../op/plan_options.hpp"
#include "../op/workspace.hpp"
#include "errors.hpp"

TERN_BEGIN_NAMESPACE
namespace c_api {

/// Sizes of structs that can be meant.
inline constexpr std::size_t largest_struct = 1 << 16;

/// The size that a struct had in the first version: nobody has a shorter one. When one grows, its first size is said
/// here.
template <class T>
inline constexpr std::size_t first_size = sizeof(T);

/// A struct as long as the library knows it; of null, one of zeros. Members that a newer caller has set and the library
/// does not know are an error.
template <class T>
status read_struct(const T* given, T& to, const char* name) {
    std::memset(&to, 0, sizeof to);
    to.struct_size = sizeof to;
    if (given == nullptr)
        return {};
    const std::size_t size = given->struct_size, known = size < sizeof to ? size : sizeof to;
    if (size < first_size<T> || size > largest_struct || size % alignof(T) != 0)
        return make_error(errc::invalid_argument,
                          "%s: expected a struct_size of %zu, found %zu: TERN_INIT was not applied", name, sizeof to,
                          size);
    const auto* bytes = reinterpret_cast<const unsigned char*>(given);
    for (std::size_t i = known; i < size; ++i)
        if (bytes[i] != 0)
            return make_error(errc::unsupported, "%s: byte %zu is set, of a member that this version does not know",
                              name, i);
    std::memcpy(&to, given, known);
    to.struct_size = sizeof to;
    return {};
}

/// The same of a struct that must be there.
template <class T>
status need_struct(const T* given, T& to, const char* name) {
    return given == nullptr ? null_pointer(name) : read_struct(given, to, name);
}

/// Writes as much of a struct as the caller knows.
template <class T>
status write_struct(const T& from, T* to, const char* name) {
    T given;
    TERN_TRY(need_struct(to, given, name));
    const std::size_t size = to->struct_size, known = size < sizeof from ? size : sizeof from;
    std::memcpy(to, &from, known);
    to->struct_size = size;
    return {};
}

// The codes of C begin with the one that zeros should mean.
inline result<code_id> code_of(std::int32_t code, const char* name) {
    if (code < 0 || static_cast<std::size_t>(code) >= code_count)
        return make_error(errc::invalid_argument, "%s: expected a tern_code, found %d", name, static_cast<int>(code));
    if (code == TERN_TERNARY)
        return code_id::ternary;
    return code == TERN_BINARY ? code_id::binary : static_cast<code_id>(code);
}
static_assert(static_cast<int>(code_id::half_ternary) == TERN_HALF_TERNARY &&
                  static_cast<int>(code_id::u8) == TERN_U8 && static_cast<int>(code_id::o1) == TERN_O1 &&
                  code_count == TERN_U8 + 1,
              "all codes but the first two have the same numbers in C");
inline std::int32_t code_to_c(code_id code) noexcept {
    return code == code_id::ternary  ? TERN_TERNARY
           : code == code_id::binary ? TERN_BINARY
                                     : static_cast<std::int32_t>(code);
}

inline std::size_t one_of(std::size_t n) noexcept { return n == 0 ? 1 : n; }

inline border border_of(const tern_border& b) noexcept { return {b.top, b.left, b.bottom, b.right}; }

inline conv_geometry geometry_of(const tern_geometry& g) noexcept {
    return {one_of(g.stride_h),   one_of(g.stride_w),   border_of(g.padding),
            one_of(g.dilation_h), one_of(g.dilation_w), one_of(g.groups)};
}

inline result<allocator> allocator_of(const tern_allocator* given) {
    tern_allocator a;
    TERN_TRY(read_struct(given, a, "tern_allocator"));
    if ((a.allocate == nullptr) != (a.deallocate == nullptr))
        return make_error(errc::invalid_argument, "tern_allocator: expected both functions or none");
    return allocator{a.ctx, a.allocate, a.deallocate};
}

inline result<plan_options> options_of(const tern_plan_options* given) {
    tern_plan_options o;
    TERN_TRY(read_struct(given, o, "tern_plan_options"));
    const auto memory = allocator_of(o.allocator);
    if (!memory.ok())
        return memory.status();
    plan_options to;
    to.level = o.level;
    to.kernel = o.kernel;
    to.expected = {o.expected_n, o.expected_h, o.expected_w};
    to.choice = o.measured != 0 ? choice_rule::measured : choice_rule::modelled;
    if (o.measuring_seconds != 0)
        to.measuring_seconds = o.measuring_seconds;
    to.border_value = o.exact_zero_border != 0 ? border_value::zero : border_value::from_image;
    to.max_weight_bytes = o.max_weight_bytes;
    to.memory = *memory;
    return to;
}

/// A caller's executor as one of the library, for as long as this object lives.
class threads_of_c {
public:
    status read(const tern_executor* given) {
        TERN_TRY(read_struct(given, given_, "tern_executor"));
        given_.slices = one_of(given_.slices);
        if (given_.barrier == nullptr && given_.parallel_for == nullptr &&
            (given_.slices > 1 || given_.failed != nullptr))
            return make_error(errc::invalid_argument,
                              "tern_executor: expected parallel_for or barrier beside %zu slices, found neither",
                              given_.slices);
        if (given_.barrier == nullptr)
            return {};
        if (given_.parallel_for != nullptr)
            return make_error(errc::invalid_argument, "tern_executor: expected parallel_for or barrier, found both");
        const team threads{given_.slices, given_.ctx, given_.barrier};
        TERN_TRY(check_team(threads, given_.index, "tern_executor"));
        member_.emplace(threads, given_.index);
        return {};
    }
    executor threads() noexcept {
        if (member_)
            return member_->executor();
        executor to;
        if (given_.parallel_for == nullptr)
            return to;
        to.ctx = this;
        to.parallel_for = parallel_for;
        to.slices = given_.slices;
        to.failed = given_.failed != nullptr ? failed : nullptr;
        return to;
    }

private:
    static void parallel_for(void* ctx, std::size_t n, void (*task)(void* arg, std::size_t i), void* arg) {
        const tern_executor& e = static_cast<threads_of_c*>(ctx)->given_;
        e.parallel_for(e.ctx, n, task, arg);
    }
    static bool failed(void* ctx) {
        const tern_executor& e = static_cast<threads_of_c*>(ctx)->given_;
        return e.failed(e.ctx) != 0;
    }

    tern_executor given_{};
    std::optional<team_member> member_{};
};

inline workspace workspace_of(const tern_workspace& w) noexcept { return {w.data, w.bytes}; }

inline const char* type_name(std::int32_t type) noexcept {
    constexpr const char* names[] = {"f32", "f16", "bf16", "u8", "s8", "i32"};
    return type >= 0 && type <= TERN_I32 ? names[type] : "?";
}

/// A tensor of a type as a view; none (null data) is an empty view.
template <class T>
status read_tensor(const tern_tensor& t, tern_type type, const char* name, tensor_view<T>& to) {
    to = {};
    if (t.data == nullptr)
        return {};
    if (t.type != static_cast<std::int32_t>(type))
        return make_error(errc::invalid_argument, "%s: expected a tensor of %s, found %s (%d)", name, type_name(type),
                          type_name(t.type), static_cast<int>(t.type));
    to = {static_cast<T*>(t.data), t.n, t.h, t.w, t.c, t.stride_n, t.stride_h, t.stride_w, t.stride_c};
    return {};
}
/// The same of one that must be there.
template <class T>
status need_tensor(const tern_tensor* t, tern_type type, const char* name, tensor_view<T>& to) {
    return t == nullptr || t->data == nullptr ? null_pointer(name) : read_tensor(*t, type, name, to);
}

/// A tensor of s8 or u8, whichever the code is, as bytes.
template <class T>
status read_bytes(const tern_tensor& t, code_id code, const char* name, tensor_view<T>& to) {
    return read_tensor(t, code == code_id::s8 ? TERN_TYPE_S8 : TERN_TYPE_U8, name, to);
}

/// A tensor of floats of any width.
template <class View>
status read_floats(const tern_tensor& t, const char* name, View& to) {
    to = {};
    if (t.data == nullptr)
        return {};
    if (t.type < TERN_F32 || t.type > TERN_BF16)
        return make_error(errc::invalid_argument, "%s: expected a tensor of f32, f16 or bf16, found %s (%d)", name,
                          type_name(t.type), static_cast<int>(t.type));
    to.data = t.data;
    to.type = static_cast<float_type>(t.type);
    to.n = t.n;
    to.h = t.h;
    to.w = t.w;
    to.c = t.c;
    to.stride_n = t.stride_n;
    to.stride_h = t.stride_h;
    to.stride_w = t.stride_w;
    to.stride_c = t.stride_c;
    return {};
}
/// The same where floats and halves have a view each.
template <class Floats, class Halves>
status read_floats(const tern_tensor& t, const char* name, Floats& floats, Halves& halves) {
    if (t.data == nullptr || t.type == TERN_F32)
        return read_tensor(t, TERN_F32, name, floats);
    return read_floats(t, name, halves);
}

inline status read_layout(const tern_layout& l, const char* name, packed_layout& to) {
    const auto code = code_of(l.code, name);
    if (!code.ok())
        return code.status();
    to = {};
    to.code = *code;
    to.format = is_byte_code(*code) ? image_format::bytes : image_format::planes;
    to.halo_code = static_cast<std::int16_t>(l.halo_code);
    if (to.halo_code != l.halo_code)
        return make_error(errc::invalid_argument, "%s: a halo of %d is no code", name, static_cast<int>(l.halo_code));
    to.n = l.n;
    to.h = l.h;
    to.w = l.w;
    to.c = l.c;
    to.halo = border_of(l.halo);
    to.pixel_bytes = l.pixel_bytes;
    to.row_bytes = l.row_bytes;
    to.image_bytes = l.image_bytes;
    to.total_bytes = l.total_bytes;
    return {};
}
inline tern_layout layout_to_c(const packed_layout& l) noexcept {
    tern_layout to{};
    to.code = code_to_c(l.code);
    to.halo_code = l.halo_code;
    to.n = l.n;
    to.h = l.h;
    to.w = l.w;
    to.c = l.c;
    to.halo = {l.halo.top, l.halo.left, l.halo.bottom, l.halo.right};
    to.pixel_bytes = l.pixel_bytes;
    to.row_bytes = l.row_bytes;
    to.image_bytes = l.image_bytes;
    to.total_bytes = l.total_bytes;
    return to;
}

/// A packed image; none (null data) is an empty one.
inline status read_image(const tern_image& i, const char* name, packed_image& to) {
    to = {};
    if (i.data == nullptr)
        return {};
    TERN_TRY(read_layout(i.layout, name, to.layout));
    to.data = static_cast<unsigned char*>(i.data);
    return {};
}
inline status need_image(const tern_image* i, const char* name, packed_image& to) {
    return i == nullptr || i->data == nullptr ? null_pointer(name) : read_image(*i, name, to);
}

/// Levels of this version; zeros are STTN's ternary activations.
inline status levels_of(const tern_levels& l, const char* name, quantizer_thresholds& to) {
    const auto code = code_of(l.code, name);
    if (!code.ok())
        return code.status();
    to = {};
    if (*code == code_id::ternary && l.count == 0)
        return {};
    if (l.count < 0 || l.count > quantizer_thresholds::max_count)
        return make_error(errc::invalid_argument, "%s: expected 0 to %d thresholds, found %d", name,
                          quantizer_thresholds::max_count, static_cast<int>(l.count));
    to = quantizer_thresholds(*code, l.zero_point);
    to.count = l.count;
    for (int i = 0; i < l.count; ++i) {
        to.at[i] = l.at[i];
        to.strict[i] = ((l.strict >> i) & 1u) != 0;
    }
    return {};
}

/// The same of a caller's; null is as zeros.
inline status read_levels(const tern_levels* given, const char* name, quantizer_thresholds& to) {
    tern_levels l;
    TERN_TRY(read_struct(given, l, name));
    return levels_of(l, name, to);
}

}  // namespace c_api
TERN_END_NAMESPACE
