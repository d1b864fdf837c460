// Where the sums of a strip go: the addresses of its pixels in all tensors, and how its tiles are finished.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../core/executor.hpp"
#include "../../core/float_tensor.hpp"
#include "../../core/scratch.hpp"
#include "../../core/tensor.hpp"
#include "../../format/packed_image.hpp"
#include "../../kernel/table.hpp"
#include "../epilogue.hpp"
#include "strip_limits.hpp"

TERN_BEGIN_VOCABULARY

/// What a convolution reads and writes beside its input.
struct conv_tensors {
    tensor_view<const float> residual{};
    tensor_view<float> out{};
    packed_image packed[max_quantizers]{};
    tensor_view<std::int32_t> accumulators{};
    float_view half_out{};  ///< in place of the two above
    const_float_view half_residual{};
    tensor_view<std::uint8_t> bytes{};  ///< dense channels, in place of packed[0]
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// The pixels of a strip; in a slice's scratch memory.
struct strip_pixel_arrays {
    const unsigned char* input[strip_pixels];
    std::int32_t pixel_start[strip_pixels];
    float* out[strip_pixels];
    const float* residual[strip_pixels];
    unsigned char* packed[max_quantizers][strip_pixels];
    std::int32_t* accumulators[strip_pixels];
    std::uint16_t* half_out[strip_pixels];
    const std::uint16_t* half_residual[strip_pixels];
    bool used[strip_pixels];
};

/// Finishes the tiles of one task: in the kernels of products where they have that built in, else from sums in scratch
/// memory.
class strip_finisher {
public:
    /// What it is given must outlive it. `float_sums`: of fp32 products.
    TERN_FUNC strip_finisher(const kernel_table& kernels, const lowered_epilogue& lowered, const conv_tensors& tensors,
                             bool float_sums, scratch_memory& scratch);

    /// Sets the addresses of `count` positions of the strip from number `i` on, which are output pixels (n, y, x) and
    /// its right neighbours.
    TERN_FUNC void locate(std::size_t i, std::size_t n, std::size_t y, std::size_t x, std::size_t count);
    /// Makes position i one that nothing asks for.
    TERN_FUNC void leave_out(std::size_t i);
    strip_pixel_arrays& pixels() noexcept { return *pixels_; }
    /// As large as the sums of a part; for whoever makes them.
    float* spare_sums() noexcept { return values_; }

    /// Runs one tile of channels, from `channel` on, over some positions of the strip. All of `args` but `count` and
    /// `finish` is set, for the strip as a whole. `tile_channels`: of the kernels.
    TERN_FUNC void run(const strip_kernel (&strips)[finish_kinds], const strip_args& args, const slice_range& positions,
                       std::size_t channel, std::size_t tile_channels) const;

    /// The same where sums take more than one kernel: make(part) writes those of a part of the strip to
    /// part.finish.sums.
    template <class Make>
    void run_sums(const strip_args& args, const slice_range& positions, std::size_t channel, std::size_t tile_channels,
                  Make&& make) const {
        const std::size_t most = max_tile_sums / tile_channels / max_tile_pixels * max_tile_pixels;
        for (std::size_t i = positions.begin; i < positions.end; i += most) {
            strip_args part = part_of(args, i, positions.end - i < most ? positions.end - i : most, channel);
            make(part);
            finish_part(part, i, channel, tile_channels);
        }
    }

private:
    TERN_FUNC strip_args part_of(const strip_args& args, std::size_t first, std::size_t count,
                                 std::size_t channel) const;
    TERN_FUNC void finish_part(const strip_args& part, std::size_t first, std::size_t channel,
                               std::size_t tile_channels) const;
    std::size_t valid_channels(std::size_t channel, std::size_t tile_channels) const noexcept {
        const std::size_t rest = lowered_.channels - channel;
        return rest < tile_channels ? rest : tile_channels;
    }
    TERN_FUNC finish_kind built_in() const noexcept;
    TERN_FUNC void finish_sums(const finish_tile_args& tile, std::size_t first) const;
    TERN_FUNC void quantize(const finish_tile_args& tile, const float* values) const;
    TERN_FUNC void scatter_out(const finish_tile_args& tile, std::size_t first) const;
    TERN_FUNC void gather_residual(const finish_tile_args& tile, std::size_t first) const;
    template <class T, class Read>
    void gather(const finish_tile_args& tile, std::size_t first, const tensor_view<const T>& from,
                const T* const* pixels, Read&& read) const;
    TERN_FUNC void copy_accumulators(const finish_tile_args& tile, std::size_t first) const;

    const kernel_table& kernels_;
    const lowered_epilogue& lowered_;
    const conv_tensors& tensors_;
    bool float_sums_, gathers_, scatters_;
    bool ternary_;  ///< kernels write the codes themselves; other quantizers work as their levels say
    finish_kind kind_;
    strip_pixel_arrays* pixels_;
    // Of positions that nothing asks for, and tiles for what no kernel has built in.
    float* unused_;
    unsigned char* unused_packed_;
    void* sums_;
    float* values_;
    float* residuals_;
};

/// Writes the halos of the packed outputs that there are, in some rows of the images from `first` on.
TERN_FUNC void clear_halos(const lowered_epilogue& lowered, const packed_image* packed, std::size_t first,
                           const image_shape& out, const slice_range& rows);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "targets-inl.hpp"
#endif
