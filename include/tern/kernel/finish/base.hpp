// What all finishes of `Channels` channels have: the type of their sums.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../strip.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

template <class Vector, std::size_t Channels>
struct finish_base {
    using vector = Vector;
    using element = typename element_of<Vector>::type;
    static constexpr std::size_t channels = Channels, vectors = Channels / simd::f32_lanes;

    TERN_INLINE void prefetch(std::size_t) const {}
};

}  // namespace kernel
TERN_END_NAMESPACE
