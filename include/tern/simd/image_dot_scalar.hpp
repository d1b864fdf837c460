// short_dot (simd/image_dot.hpp) for any CPU: one output channel at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "vec.hpp"

TERN_BEGIN_NAMESPACE
namespace simd {

struct short_dot {
    static constexpr std::size_t step = 2, run = 2, lanes = 1, value_bytes = 2;

    struct pair {
        std::int16_t first, second;
    };
    using operand_type = pair;
    using weights_type = pair;

    std::int32_t sum;

    static TERN_INLINE pair load_weights(const unsigned char* p) {
        pair v;
        __builtin_memcpy(&v, p, sizeof v);
        return v;
    }
    static TERN_INLINE pair load(const unsigned char* p) { return load_weights(p); }
    TERN_INLINE void begin(const std::int32_t* start) { sum = *start; }
    TERN_INLINE void add(pair x, pair w) {  // unsigned: what starts the sum may be beyond what it ends as
        sum =
            static_cast<std::int32_t>(static_cast<std::uint32_t>(sum) + static_cast<std::uint32_t>(x.first * w.first) +
                                      static_cast<std::uint32_t>(x.second * w.second));
    }
    TERN_INLINE i32v total(std::size_t /*part*/) const { return {sum}; }
};

}  // namespace simd
TERN_END_NAMESPACE
