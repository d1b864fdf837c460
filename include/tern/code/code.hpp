// All codes by number: what a plan looks up at run time. A new code is a file with its description and a line in
// TERN_CODES.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "binary.hpp"
#include "half_ternary.hpp"
#include "int8.hpp"
#include "odd_bits.hpp"
#include "plane_code.hpp"
#include "ternary.hpp"
#include "unsigned_bits.hpp"

// X(enumerator, description); the order is never changed, new codes go to the end.
#define TERN_CODES(X)             \
    X(binary, binary)             \
    X(ternary, ternary)           \
    X(half_ternary, half_ternary) \
    X(u1, unsigned_bits<1>)       \
    X(u2, unsigned_bits<2>)       \
    X(u3, unsigned_bits<3>)       \
    X(u4, unsigned_bits<4>)       \
    X(o1, odd_bits<1>)            \
    X(o2, odd_bits<2>)            \
    X(o3, odd_bits<3>)            \
    X(o4, odd_bits<4>)            \
    X(s8, signed_int8)            \
    X(u8, unsigned_int8)

TERN_BEGIN_VOCABULARY

enum class code_id : std::uint8_t {
#define TERN_CODE_ENUMERATOR(id, description) id,
    TERN_CODES(TERN_CODE_ENUMERATOR)
#undef TERN_CODE_ENUMERATOR
};

#define TERN_CODE_COUNT(id, description) +1
inline constexpr std::size_t code_count = 0 TERN_CODES(TERN_CODE_COUNT);
#undef TERN_CODE_COUNT

#define TERN_CODE_CHECK(id, description) \
    static_assert(is_consistent<description>(), "the description of code " #id " contradicts itself");
TERN_CODES(TERN_CODE_CHECK)
#undef TERN_CODE_CHECK

/// A description as a value; the members are those of plane_code.hpp.
struct code_info {
    code_id id = code_id::binary;
    const char* name = "";
    const char* title = "";
    int planes = 0;
    int plane_weight[byte_planes] = {};
    int offset = 0;
    int min = 0, max = 0, weight_min = 0, step = 1;
    bool has_zero = false;
    unsigned zero_pattern = 0;

    /// Whether it lies in memory as bytes rather than planes.
    TERN_INLINE constexpr bool is_bytes() const noexcept { return planes == byte_planes; }
    TERN_INLINE constexpr bool contains(int v) const noexcept { return v >= min && v <= max && (v - min) % step == 0; }
    /// Whether a weight may have this value: int8 weights have no -128.
    TERN_INLINE constexpr bool contains_weight(int v) const noexcept { return contains(v) && v >= weight_min; }
    /// The largest magnitude, of activations or of weights.
    TERN_INLINE constexpr int max_abs() const noexcept { return -min > max ? -min : max; }
    TERN_INLINE constexpr int max_abs_weight() const noexcept { return -weight_min > max ? -weight_min : max; }
    /// How many values there are.
    TERN_INLINE constexpr int levels() const noexcept { return (max - min) / step + 1; }
    TERN_INLINE constexpr int value(unsigned pattern) const noexcept {
        int v = offset;
        for (int p = 0; p < planes; ++p)
            v += ((pattern >> p) & 1u) != 0 ? plane_weight[p] : 0;
        return v;
    }
};

template <class Code>
TERN_INLINE constexpr code_info describe_code(code_id id) noexcept {
    code_info c;
    c.id = id;
    c.name = Code::name();
    c.title = Code::title();
    c.planes = Code::planes;
    for (int p = 0; p < Code::planes; ++p)
        c.plane_weight[p] = Code::plane_weight(p);
    c.offset = Code::offset;
    c.min = Code::min;
    c.max = Code::max;
    c.weight_min = Code::weight_min;
    c.step = Code::step;
    c.has_zero = Code::has_zero;
    c.zero_pattern = Code::zero_pattern;
    return c;
}

/// Calls visit(Code{}) with the description of `id`; what it returns, or a default value if `id` is none.
template <class Visit>
TERN_INLINE constexpr auto visit_code(code_id id, Visit&& visit) noexcept(noexcept(visit(ternary{})))
    -> decltype(visit(ternary{})) {
    switch (id) {
#define TERN_CODE_CASE(id_, description) \
    case code_id::id_: return visit(description{});
        TERN_CODES(TERN_CODE_CASE)
#undef TERN_CODE_CASE
    }
    return decltype(visit(ternary{}))();
}

/// The description of a code; one without planes if `id` is none (a cast integer).
TERN_INLINE constexpr code_info get_code_info(code_id id) noexcept {
    switch (id) {
#define TERN_CODE_CASE(id_, description) \
    case code_id::id_: return describe_code<description>(id);
        TERN_CODES(TERN_CODE_CASE)
#undef TERN_CODE_CASE
    }
    return {};
}

TERN_INLINE constexpr bool is_code(code_id id) noexcept { return static_cast<std::size_t>(id) < code_count; }
TERN_INLINE constexpr const char* code_name(code_id id) noexcept { return get_code_info(id).name; }
TERN_INLINE constexpr int code_planes(code_id id) noexcept { return get_code_info(id).planes; }
TERN_INLINE constexpr int code_min(code_id id) noexcept { return get_code_info(id).min; }
TERN_INLINE constexpr int code_max(code_id id) noexcept { return get_code_info(id).max; }
TERN_INLINE constexpr bool code_has_zero(code_id id) noexcept { return get_code_info(id).has_zero; }
TERN_INLINE constexpr bool code_contains(code_id id, int v) noexcept { return get_code_info(id).contains(v); }

/// The unsigned and the odd code of `bits` bits, 1 to 4.
TERN_INLINE constexpr code_id unsigned_code(int bits) noexcept {
    return static_cast<code_id>(static_cast<int>(code_id::u1) + bits - 1);
}
TERN_INLINE constexpr code_id odd_code(int bits) noexcept {
    return static_cast<code_id>(static_cast<int>(code_id::o1) + bits - 1);
}

/// The code of that name ("t", "u2", ...); false if there is none, or no name.
TERN_INLINE constexpr bool find_code(const char* name, code_id& found) noexcept {
    if (name == nullptr)
        return false;
    for (std::size_t i = 0; i < code_count; ++i) {
        const char* a = get_code_info(static_cast<code_id>(i)).name;
        const char* b = name;
        while (*a != '\0' && *a == *b)
            ++a, ++b;
        if (*a == *b) {
            found = static_cast<code_id>(i);
            return true;
        }
    }
    return false;
}

TERN_END_VOCABULARY
