// The sizes of a graph's maps for images of a size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/geometry.hpp"
#include "../../core/status.hpp"
#include "node.hpp"

TERN_BEGIN_VOCABULARY

/// Sizes of a map: n images of h x w pixels with c channels.
struct map_shape {
    std::size_t n = 0, h = 0, w = 0, c = 0;

    TERN_INLINE constexpr image_shape images() const noexcept { return {n, h, w}; }
    TERN_INLINE friend constexpr bool operator==(const map_shape& a, const map_shape& b) noexcept {
        return a.n == b.n && a.h == b.h && a.w == b.w && a.c == b.c;
    }
};

/// How the sizes of a node's value follow from those it reads.
enum class shape_change : std::uint8_t { input, same, window, whole, pixel, add, concat, flatten, upsample, halve };

/// All that a node's sizes depend on beside those it reads: plans keep it when the node itself is gone.
struct shape_rule {
    shape_change change = shape_change::same;
    std::size_t h = 1, w = 1;  ///< of a window, or factors of an upsampling
    conv_geometry geometry{};
    std::size_t channels = 0;  ///< of the value; 0: as many as it reads
    std::size_t fan_in = 0;    ///< pixel: values that it must read
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

TERN_FUNC shape_rule shape_rule_of(const graph_node& n) noexcept;

/// The sizes of the value of a node called `name` that reads `count` maps; of an input: those it reads with the
/// channels that the rule says. Errors name the node: windows that do not fit, maps of different sizes, odd ones that
/// a shortcut should halve, sizes that overflow.
TERN_FUNC result<map_shape> infer_shape(const shape_rule& rule, const char* name, const map_shape* inputs,
                                        std::size_t count);

/// The sizes of all values for images of these sizes, one for each input node in order. Errors: those of check_graph
/// and infer_shape, another number of images, different numbers of images, images without pixels.
TERN_FUNC result<std::vector<map_shape>> infer_shapes(const graph& g, const std::vector<image_shape>& images);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "shapes-inl.hpp"
#endif
