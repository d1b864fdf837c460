// One strip of products of random codes, laid out as a family's facts say, and what its sums must be.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <tern/code/code.hpp>
#include <tern/kernel/table.hpp>

#include "arrays.hpp"

namespace tern_test {

/// How codes are drawn: any of them, the ends of their range, or the largest or smallest alone.
enum class draw { any, ends, largest, smallest };

/// A code; of weights up to that magnitude.
inline std::int8_t draw_code(const tern::code_info& code, int least, int last, draw how, std::mt19937& random) {
    const auto steps = static_cast<unsigned>((last - least) / code.step);
    const unsigned at = how == draw::any       ? static_cast<unsigned>(random()) % (steps + 1)
                        : how == draw::ends    ? static_cast<unsigned>(random()) % 2 * steps
                        : how == draw::largest ? steps
                                               : 0;
    return static_cast<std::int8_t>(least + static_cast<int>(at) * code.step);  // u8: modulo 256
}
inline int value_of_code(const tern::code_info& code, std::int8_t stored) {
    return code.id == tern::code_id::u8 ? static_cast<std::uint8_t>(stored) : stored;
}

/// Sizes of a strip: pixels side by side, taps in rows of their own, `depth` channels of each.
struct strip_shape {
    std::size_t pixels, taps, depth;
};

/// `tiles` tiles of output channels side by side.
class strip_problem {
public:
    strip_problem(const tern::product_family& family, const tern::product_rule& rule, const tern::product_query& query,
                  const strip_shape& shape, draw activations, draw weights, std::mt19937& random)
        : family_(family), rule_(rule), activation_(tern::get_code_info(query.activations)),
          weight_(tern::get_code_info(query.weights)), shape_(shape),
          computed_((shape.pixels + family.shared_pixels - 1) / family.shared_pixels * family.shared_pixels),
          steps_((shape.depth + family.step_channels - 1) / family.step_channels),
          x_(shape.pixels * shape.taps * shape.depth), w_(family.tile_channels * shape.taps * shape.depth) {
        for (auto& v : x_)
            v = draw_code(activation_, activation_.min, activation_.max, activations, random);
        const int most = query.largest_weight < weight_.max ? query.largest_weight : weight_.max;
        const int least = -query.largest_weight > weight_.weight_min ? -query.largest_weight : weight_.weight_min;
        for (auto& v : w_)
            v = draw_code(weight_, least, most, weights, random);
        outside_.resize(shape.pixels * shape.taps);
        for (std::size_t i = 0; i < outside_.size() && query.zero_border; ++i)
            outside_[i] = random() % 4 == 0;
        make_cells();
        make_panel();
        make_starts();
        make_runs(random);
    }

    /// Everything but how to finish.
    tern::strip_args args() const {
        tern::strip_args a{};
        a.pixels = addresses_.data();
        a.count = computed_;
        a.runs = runs_.data();
        a.run_count = runs_.size();
        a.step_count = shape_.taps * steps_;
        a.pixel_step = step_bytes();
        a.panel = panel_->data();
        a.start = start_->data();
        a.pixel_start = pixel_start_.empty() ? nullptr : pixel_start_.data();
        a.passes = passes_;
        a.pass_count = rule_.pass_count;
        a.factor = rule_.factor;
        a.period = rule_.period;
        return a;
    }
    /// Pixels that are computed: those of the strip, and one that is not there where pixels come in pairs.
    std::size_t computed() const { return computed_; }
    std::size_t pixels() const { return shape_.pixels; }

    std::int32_t sum(std::size_t pixel, std::size_t channel) const {
        std::int32_t sum = 0;
        const std::size_t count = shape_.taps * shape_.depth;
        for (std::size_t i = 0; i < count; ++i)
            if (!outside_[pixel * shape_.taps + i / shape_.depth])
                sum += value_of_code(activation_, x_[pixel * count + i]) * w_[channel * count + i];
        return sum;
    }

private:
    std::int8_t code_of(std::size_t pixel, std::size_t tap, std::size_t c) const {
        return x_[(pixel * shape_.taps + tap) * shape_.depth + c];
    }
    std::size_t source_bytes() const {
        return activation_.is_bytes() ? (shape_.depth + 15) / 16 * 16
                                      : (shape_.depth + 63) / 64 * static_cast<std::size_t>(activation_.planes) * 8;
    }

    // A pixel of one tap as images have it: bytes, or planes of 64 channels a word.
    void put_source(unsigned char* to, std::size_t pixel, std::size_t tap) const {
        const auto planes = static_cast<std::size_t>(activation_.planes);
        for (std::size_t c = 0; c < shape_.depth; ++c) {
            const std::int8_t code = code_of(pixel, tap, c);
            if (activation_.is_bytes()) {
                to[c] = static_cast<unsigned char>(code);
                continue;
            }
            unsigned pattern = 0;
            while (activation_.value(pattern) != code)
                ++pattern;
            for (std::size_t p = 0; p < planes; ++p)
                if ((pattern >> p & 1) != 0) {
                    unsigned char& byte = to[(c / 64 * planes + p) * 8 + c % 64 / 8];
                    byte = static_cast<unsigned char>(byte | 1u << (c % 8));
                }
        }
    }

    // [tap][pixel], converted and joined where the family wants that.
    void make_cells() {
        cell_bytes_ = rule_.converts ? steps_ * family_.step_bytes * rule_.activation_planes : source_bytes();
        cells_.reset(new exact_array<std::uint64_t>((shape_.taps * computed_ * cell_bytes_ + 7) / 8));
        auto* const cells = reinterpret_cast<unsigned char*>(cells_->data());
        exact_array<std::uint64_t> row((shape_.pixels * source_bytes() + 7) / 8);
        for (std::size_t t = 0; t < shape_.taps; ++t) {
            auto* const source = reinterpret_cast<unsigned char*>(row.data());
            std::memset(source, 0, row.size() * 8);
            for (std::size_t i = 0; i < shape_.pixels; ++i)
                put_source(source + i * source_bytes(), i, t);
            unsigned char* const to = cells + t * computed_ * cell_bytes_;
            if (!rule_.converts) {
                std::memcpy(to, source, shape_.pixels * cell_bytes_);
                continue;
            }
            family_.convert({source, source_bytes(), shape_.pixels, shape_.depth, to, cell_bytes_, &rule_.input});
            for (std::size_t i = 0; i < shape_.pixels; ++i)
                if (outside_[i * shape_.taps + t])
                    std::memset(to + i * cell_bytes_, rule_.zero, cell_bytes_);
            if (family_.join != nullptr && shape_.pixels > 1)
                family_.join(to, to + cell_bytes_, (shape_.pixels - 1) * cell_bytes_);
        }
        for (std::size_t i = 0; i < computed_; ++i)
            addresses_.push_back(cells + i * cell_bytes_);
    }
    void make_panel() {
        const std::size_t tap_bytes = steps_ * family_.panel_step_bytes, plane_bytes = shape_.taps * tap_bytes;
        panel_.reset(new guarded_array<unsigned char>(plane_bytes * rule_.weight_planes));
        std::memset(panel_->data(), 0xdb, panel_->size());
        const std::size_t pitch = steps_ * family_.step_channels;
        exact_array<std::int8_t> values(family_.tile_channels * pitch);
        for (std::size_t t = 0; t < shape_.taps; ++t) {
            std::memset(values.data(), 0, values.size());
            for (std::size_t o = 0; o < family_.tile_channels; ++o)
                std::memcpy(values.data() + o * pitch, w_.data() + (o * shape_.taps + t) * shape_.depth, shape_.depth);
            family_.put({panel_->data() + t * tap_bytes, plane_bytes, values.data(), pitch, steps_, weight_.id});
        }
        for (std::size_t p = 0; p < rule_.pass_count; ++p)
            passes_[p] = {rule_.passes[p].pixel * family_.step_bytes, rule_.passes[p].panel * plane_bytes,
                          rule_.passes[p].shift};
    }
    void make_starts() {
        const std::size_t count = shape_.taps * shape_.depth;
        start_.reset(new guarded_array<std::int32_t>(family_.tile_channels));
        for (std::size_t o = 0; o < family_.tile_channels; ++o)
            (*start_)[o] = rule_.start_of(w_.data() + o * count, count);
        const auto* const cells = reinterpret_cast<const unsigned char*>(cells_->data());
        for (std::size_t i = 0; i < computed_ && rule_.pixel_factor != 0; ++i) {
            std::int32_t set = 0;  // bits of plane 0
            for (std::size_t t = 0; t < shape_.taps; ++t)
                for (std::size_t c = 0; c < steps_ * 64; ++c)
                    set += cells[(t * computed_ + i) * cell_bytes_ + c / 64 * step_bytes() + c % 64 / 8] >> (c % 8) & 1;
            pixel_start_.push_back(rule_.pixel_factor * set);
        }
    }
    // The last tap first: runs may lie in any order. Some are cut in two.
    void make_runs(std::mt19937& random) {
        for (std::size_t t = shape_.taps; t-- > 0;)
            for (std::size_t s = 0, next = 0; s < steps_; s = next) {
                next = s + 1 + random() % (2 * (steps_ - s));
                next = next < steps_ ? next : steps_;
                runs_.push_back({static_cast<std::ptrdiff_t>(t * computed_ * cell_bytes_ + s * step_bytes()),
                                 (t * steps_ + s) * family_.panel_step_bytes, next - s});
            }
    }
    std::size_t step_bytes() const { return family_.step_bytes * rule_.activation_planes; }

    const tern::product_family& family_;
    tern::product_rule rule_;
    tern::code_info activation_, weight_;
    strip_shape shape_;
    std::size_t computed_, steps_, cell_bytes_ = 0;
    std::vector<std::int8_t> x_, w_;  // [pixel or channel][tap][depth]
    std::vector<bool> outside_;       // [pixel][tap]: padding that counts as 0
    std::unique_ptr<exact_array<std::uint64_t>> cells_;
    std::unique_ptr<guarded_array<unsigned char>> panel_;
    std::unique_ptr<guarded_array<std::int32_t>> start_;
    std::vector<std::int32_t> pixel_start_;
    std::vector<const unsigned char*> addresses_;
    std::vector<tern::step_run> runs_;
    tern::plane_pass passes_[tern::product_rule::max_passes] = {};
};

/// Calls body(family, rule, query) for every family of a table and every pair of codes that it multiplies, weights of
/// less than their code's range and borders of 0 among them.
template <class Body>
void for_each_product(const tern::kernel_table& table, Body&& body) {
    for (std::size_t i = 0; i < table.family_count; ++i)
        for (std::size_t w = 0; w < tern::code_count; ++w)
            for (std::size_t a = 0; a < tern::code_count; ++a)
                for (const int largest : {1, 3, 7, 15, 16, 64, 127})
                    for (const bool zero_border : {false, true}) {
                        const tern::code_info weights = tern::get_code_info(static_cast<tern::code_id>(w));
                        const tern::code_info activations = tern::get_code_info(static_cast<tern::code_id>(a));
                        const bool whole = largest == weights.max_abs_weight();
                        if ((!whole && weights.id != tern::code_id::s8) || (zero_border && activations.has_zero))
                            continue;
                        tern::product_rule rule;
                        const tern::product_query query{weights.id, activations.id, largest, zero_border};
                        if (!table.families[i].match(query, rule))
                            continue;
                        CAPTURE(std::string(table.families[i].name));
                        CAPTURE(i);
                        CAPTURE(std::string(weights.name));
                        CAPTURE(std::string(activations.name));
                        CAPTURE(largest);
                        CAPTURE(zero_border);
                        body(table.families[i], rule, query);
                    }
}

}  // namespace tern_test
