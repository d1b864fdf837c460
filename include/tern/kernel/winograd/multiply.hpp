// The products of all points, on the tiles of the dot family.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../product/bytes.hpp"
#include "../strip.hpp"
#include "../winograd_form.hpp"

#if TERN_HAS_BYTE_DOT

TERN_BEGIN_NAMESPACE
namespace kernel {

template <class Product, std::size_t Pixels>
TERN_INLINE void multiply_point(const strip_args& args, std::size_t first, std::int32_t* sums) {
    typename Product::template tile<Pixels> tile;
    typename Product::template tile<Pixels>::memory memory;
    tile.run(args, first, memory);
    store_totals<Product, Pixels>(tile, args, first, sums + first * Product::channels);
}

template <std::size_t... Smaller>
constexpr std::size_t next_size(tile_sizes<Smaller...> sizes) {
    if constexpr (sizeof...(Smaller) == 0)
        return 0;
    else
        return largest_size(sizes);
}

template <class Product>
TERN_INLINE void multiply_tiles(const strip_args&, std::size_t, std::int32_t*, tile_sizes<>) {}

template <class Product, std::size_t Pixels, std::size_t... Smaller>
TERN_INLINE void multiply_tiles(const strip_args& args, std::size_t first, std::int32_t* sums,
                                tile_sizes<Pixels, Smaller...>) {
    // Two tiles of a middle size rather than a large one and a small one, whose sums would wait for each other.
    constexpr std::size_t next = next_size(tile_sizes<Smaller...>());
    const auto is_best = [&](std::size_t rest) {
        return rest >= Pixels && (rest > 2 * next || rest - Pixels > next / 2);
    };
    for (; is_best(args.count - first) || args.count - first == Pixels; first += Pixels)
        multiply_point<Product, Pixels>(args, first, sums);
    if (first < args.count)
        multiply_tiles<Product>(args, first, sums, tile_sizes<Smaller...>());
}

template <class Product>
inline void multiply_points(const winograd_product_args& given, std::size_t points) {
    const winograd_product_args args = given;
    step_run run{0, 0, args.steps};
    strip_args point{};
    point.pixels = args.inputs;
    point.count = args.count;
    point.runs = &run;
    point.run_count = 1;
    point.step_count = args.steps;
    for (std::size_t k = 0; k < points; ++k) {
        run.pixel = static_cast<std::ptrdiff_t>(k * args.pitch + args.first);
        point.panel = args.panel + k * args.panel_pitch;
        point.start = args.starts + k * args.start_pitch;
        multiply_tiles<Product>(point, 0, args.sums + k * args.sum_pitch, typename Product::sizes());
    }
}

template <class Product, class Form>
inline void multiply_winograd(const winograd_product_args& args) {
    multiply_points<Product>(args, Form::points * Form::points);
}

}  // namespace kernel
TERN_END_NAMESPACE

#endif
