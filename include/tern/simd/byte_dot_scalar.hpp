// byte_dot (simd/byte_dot.hpp) for any CPU: one output channel at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "vec.hpp"

TERN_BEGIN_NAMESPACE
namespace simd {

/// Codes of bit planes, 8 bytes apart, to 16 bytes: offset + the weights of the planes whose bit is set.
TERN_INLINE void bits_to_bytes(const unsigned char* planes, std::size_t count, const unsigned char* weights,
                               unsigned char offset, unsigned char* out) {
    constexpr std::uint64_t ones = 0x0101010101010101u, low = 0x7f7f7f7f7f7f7f7fu;
    for (std::size_t half = 0; half < 2; ++half) {
        std::uint64_t values = ones * offset;
        for (std::size_t p = 0; p < count; ++p) {
            const std::uint64_t spread = (planes[p * 8 + half] * ones) & 0x8040201008040201u;
            const std::uint64_t more = (((spread + low) >> 7) & ones) * weights[p];
            values = ((values & low) + (more & low)) ^ ((values ^ more) & ~low);  // no byte carries into the next
        }
        __builtin_memcpy(out + 8 * half, &values, 8);
    }
}

struct byte_dot {
    static constexpr std::size_t run = 16, lanes = 1, rows = 1;
    static constexpr bool holds_activations = false;
    static constexpr bool unsigned_bytes = false;
    static constexpr std::uint32_t pairs = 0;
    static constexpr bool is_short = false;

    using operand_type = const unsigned char*;
    using weights_type = const unsigned char*;
    struct activations {
        const unsigned char* p;

        TERN_INLINE void load(const unsigned char* const* pixels, std::ptrdiff_t offset) { p = *pixels + offset; }
        template <std::size_t Group>
        TERN_INLINE operand_type operand() const {
            return p + Group * run;
        }
    };

    std::int32_t sum;

    static TERN_INLINE weights_type load_weights(const unsigned char* p) { return p; }
    TERN_INLINE void begin(const std::int32_t* start) { sum = *start; }
    TERN_INLINE void add(operand_type x, weights_type w) {
        for (std::size_t k = 0; k < run; ++k)
            sum += static_cast<std::int8_t>(x[k]) * static_cast<std::int8_t>(w[k]);
    }
    template <std::size_t Blocks>
    static TERN_INLINE i32v total(const byte_dot (&sums)[Blocks], std::size_t /*row*/, std::size_t j) {
        return {sums[j].sum};
    }
};

}  // namespace simd
TERN_END_NAMESPACE
