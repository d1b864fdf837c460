// Options that every plan takes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../dispatch/core.hpp"
#include "../kernel/table.hpp"

TERN_BEGIN_VOCABULARY

/// How a convolution becomes matrix products.
enum class lowering : std::uint8_t {
    automatic,  ///< whichever should be faster: im2col where channel words would be mostly padding
    implicit,   ///< kernels read the haloed image by tap offsets
    merged,     ///< the bits of a kernel row's taps are packed together in workspace first: narrow layers
    im2col,     ///< the bits of all taps are
    winograd4,  ///< 3x3 kernels of small codes: 4x4 outputs of 36 products in place of 144, exactly (docs/winograd.md)
    winograd2,  ///< 2x2 outputs of 16 products in place of 36
};

/// What padding means for activations whose code has no 0. Of all others it is what the input's halo holds.
enum class border_value : std::uint8_t {
    from_image,  ///< what the input's halo holds (packed_layout::halo_code)
    zero,        ///< an exact 0
};

struct plan_options {
    const char* level = nullptr;            ///< instruction-set level; null: TERN_ISA, else the best
    const kernel_table* kernels = nullptr;  ///< use this table, whatever `level` says (tests)
    core_kind core = core_kind::automatic;  ///< whose rates decide what is fastest
    tern::v1::lowering lowering = tern::v1::lowering::automatic;
    kernel_family family = kernel_family::automatic;
    std::size_t expected_pixels =
        0;  ///< output pixels (gemm: rows) of a typical run, for the choice of kernel; 0: many
    tern::v1::border_value border_value = tern::v1::border_value::from_image;
    std::size_t max_weight_bytes = 0;  ///< lowerings whose weights take more are not chosen; 0: no limit
    bool integer_thresholds = true;    ///< use them where they give the same codes as the float epilogue
    allocator memory{};                ///< for everything the plan keeps
};

TERN_END_VOCABULARY
