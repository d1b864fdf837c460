// What a network's first layer sees of a byte.
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "../core/rounding.hpp"

TERN_BEGIN_VOCABULARY

/// The number that a network's first layer sees of a byte: (byte / divisor - mean[c]) / deviation[c]. Padding is
/// 0 in these units. With the divisor 255, mean and deviation are those of torchvision's Normalize; with 1, they are in
/// bytes.
struct image_normalization {
    const float* mean = nullptr;       ///< null: 0
    const float* deviation = nullptr;  ///< null: 1
    float divisor = 255.0f;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

inline constexpr std::size_t byte_values = 256;

/// What every byte is worth in a channel, byte_values floats, each operation rounded to float32 in the order of the
/// formula: what training frameworks make of it.
inline void normalize_bytes(const image_normalization& to, std::size_t channel, float* values) noexcept {
    const float mean = to.mean != nullptr ? to.mean[channel] : 0.0f;
    const float deviation = to.deviation != nullptr ? to.deviation[channel] : 1.0f;
    for (std::size_t byte = 0; byte < byte_values; ++byte)
        values[byte] = rounded(rounded(static_cast<float>(byte) / to.divisor) - mean) / deviation;
}

TERN_END_NAMESPACE
