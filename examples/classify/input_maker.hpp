// From the images as they come to those that the network takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <tern/model.hpp>

#include "image_source.hpp"
#include "options.hpp"
#include "picture.hpp"

namespace examples {

/// One or more images, as bytes and, if asked for, as the floats that a preprocessing makes of them.
struct network_input {
    tern::tensor_view<const std::uint8_t> bytes{};
    tern::tensor_view<const float> floats{};
    bool runs_floats = false;

    tern::status run(const tern::network& net, float* logits, const tern::workspace& scratch,
                     const tern::executor& threads, const tern::layer_observer& observer = {}) const {
        return runs_floats ? net.run(floats, logits, scratch, threads, observer)
                           : net.run(bytes, logits, scratch, threads, observer);
    }
};

class input_maker {
public:
    input_maker(image_source& images, const tern::preprocessing_rule& rule, const tern::picture_rule& pictures,
                const classify_options& options);

    /// `count` images from number `first` on; valid until the next call. The first image made says how large all are.
    tern::result<network_input> make(std::size_t first, std::size_t count);

    /// Sizes of the first image made, as it came.
    std::size_t height() const { return came_.h; }
    std::size_t width() const { return came_.w; }

private:
    /// One image in its final size, dense; valid until the next call.
    tern::result<tern::tensor_view<const std::uint8_t>> image(std::size_t i);
    tern::status check_size(std::size_t i, const tern::image_shape& came, const tern::image_shape& made);

    image_source* images_;
    tern::preprocessing_rule rule_;
    tern::picture_rule pictures_;
    bool runs_floats_, floats_;
    std::size_t first_ = 0;  // of all images
    tern::image_shape came_{}, made_{};
    picture cropped_;
    std::vector<std::uint8_t> batch_;
    std::vector<float> values_;
};

}  // namespace examples
