// Element types and shapes of tensors in files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "../core/checked.hpp"
#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// Element types that a safetensors file may hold, in the format's own order, which is that of ascending alignment.
/// All are little-endian; `boolean` is one byte, 0 or 1.
enum class data_type : std::uint8_t {
    boolean,
    u8,
    i8,
    f8_e5m2,
    f8_e4m3,
    i16,
    u16,
    f16,
    bf16,
    i32,
    u32,
    f32,
    f64,
    i64,
    u64,
};
inline constexpr std::size_t data_type_count = 15;

/// The name in files, as "F32" or "BOOL".
TERN_INLINE constexpr const char* dtype_name(data_type t) noexcept {
    switch (t) {
        case data_type::boolean: return "BOOL";
        case data_type::u8: return "U8";
        case data_type::i8: return "I8";
        case data_type::f8_e5m2: return "F8_E5M2";
        case data_type::f8_e4m3: return "F8_E4M3";
        case data_type::i16: return "I16";
        case data_type::u16: return "U16";
        case data_type::f16: return "F16";
        case data_type::bf16: return "BF16";
        case data_type::i32: return "I32";
        case data_type::u32: return "U32";
        case data_type::f32: return "F32";
        case data_type::f64: return "F64";
        case data_type::i64: return "I64";
        case data_type::u64: return "U64";
    }
    return "?";
}

/// Bytes of one element, 1 to 8; 0 if `t` is no data_type.
TERN_INLINE constexpr std::size_t dtype_size(data_type t) noexcept {
    switch (t) {
        case data_type::boolean:
        case data_type::u8:
        case data_type::i8:
        case data_type::f8_e5m2:
        case data_type::f8_e4m3: return 1;
        case data_type::i16:
        case data_type::u16:
        case data_type::f16:
        case data_type::bf16: return 2;
        case data_type::i32:
        case data_type::u32:
        case data_type::f32: return 4;
        case data_type::f64:
        case data_type::i64:
        case data_type::u64: return 8;
    }
    return 0;
}

/// The type of that name, if there is one.
TERN_INLINE constexpr std::optional<data_type> dtype_from_name(std::string_view name) noexcept {
    for (std::size_t i = 0; i < data_type_count; ++i)
        if (const auto t = static_cast<data_type>(i); name == dtype_name(t))
            return t;
    return std::nullopt;
}

/// The shape of a tensor, outermost dimension first. A scalar has rank 0 and one element; a dimension may be 0.
class tensor_dims {
public:
    static constexpr std::size_t max_rank = 8;

    TERN_INLINE constexpr tensor_dims() noexcept = default;
    /// More than `max_rank` dimensions make an invalid shape.
    TERN_INLINE constexpr tensor_dims(std::initializer_list<std::size_t> dims) noexcept {
        for (const std::size_t d : dims)
            push(d);
    }

    /// Appends a dimension; false, and invalid from then on, if there are `max_rank` already.
    TERN_INLINE constexpr bool push(std::size_t d) noexcept {
        valid_ = valid_ && rank_ < max_rank;
        if (valid_)
            dims_[rank_++] = d;
        return valid_;
    }

    TERN_INLINE constexpr bool valid() const noexcept { return valid_; }
    TERN_INLINE constexpr std::size_t rank() const noexcept { return rank_; }
    TERN_INLINE constexpr std::size_t operator[](std::size_t i) const noexcept { return dims_[i]; }
    TERN_INLINE constexpr const std::size_t* begin() const noexcept { return dims_; }
    TERN_INLINE constexpr const std::size_t* end() const noexcept { return dims_ + rank_; }

    /// Number of elements. Not ok() if the product of the dimensions that are not 0 overflows, so that no part of a
    /// shape that is ok can overflow.
    TERN_INLINE constexpr checked_size count() const noexcept {
        checked_size product = 1;
        bool empty = false;
        for (std::size_t i = 0; i < rank_; ++i) {
            product = product * (dims_[i] == 0 ? 1 : dims_[i]);
            empty = empty || dims_[i] == 0;
        }
        return {empty ? 0 : product.value, valid_ && product.ok()};
    }

    TERN_INLINE friend constexpr bool operator==(const tensor_dims& a, const tensor_dims& b) noexcept {
        bool equal = a.rank_ == b.rank_ && a.valid_ && b.valid_;
        for (std::size_t i = 0; equal && i < a.rank_; ++i)
            equal = a.dims_[i] == b.dims_[i];
        return equal;
    }
    TERN_INLINE friend constexpr bool operator!=(const tensor_dims& a, const tensor_dims& b) noexcept {
        return !(a == b);
    }

private:
    std::size_t dims_[max_rank] = {};
    std::uint8_t rank_ = 0;
    bool valid_ = true;
};

TERN_END_VOCABULARY
