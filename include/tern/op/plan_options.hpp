// Options that every plan takes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../code/code.hpp"
#include "../core/config.hpp"
#include "../core/geometry.hpp"
#include "../core/memory.hpp"
#include "../dispatch/core.hpp"
#include "../kernel/table.hpp"

TERN_BEGIN_VOCABULARY

/// How a convolution becomes matrix products.
enum class lowering : std::uint8_t {
    automatic,  ///< whichever should be fastest
    implicit,   ///< kernels read the image with its halo where it lies, by tap offsets
    merged,     ///< the channels of a kernel row's taps are packed together in the workspace first, for few channels
    im2col,     ///< the channels of all taps are packed together
    winograd4,  ///< 3x3 kernels of small codes: 4x4 outputs of 36 products in place of 144, exactly (docs/winograd.md)
    winograd2,  ///< the same with 2x2 outputs of 16 products in place of 36
};

/// What padding means for activations whose code has no 0. For all other codes it is what the input's halo holds.
enum class border_value : std::uint8_t {
    from_image,  ///< what the input's halo holds (packed_layout::halo_code)
    zero,        ///< an exact 0
};

/// The code of activations as an argument. `{}` makes none, so that it stays a default geometry or chain there.
struct activation_code {
    code_id id;

    TERN_INLINE constexpr activation_code(code_id code) noexcept : id(code) {}
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

/// What decides which kernels a plan uses, and what surrounds its codes. The defaults choose the fastest kernels for
/// the machine that the plan is made on.
struct plan_options {
    const char* level = nullptr;            ///< instruction-set level; null: TERN_ISA says which, else the best
    const kernel_table* kernels = nullptr;  ///< a table to use, whatever `level` says (tests)
    core_kind core = core_kind::automatic;  ///< the core whose rates decide what is fastest
    tern::v1::lowering lowering = tern::v1::lowering::automatic;
    kernel_family family = kernel_family::automatic;
    /// conv2d, gemm: the name of the kernels to use, as explain() lists them (docs/kernel_names.md); null: the fastest.
    const char* kernel = nullptr;
    /// The input of a typical run (gemm: shape_of_rows(m)), for which kernels are chosen; a height of 0 stands for one
    /// image of middle size. Any other input can be run, too.
    image_shape expected{};
    /// The input of runs of a second kind, if there are two. The plan keeps weights for both if other kernels are
    /// faster there, and each run takes those that are faster for its input.
    image_shape also_expected{};
    choice_rule choice = choice_rule::modelled;
    double measuring_seconds = 0.02;  ///< what a plan measures for at most; about that, as a run is never cut short
    tuning_store outcomes{};  ///< measured: what is known already is not measured again, what is not known is added
    tern::v1::border_value border_value = tern::v1::border_value::from_image;
    std::size_t max_weight_bytes = 0;  ///< kernels whose weights take more are not chosen; 0: no limit
    bool integer_thresholds = true;    ///< integer thresholds are used where they give the codes of the float epilogue
    allocator memory{};                ///< gives the memory for everything that the plan keeps
    /// conv2d, gemm: which code of s8 or u8 activations a real 0 is. Accumulators are then sums of weight * (code -
    /// zero_point), and padding is that code: an exact 0. Packed images must hold it in the halo that is needed.
    int zero_point = 0;
    /// conv2d, gemm: a number for each output channel that is added to the sums before anything else, exactly, as the
    /// bias of ONNX's QLinearConv is; or null. `create` alone reads it.
    const std::int32_t* sum_bias = nullptr;
};

TERN_END_VOCABULARY
