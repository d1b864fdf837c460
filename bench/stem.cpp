// Benchmarks of the first layer of a network: tern::real_conv2d, fp32, and tern::image_conv2d, u8 images.
#include <cstdint>
#include <vector>

#include <tern/op/image_conv2d.hpp>
#include <tern/op/real_conv2d.hpp>

#include "arrays.hpp"
#include "cases.hpp"
#include "oracle.hpp"
#include "runner.hpp"
#include "thread_pool.hpp"

namespace bench {
namespace {

class stem_case final : public experiment {
public:
    stem_case(const setup& s, const layer& l, const tern::kernel_table& level)
        : layer_(l), pool_(s.flags.threads), threads_(pool_.executor()), in_(numbers<float>(l.in_size(), -7, 7, 1)),
          weights_(numbers<float>(l.weights(), -7, 7, 2)), bias_(numbers<float>(l.cout, -7, 7, 3)),
          out_(zeros<float>(l.out_size())) {
        tern::plan_options options;
        options.level = level.level;
        const auto chain = tern::chain(tern::stage::bias(bias_.data()), tern::stage::store());
        plan_ = take(tern::real_conv2d::create(weights_.data(), {l.cout, l.cin, l.kh, l.kw},
                                               tern::conv_geometry::square(l.stride, l.pad), chain, options));
        const tern::image_shape in{l.batch, l.h, l.w};
        args_.input = tern::nhwc<const float>(in_.data(), l.batch, l.h, l.w, l.cin);
        args_.out = tern::nhwc(out_.data(), l.batch, l.out_h(), l.out_w(), l.cout);
        const std::size_t needed = plan_.workspace_bytes(in, threads_.slices);
        scratch_memory_ = zeros<unsigned char>(needed);
        scratch_ = {scratch_memory_.data(), needed};
        label = plan_.kernel_name(in);
        items = l.macs();
        weights_bytes = static_cast<double>(plan_.panel_bytes());
    }

    void run() override { check(plan_.run(args_, scratch_, threads_)); }

    void verify() override {
        compare(
            layer_, "output",
            [&](const position& p) {
                return static_cast<double>(product_at(layer_, in_.data(), weights_.data(), p)) +
                       static_cast<double>(bias_[p.channel]);
            },
            [&](const position& p) { return out_[index_of(layer_, p)]; });
    }

private:
    layer layer_;
    thread_pool pool_;
    tern::executor threads_;
    tern::buffer<float> in_, weights_, bias_, out_;
    tern::buffer<unsigned char> scratch_memory_;
    tern::real_conv2d plan_;
    tern::real_conv2d_args args_;
    tern::workspace scratch_;
};

class image_case final : public experiment {
public:
    image_case(const setup& s, const layer& l, const tern::kernel_table& level, tern::image_weights precision)
        : layer_(l), pool_(s.flags.threads), threads_(pool_.executor()),
          in_(numbers<std::uint8_t>(l.in_size(), 0, 255, 1)), weights_(zeros<float>(l.weights())),
          bias_(numbers<float>(l.cout, -7, 7, 3)), out_(zeros<float>(l.out_size())),
          codes_(whole_weights(l, precision)), centred_(zeros<std::int16_t>(l.in_size())) {
        // Whole numbers up to the largest that fits: a scale of 1, so that every sum can be checked exactly.
        for (std::size_t i = 0; i < l.weights(); ++i)
            weights_[i] = static_cast<float>(codes_[i]);
        const std::vector<float> mean(l.cin, static_cast<float>(mean_byte));
        for (std::size_t i = 0; i < l.in_size(); ++i)
            centred_[i] = static_cast<std::int16_t>(in_[i] - mean_byte);
        tern::plan_options options;
        options.level = level.level;
        const auto chain = tern::chain(tern::stage::bias(bias_.data()), tern::stage::store());
        plan_ =
            take(tern::image_conv2d::create(weights_.data(), {l.cout, l.cin, l.kh, l.kw}, {mean.data(), nullptr, 1.0f},
                                            tern::conv_geometry::square(l.stride, l.pad), chain, precision, options));
        const tern::image_shape in{l.batch, l.h, l.w};
        args_.input = tern::nhwc<const std::uint8_t>(in_.data(), l.batch, l.h, l.w, l.cin);
        args_.out = tern::nhwc(out_.data(), l.batch, l.out_h(), l.out_w(), l.cout);
        const std::size_t needed = plan_.workspace_bytes(in, threads_.slices);
        scratch_memory_ = zeros<unsigned char>(needed);
        scratch_ = {scratch_memory_.data(), needed};
        label = plan_.kernel_name(in);
        items = l.macs();
        weights_bytes = static_cast<double>(plan_.panel_bytes());
    }

    void run() override { check(plan_.run(args_, scratch_, threads_)); }

    void verify() override {
        compare(
            layer_, "output",
            [&](const position& p) {
                return static_cast<float>(product_at(layer_, centred_.data(), codes_.data(), p)) + bias_[p.channel];
            },
            [&](const position& p) { return out_[index_of(layer_, p)]; });
    }

private:
    static constexpr int mean_byte = 117;

    static tern::buffer<std::int16_t> whole_weights(const layer& l, tern::image_weights precision) {
        const int largest = precision == tern::image_weights::bits8 ? 127 : 32767;
        auto w = numbers<std::int16_t>(l.weights(), -largest, largest, 2);
        for (std::size_t o = 0; o < l.cout; ++o)
            w[o * l.depth()] = static_cast<std::int16_t>(largest);
        return w;
    }

    layer layer_;
    thread_pool pool_;
    tern::executor threads_;
    tern::buffer<std::uint8_t> in_;
    tern::buffer<float> weights_, bias_, out_;
    tern::buffer<std::int16_t> codes_, centred_;
    tern::buffer<unsigned char> scratch_memory_;
    tern::image_conv2d plan_;
    tern::image_conv2d_args args_;
    tern::workspace scratch_;
};

}  // namespace

void add_stem(const setup& s, const layer& l) {
    for (const tern::kernel_table* level : s.levels)
        add_case(case_name(l, std::string("tern.") + level->level + "." + level->real.name + ".wf32af32", "f32",
                           s.flags.threads),
                 s.flags.threads, [=, &s] { return std::make_unique<stem_case>(s, l, *level); });
    for (const tern::kernel_table* level : s.levels)
        for (const auto precision : {tern::image_weights::bits16, tern::image_weights::bits8}) {
            const bool bytes = precision == tern::image_weights::bits8;
            const tern::image_family& f = level->image[bytes && level->image[1].tile != nullptr ? 1 : 0];
            const std::string impl =
                std::string("tern.") + level->level + "." + f.name + (bytes ? ".ws8au8" : ".ws16au8");
            add_case(case_name(l, impl, "f32", s.flags.threads), s.flags.threads,
                     [=, &s] { return std::make_unique<image_case>(s, l, *level, precision); });
        }
}

}  // namespace bench
