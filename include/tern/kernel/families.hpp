// The list of families: one line each, in the order in which plans consider them. A level has those that its vectors
// can do.
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "product/bits.hpp"
#include "product/bytes.hpp"
#include "product/pairs.hpp"
#include "product/planes.hpp"
#include "product/triples.hpp"
#include "product/twin_bits.hpp"
#include "product/twin_pairs.hpp"
#include "product/twin_triples.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

template <std::size_t Most>
struct family_list {
    product_family of[Most] = {};
    std::size_t count = 0;
};

/// Those that exist.
template <class... Families>
constexpr family_list<sizeof...(Families)> list_families(const Families&... families) {
    family_list<sizeof...(Families)> list;
    const product_family* const all[] = {&families...};
    for (const product_family* f : all)
        if (f->exists())
            list.of[list.count++] = *f;
    return list;
}

inline constexpr auto families = list_families(  //
    bit_family<bit_form::signs>,                 //
    bit_family<bit_form::activation_mask>,       //
    bit_family<bit_form::weight_mask>,           //
    twin_bit_family,                             //
    plane_family,                                //
    twin_triple_family,                          //
    wide_twin_triple_family,                     //
    narrow_twin_triple_family,                   //
    triple_family,                               //
    twin_pair_family,                            //
    narrow_twin_pair_family,                     //
    pair_family,                                 //
    pair_dot_family,                             //
    short_dot_family,                            //
    short_dot_row_family,                        //
    two_bit_family,                              //
    two_bit_row_family,                          //
    byte_row_family,                             //
    byte_family);

}  // namespace kernel
TERN_END_NAMESPACE
