// Options that every plan takes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/geometry.hpp"
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

/// How a plan of packed activations finds the fastest kernels.
enum class choice_rule : std::uint8_t {
    modelled,  ///< by a cost model of the core and the expected shape
    measured,  ///< by running those that the model puts within twice the best, on made-up activations
};

/// Where outcomes of measuring are kept, by keys that name core, level, codes, layer and input. Both functions may be
/// called by several threads at once. `tuning` (model/tuning.hpp) is one that reads and writes files.
struct tuning_store {
    void* ctx = nullptr;
    /// Writes the kernel's name, with its final 0, into `size` bytes; false if it is not known.
    bool (*find)(void* ctx, const char* key, char* kernel, std::size_t size) = nullptr;
    void (*add)(void* ctx, const char* key, const char* kernel) = nullptr;

    TERN_INLINE explicit constexpr operator bool() const noexcept { return find != nullptr && add != nullptr; }
};

struct plan_options {
    const char* level = nullptr;            ///< instruction-set level; null: TERN_ISA, else the best
    const kernel_table* kernels = nullptr;  ///< use this table, whatever `level` says (tests)
    core_kind core = core_kind::automatic;  ///< whose rates decide what is fastest
    tern::v1::lowering lowering = tern::v1::lowering::automatic;
    kernel_family family = kernel_family::automatic;
    const char* kernel =
        nullptr;  ///< conv2d, gemm: the kernels of this name, as explain() lists them; null: the fastest
    /// The input of a typical run (gemm: shape_of_rows(m)), for the choice of kernels; of height 0: one image of
    /// middle size. Any other input can be run, too.
    image_shape expected{};
    /// Another one, if runs are of two kinds: the plan keeps weights for both if other kernels are faster there, and
    /// each run takes those that are faster for its input.
    image_shape also_expected{};
    choice_rule choice = choice_rule::modelled;
    double measuring_seconds = 0.02;  ///< of a plan whose choice is measured, at most (about: a run is never cut short)
    tuning_store outcomes{};  ///< measured: what is known already is not measured again, what is not known is added
    tern::v1::border_value border_value = tern::v1::border_value::from_image;
    std::size_t max_weight_bytes = 0;  ///< kernels whose weights take more are not chosen; 0: no limit
    bool integer_thresholds = true;    ///< use them where they give the same codes as the float epilogue
    allocator memory{};                ///< for everything the plan keeps
    /// conv2d, gemm: which code of s8 or u8 activations a real 0 is. Accumulators are then sums of weight * (code -
    /// zero_point), and padding is that code: an exact 0. Packed images must hold it in the halo that is needed.
    int zero_point = 0;
    /// conv2d, gemm: one per output channel, or null: added to the sums before anything else is, exactly, as the bias
    /// of ONNX's QLinearConv is. Read by `create` alone.
    const std::int32_t* sum_bias = nullptr;
};

TERN_END_VOCABULARY
