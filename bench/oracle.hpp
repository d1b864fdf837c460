// Plain loops that every benchmarked result is checked against. All data are small whole numbers, or those times powers
// of two, so that sums are exact in any order and every comparison is for equality.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "layers.hpp"

namespace bench {

struct position {
    std::size_t n, y, x, channel;
};

/// Index of an output in a dense NHWC tensor.
inline std::size_t index_of(const layer& l, const position& p) {
    return ((p.n * l.out_h() + p.y) * l.out_w() + p.x) * l.cout + p.channel;
}

/// One output of the convolution of `in` [n][h][w][cin] and `weights` [cout][cin/groups][kh][kw]; the padding holds
/// `border`.
template <class In, class Weight>
std::int64_t product_at(const layer& l, const In* in, const Weight* weights, const position& p, int border = 0) {
    const std::size_t depth = l.cin / l.groups, group = p.channel / (l.cout / l.groups);
    std::int64_t sum = 0;
    for (std::size_t ky = 0; ky < l.kh; ++ky)
        for (std::size_t kx = 0; kx < l.kw; ++kx) {
            const std::size_t y = p.y * l.stride + ky * l.dilation, x = p.x * l.stride + kx * l.dilation;
            const bool outside = y < l.pad || y >= l.h + l.pad || x < l.pad || x >= l.w + l.pad;
            const In* pixel =
                outside ? nullptr : in + ((p.n * l.h + y - l.pad) * l.w + x - l.pad) * l.cin + group * depth;
            for (std::size_t c = 0; c < depth; ++c)
                sum += (outside ? border : static_cast<std::int64_t>(pixel[c])) *
                       static_cast<std::int64_t>(weights[((p.channel * depth + c) * l.kh + ky) * l.kw + kx]);
        }
    return sum;
}

/// All outputs of a small layer; of a large one the first, the last and random ones.
inline std::vector<position> sample(const layer& l, std::size_t count = 512) {
    const std::size_t size = l.out_size();
    std::mt19937_64 random(1);
    std::vector<position> positions;
    for (std::size_t i = 0; i < (size < count ? size : count); ++i) {
        const std::size_t at = size <= count ? i
                               : i == 0      ? 0
                               : i == 1      ? size - 1
                                             : static_cast<std::size_t>(random() % size);
        const std::size_t pixel = at / l.cout;
        positions.push_back(
            {pixel / l.out_w() / l.out_h(), pixel / l.out_w() % l.out_h(), pixel % l.out_w(), at % l.cout});
    }
    return positions;
}

/// Throws unless `found(position)` equals `expected(position)`, or is at most `tolerance` away, on the sample.
template <class Expected, class Found>
void compare(const layer& l, const char* what, Expected&& expected, Found&& found, double tolerance = 0.0) {
    for (const position& p : sample(l)) {
        const double e = static_cast<double>(expected(p)), f = static_cast<double>(found(p));
        if (!(std::fabs(e - f) <= tolerance))
            throw std::runtime_error(std::string("wrong ") + what + " at [" + std::to_string(p.n) + "," +
                                     std::to_string(p.y) + "," + std::to_string(p.x) + "," + std::to_string(p.channel) +
                                     "]: expected " + std::to_string(e) + ", found " + std::to_string(f));
    }
}

}  // namespace bench
