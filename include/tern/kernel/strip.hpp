// The strip: pixels times the output channels of one tile, products and finish in one call. Written once for all
// families.
//
// A product makes sums. It has the type `sum` of a vector of them (simd::i32v or simd::f32v), `channels` of a tile, and
// `sizes`, the numbers of pixels that tiles may have, largest first, down to the family's `shared_pixels`. Its
// `tile<Pixels>` has
//
//   run(args, first, memory)        computes the products of pixels [first, first + Pixels) of the strip
//   total(args, first, i, j)        vector j of the sums of pixel i
//   memory                          the type of what does not stay in registers; apart from the tile, which then can
//
// A finish does something with them (kernel/finish/). Its constructor takes the strip's finish_args; load() reads
// `constants` that all pixels share, for every tile where products need the registers; pixels(sums, at, constants)
// finishes a tile, the pixels of the strip from number `at` on, so that what differs from strip to strip is asked once
// a tile; prefetch(i) may ask for what it will write.
//
// Sums pass from one to the other in registers, which takes code for every pair of both, or through a tile in L1, where
// products and finishes share nothing but the number of channels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "family.hpp"
#include "tile_sizes.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// The numbers of a type of vector.
template <class Vector>
struct element_of;
template <>
struct element_of<simd::i32v> {
    using type = std::int32_t;
};
template <>
struct element_of<simd::f32v> {
    using type = float;
};

/// The vectors of sums that a pixel has.
template <class Product>
inline constexpr std::size_t sum_vectors = Product::channels / simd::f32_lanes;

/// The sums of pixels `I` to `Pixels` of a tile. A recursion, because GCC 12 keeps a tile in memory while there is a
/// loop over it.
template <class Product, std::size_t Pixels, std::size_t I = 0, class Tile>
TERN_INLINE void take_totals(const Tile& tile, const strip_args& args, std::size_t first,
                             typename Product::sum (&sums)[Pixels][sum_vectors<Product>]) {
    TERN_UNROLL_ALWAYS
    for (std::size_t j = 0; j < sum_vectors<Product>; ++j)
        sums[I][j] = tile.total(args, first, I, j);
    if constexpr (I + 1 < Pixels)
        take_totals<Product, Pixels, I + 1>(tile, args, first, sums);
}

// In registers.

template <class Product, class Finish, std::size_t Pixels>
TERN_INLINE void run_tile(const strip_args& args, const Finish& finish, std::size_t first) {
    for (std::size_t i = 0; i < Pixels; ++i)
        finish.prefetch(first + i);
    typename Product::template tile<Pixels> tile;
    typename Product::template tile<Pixels>::memory memory;
    tile.run(args, first, memory);
    typename Product::sum sums[Pixels][sum_vectors<Product>];
    take_totals<Product, Pixels>(tile, args, first, sums);
    finish.pixels(sums, first, finish.load());
}

template <class Product, class Finish>
TERN_INLINE void run_tiles(const strip_args&, const Finish&, std::size_t, tile_sizes<>) {}

template <class Product, class Finish, std::size_t Pixels, std::size_t... Smaller>
TERN_INLINE void run_tiles(const strip_args& args, const Finish& finish, std::size_t first,
                           tile_sizes<Pixels, Smaller...>) {
    // One pixel alone reads all weights for itself: better a tile less, and two of the smaller ones.
    constexpr std::size_t kept = ((Smaller == Pixels - 1) || ...) ? Pixels + 1 : 0;
    for (; args.count - first >= Pixels && args.count - first != kept; first += Pixels)
        run_tile<Product, Finish, Pixels>(args, finish, first);
    if (first < args.count)
        run_tiles<Product>(args, finish, first, tile_sizes<Smaller...>());
}

template <class Product, template <class, std::size_t> class Finish>
inline void strip_in_registers(const strip_args& given) {
    const strip_args args = given;  // a copy: what is stored could otherwise change it, as far as the compiler knows
    const Finish<typename Product::sum, Product::channels> finish(args.finish);
    run_tiles<Product>(args, finish, 0, typename Product::sizes());
}

// Through memory.

/// The products of a tile, [pixel][channel].
struct tile_function {
    std::size_t pixels;
    void (*run)(const strip_args& args, std::size_t first, void* sums);
};

/// Writes the sums of pixels `I` to `Pixels` of a tile, one pixel after the other.
template <class Product, std::size_t Pixels, std::size_t I = 0, class Tile>
TERN_INLINE void store_totals(const Tile& tile, const strip_args& args, std::size_t first,
                              typename element_of<typename Product::sum>::type* to) {
    TERN_UNROLL_ALWAYS
    for (std::size_t j = 0; j < sum_vectors<Product>; ++j)
        simd::store(to + I * Product::channels + j * simd::f32_lanes, tile.total(args, first, I, j));
    if constexpr (I + 1 < Pixels)
        store_totals<Product, Pixels, I + 1>(tile, args, first, to);
}

template <class Product, std::size_t Pixels>
TERN_NOINLINE void tile_to_memory(const strip_args& given, std::size_t first, void* sums) {
    const strip_args args = given;  // see above
    typename Product::template tile<Pixels> tile;
    typename Product::template tile<Pixels>::memory memory;
    tile.run(args, first, memory);
    store_totals<Product, Pixels>(tile, args, first,
                                  static_cast<typename element_of<typename Product::sum>::type*>(sums));
}

/// By falling number of pixels.
template <std::size_t Count>
struct tile_functions {
    tile_function of[Count];
};
template <class Product, std::size_t... Pixels>
constexpr tile_functions<sizeof...(Pixels)> list_tiles(tile_sizes<Pixels...>) {
    return {{{Pixels, &tile_to_memory<Product, Pixels>}...}};
}
template <class Product>
inline constexpr auto tiles_of = list_tiles<Product>(typename Product::sizes());

/// The next tile of a strip that has `rest` pixels left.
TERN_INLINE const tile_function* next_tile(const tile_function* tile, std::size_t rest) {
    while (tile->pixels > rest || (rest == tile->pixels + 1 && rest > 2 && tile[1].pixels == tile->pixels - 1))
        ++tile;
    return tile;
}

template <class Finish>
TERN_NOINLINE void finish_tiles(const strip_args& given, const tile_function* tile) {
    const strip_args args = given;
    const Finish finish(args.finish);
    const typename Finish::constants constants = finish.load();
    alignas(64) typename Finish::element sums[tile_sizes_limit * Finish::channels];
    for (std::size_t first = 0; first < args.count; first += tile->pixels) {
        tile = next_tile(tile, args.count - first);
        for (std::size_t i = 0; i < tile->pixels; ++i)
            finish.prefetch(first + i);
        tile->run(given, first, sums);
        for (std::size_t i = 0; i < tile->pixels; ++i) {
            typename Finish::vector v[1][Finish::vectors];
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Finish::vectors; ++j)
                v[0][j] = simd::load(sums + i * Finish::channels + j * simd::f32_lanes);
            finish.pixels(v, first + i, constants);
        }
    }
}

template <class Product, template <class, std::size_t> class Finish>
inline void strip_through_memory(const strip_args& args) {
    static_assert(largest_size(typename Product::sizes()) <= tile_sizes_limit, "of the tile in memory");
    finish_tiles<Finish<typename Product::sum, Product::channels>>(args, tiles_of<Product>.of);
}

/// The sums themselves.
template <class Product>
inline void strip_of_sums(const strip_args& args) {
    const tile_function* tile = tiles_of<Product>.of;
    auto* to = static_cast<typename element_of<typename Product::sum>::type*>(args.finish.sums);
    for (std::size_t first = 0; first < args.count; first += tile->pixels) {
        tile = next_tile(tile, args.count - first);
        tile->run(args, first, to + first * Product::channels);
    }
}

}  // namespace kernel
TERN_END_NAMESPACE
