#include "zeros.hpp"

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <variant>
#include <vector>

namespace examples {
namespace {

std::size_t ones(std::uint64_t word) { return std::bitset<64>(word).count(); }

/// Channels of a pixel of planes that hold this pattern.
std::size_t count_in_planes(const unsigned char* pixel, const tern::packed_layout& l, unsigned pattern) {
    const auto planes = static_cast<std::size_t>(tern::code_planes(l.code));
    std::size_t count = 0;
    for (std::size_t w = 0; w < l.words(); ++w) {
        const std::size_t here = std::min(l.c - w * tern::word_bits, tern::word_bits);
        std::uint64_t equal = ~std::uint64_t{0} >> (tern::word_bits - here);
        for (std::size_t p = 0; p < planes; ++p) {
            std::uint64_t word = 0;
            std::memcpy(&word, pixel + (w * planes + p) * sizeof word, sizeof word);
            equal &= ((pattern >> p) & 1u) != 0 ? word : ~word;
        }
        count += ones(equal);
    }
    return count;
}

std::size_t count_in_bytes(const unsigned char* pixel, std::size_t channels, unsigned pattern) {
    return static_cast<std::size_t>(std::count(pixel, pixel + channels, static_cast<unsigned char>(pattern)));
}

}  // namespace

zero_count count_zeros(const tern::const_packed_image& image) {
    if (!image)
        return {};
    const tern::packed_layout& l = image.layout;
    const tern::code_info code = tern::get_code_info(l.code);
    zero_count count{0, l.n * l.h * l.w * l.c};
    for (std::size_t n = 0; code.has_zero && n < l.n; ++n)
        for (std::size_t y = 0; y < l.h; ++y)
            for (std::size_t x = 0; x < l.w; ++x) {
                const unsigned char* pixel =
                    image.data + l.offset(n, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x));
                count.zeros += l.format == tern::image_format::bytes ? count_in_bytes(pixel, l.c, code.zero_pattern)
                                                                     : count_in_planes(pixel, l, code.zero_pattern);
            }
    return count;
}

zero_count count_zeros(const tern::layer_weights& weights) {
    const auto* codes = std::get_if<tern::code_weights>(&weights);
    if (codes == nullptr)
        return {};
    zero_count count{0, codes->shape.size()};
    std::vector<std::int8_t> channel(codes->shape.fan_in());
    for (std::size_t o = 0; o < codes->shape.out_channels; ++o) {
        tern::get_channel_codes(*codes, o, channel.data());
        count.zeros += static_cast<std::size_t>(std::count(channel.begin(), channel.end(), std::int8_t{0}));
    }
    return count;
}

}  // namespace examples
