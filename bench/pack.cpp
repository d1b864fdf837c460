// Benchmarks of tern::ternarize: float images to bit planes. Its measure is memory, so floats count, not products.
#include <stdexcept>
#include <string>

#include <tern/op/ternarize.hpp>

#include "arrays.hpp"
#include "cases.hpp"
#include "runner.hpp"
#include "thread_pool.hpp"

namespace bench {
namespace {

constexpr std::size_t size = 56, channels = 64;

class pack_case final : public experiment {
public:
    pack_case(const setup& s, bool channels_last, const tern::kernel_table& level)
        : pool_(s.flags.threads), threads_(pool_.executor()),
          values_(numbers<float>(size * size * channels, -4, 4, 1)) {
        for (float& v : values_)
            v /= 4.0f;  // on, above and below the thresholds
        in_ = channels_last ? tern::nhwc<const float>(values_.data(), 1, size, size, channels)
                            : tern::nchw<const float>(values_.data(), 1, channels, size, size);
        out_ = take(tern::make_packed_tensor({1, size, size}, channels, tern::border::uniform(1)));
        options_.kernels = &level;
        label = level.level;
        items = static_cast<double>(values_.size());
        per_cycle = "floats_per_cycle";
        bytes = static_cast<double>(values_.bytes() + out_.bytes.size());
    }

    void run() override { check(tern::ternarize(in_, out_.view(), options_, threads_)); }

    void verify() override {
        for (std::size_t i = 0; i < values_.size(); ++i) {
            const std::size_t c = i % channels, x = i / channels % size, y = i / channels / size;
            const int code =
                tern::get_code(out_.view(), 0, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x), c);
            if (code != tern::ternary_thresholds{}(in_.at(0, y, x, c)))
                throw std::runtime_error("wrong code at [0," + std::to_string(y) + "," + std::to_string(x) + "," +
                                         std::to_string(c) + "]");
        }
    }

private:
    thread_pool pool_;
    tern::executor threads_;
    tern::buffer<float> values_;
    tern::tensor_view<const float> in_;
    tern::packed_tensor out_;
    tern::ternarize_options options_;
};

}  // namespace

void add_pack(const setup& s) {
    for (const bool channels_last : {true, false})
        for (const tern::kernel_table* level : s.levels) {
            std::string name = std::string("pack/tern.") + level->level + ".ternarize/56x56_64_";
            name += channels_last ? "nhwc/packed" : "nchw/packed";
            if (s.flags.threads != 1)
                name += "/t" + std::to_string(s.flags.threads);
            add_case(name, s.flags.threads, [=, &s] { return std::make_unique<pack_case>(s, channels_last, *level); });
        }
}

}  // namespace bench
