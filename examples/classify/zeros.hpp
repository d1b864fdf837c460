// Zeros among codes: what a ternary network need not multiply.
#pragma once

#include <cstddef>

#include <tern/model.hpp>

namespace examples {

struct zero_count {
    std::size_t zeros = 0, all = 0;  ///< all is 0 where there are no codes

    double share() const { return all == 0 ? 0 : static_cast<double>(zeros) / static_cast<double>(all); }
    zero_count& operator+=(const zero_count& more) {
        zeros += more.zeros;
        all += more.all;
        return *this;
    }
};

/// Of activations, padding left out.
zero_count count_zeros(const tern::const_packed_image& image);
/// Of a layer's weights; nothing if they are floats.
zero_count count_zeros(const tern::layer_weights& weights);

}  // namespace examples
