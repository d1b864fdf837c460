// Whether the parts of a residual network fit together: readers make them so, other programs may not.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/status.hpp"
#include "../format/code_weights.hpp"
#include "../quantize/activation.hpp"
#include "residual_network.hpp"

TERN_BEGIN_NAMESPACE
namespace check_network_detail {

/// An error unless `found` is the expected number of values.
inline status check_count(std::size_t found, std::size_t expected, const char* layer, const char* what) {
    if (found != expected)
        return make_error(errc::invalid_argument, "%.100s: expected %zu values of %s, found %zu", layer, expected, what,
                          found);
    return {};
}

inline status check_norm(const folded_norm& norm, std::size_t channels, const char* layer, const char* what) {
    TERN_TRY(check_count(norm.factor.size(), channels, layer, what));
    return check_count(norm.shift.size(), channels, layer, what);
}

inline status check_unit(const residual_unit& u) {
    TERN_TRY(check_code_weights(u.weights));
    TERN_TRY(check_thresholds(u.input));
    if (!(u.input_unit > 0 && u.input_unit <= std::numeric_limits<double>::max()))
        return make_error(errc::invalid_argument, "expected a finite unit of activations above 0, found %g",
                          u.input_unit);
    return {};
}

inline status check_block(const residual_block& block, std::size_t& channels) {
    if (block.stride != 1 && block.stride != 2)
        return make_error(errc::invalid_argument, "%.100s: expected a stride of 1 or 2, found %zu", block.name.c_str(),
                          block.stride);
    for (std::size_t k = 0; k < 2; ++k) {
        const residual_unit& unit = block.units[k];
        const weight_shape& s = unit.weights.shape;
        const bool widens = k == 0 && block.stride == 2;
        const std::string name = block.name + ".conv" + std::to_string(k + 1);
        if (s.in_channels != channels || (widens ? s.out_channels < channels : s.out_channels != channels) ||
            s.kh != s.kw || s.kh % 2 == 0)
            return make_error(errc::invalid_argument,
                              "%.100s: expected weights [%zu%s, %zu, k, k] with an odd k, found [%zu, %zu, %zu, %zu]",
                              name.c_str(), channels, widens ? " or more" : "", channels, s.out_channels, s.in_channels,
                              s.kh, s.kw);
        if (const status bad = check_unit(unit); !bad.ok())
            return make_error(bad.code(), "%.100s: %s", name.c_str(), bad.message());
        TERN_TRY(check_norm(unit.before, channels, name.c_str(), "the norm before it"));
        channels = s.out_channels;
        TERN_TRY(check_norm(unit.after, channels, name.c_str(), "the norm behind it"));
        TERN_TRY(check_count(unit.slope.size(), channels, name.c_str(), "slopes"));
    }
    return {};
}

}  // namespace check_network_detail

/// An error that names the layer unless arrays have the sizes that shapes need, weights are codes, channels pass from
/// layer to layer, and there are blocks and classes. Values of floats are looked at when plans are made.
inline status check_network(const residual_network& net) {
    using namespace check_network_detail;
    if (net.blocks.empty() || net.classes == 0)
        return make_error(errc::invalid_argument, "network: expected blocks and classes, found %zu blocks, %zu classes",
                          net.blocks.size(), net.classes);
    TERN_TRY(check_weight_shape(net.stem_shape));
    std::size_t channels = net.stem_shape.out_channels;
    TERN_TRY(check_count(net.stem.size(), net.stem_shape.size(), "stem", "weights"));
    TERN_TRY(check_norm(net.stem_norm, channels, "stem", "its norm"));
    TERN_TRY(check_count(net.stem_slope.size(), channels, "stem", "slopes"));
    if (net.preprocess != preprocessing::unknown && *preprocessing_name(net.preprocess) == '\0')
        return make_error(errc::invalid_argument, "network: expected a preprocessing, found number %d",
                          static_cast<int>(net.preprocess));
    const pool_geometry& p = net.pool;
    if (p.kernel != 0 && (p.stride == 0 || p.padding >= p.kernel))
        return make_error(errc::invalid_argument,
                          "stem pooling: expected a stride of at least 1 and less padding than window, found window "
                          "%zu, stride %zu, padding %zu",
                          p.kernel, p.stride, p.padding);
    for (const residual_block& block : net.blocks)
        TERN_TRY(check_block(block, channels));
    const checked_size weights = checked_size(net.classes) * channels;
    if (!weights.ok())
        return make_error(errc::invalid_argument, "head: %zu classes of %zu features overflow", net.classes, channels);
    TERN_TRY(check_count(net.fc_weight.size(), weights.value, "head", "weights"));
    return check_count(net.fc_bias.size(), net.classes, "head", "biases");
}

TERN_END_NAMESPACE
