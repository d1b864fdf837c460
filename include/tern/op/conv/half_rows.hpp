// Runs of halves to floats and back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../core/float_tensor.hpp"
#include "../../core/half_floats.hpp"

TERN_BEGIN_NAMESPACE
namespace half_rows_detail {

// Elements done at a time: a loop of constant length is vectorised, whatever the compiler thinks of short ones.
inline constexpr std::size_t block = 16;

template <bool F16>
void read(const std::uint16_t* from, std::ptrdiff_t step, std::size_t count, float* to) {
    const auto one = [](std::uint16_t h) { return F16 ? from_f16(h) : from_bf16(h); };
    std::size_t i = 0;
    for (; step == 1 && count - i >= block; i += block)
        for (std::size_t k = 0; k < block; ++k)
            to[i + k] = one(from[i + k]);
    for (; i < count; ++i)
        to[i] = one(from[static_cast<std::ptrdiff_t>(i) * step]);
}

template <bool F16>
void write(const float* from, std::size_t count, std::uint16_t* to, std::ptrdiff_t step) {
    const auto one = [](float v) { return F16 ? to_f16(v) : to_bf16(v); };
    std::size_t i = 0;
    for (; count - i >= block; i += block) {
        std::uint16_t halves[block];
        for (std::size_t k = 0; k < block; ++k)
            halves[k] = one(from[i + k]);
        for (std::size_t k = 0; k < block; ++k)
            to[static_cast<std::ptrdiff_t>(i + k) * step] = halves[k];
    }
    for (; i < count; ++i)
        to[static_cast<std::ptrdiff_t>(i) * step] = one(from[i]);
}

}  // namespace half_rows_detail

/// `count` halves, `step` elements apart, as floats side by side.
inline void read_halves(float_type type, const std::uint16_t* from, std::ptrdiff_t step, std::size_t count, float* to) {
    if (type == float_type::f16)
        half_rows_detail::read<true>(from, step, count, to);
    else
        half_rows_detail::read<false>(from, step, count, to);
}

/// `count` floats side by side as halves, `step` elements apart.
inline void write_halves(float_type type, const float* from, std::size_t count, std::uint16_t* to,
                         std::ptrdiff_t step) {
    if (type == float_type::f16)
        half_rows_detail::write<true>(from, count, to, step);
    else
        half_rows_detail::write<false>(from, count, to, step);
}

TERN_END_NAMESPACE
