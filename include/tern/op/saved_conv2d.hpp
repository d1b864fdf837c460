// saved_conv2d: what a conv2d plan is made from, as bytes that an engine keeps in its own files. Plans themselves hold
// panels for one machine; the bytes are the same on all. docs/formats.md, "Saved convolutions", has every field.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/geometry.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/code_weights.hpp"
#include "conv2d.hpp"
#include "plan_options.hpp"
#include "saved/description.hpp"
#include "stage.hpp"

TERN_BEGIN_NAMESPACE

/// The plan of a description, whose members count where options have them, too. Errors: no weights; those of
/// `conv2d::create`.
TERN_FUNC result<conv2d> create_conv2d(const conv2d_description& description, const plan_options& options = {});

/// Bytes that a description takes when it is saved; 0 if save_conv2d would refuse it.
TERN_FUNC std::size_t saved_bytes(const conv2d_description& description) noexcept;

/// Writes a description into `size` bytes at `to`, at any address, that share no memory with it; `size` is what
/// saved_bytes says. Equal descriptions give equal bytes, on every machine. Errors, before anything is
/// written: no memory, another size; weights that do not pass their check; a geometry that does not fit them; stages
/// with a missing, misaligned or not finite array, or thresholds that are none. Whether stages are in an order that a
/// plan can have, create_conv2d says.
TERN_FUNC status save_conv2d(const conv2d_description& description, void* to, std::size_t size);

/// A description that owns what it points at.
struct saved_conv2d {
    code_weights weights{};
    code_id activations = code_id::ternary;
    conv_geometry geometry{};
    epilogue chain{};  ///< its arrays lie in `arrays`
    tern::v1::border_value border_value = tern::v1::border_value::from_image;
    int zero_point = 0;
    buffer<std::int32_t> sum_bias{};  ///< out_channels, or empty
    buffer<unsigned char> arrays{};

    /// Points at this object, which must stay where it is meanwhile; empty if it was default-made or moved from.
    TERN_INLINE conv2d_description description() const noexcept {
        conv2d_description d;
        if (weights.scale.empty())
            return d;
        d.weights = &weights;
        d.activations = activations;
        d.geometry = geometry;
        d.chain = chain;
        d.border_value = border_value;
        d.zero_point = zero_point;
        d.sum_bias = sum_bias.empty() ? nullptr : sum_bias.data();
        return d;
    }
};

/// Reads what save_conv2d wrote, at any address; the bytes are needed no longer then. All memory is `memory`'s, at most
/// 10 times `size` bytes of it, or 90 times for weights of few input channels (weight_bytes). Errors: bytes that are
/// not the whole of a saved convolution of a known version, as its checksum and every field say; what save_conv2d
/// refuses; refused memory.
TERN_FUNC result<saved_conv2d> read_saved_conv2d(const void* bytes, std::size_t size, const allocator& memory = {});

/// read_saved_conv2d, then create_conv2d, both with `options.memory`: the plan that was described, for this machine.
TERN_FUNC result<conv2d> load_conv2d(const void* bytes, std::size_t size, const plan_options& options = {});

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "saved_conv2d-inl.hpp"
#endif
