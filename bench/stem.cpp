// Benchmarks of the first layer of a network: tern::real_conv2d, fp32, and tern::image_conv2d, u8 images.
#include <cstdint>
#include <utility>
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

/// A plan of type `Plan` on an input of `In`, with a bias and float outputs.
template <class Plan, class Args, class In>
class stem_case : public experiment {
public:
    void run() override { check(plan_.run(args_, scratch_, threads_)); }

protected:
    stem_case(const setup& s, const layer& l, tern::buffer<In> in)
        : layer_(l), in_(std::move(in)), bias_(numbers<float>(l.cout, -7, 7, 3)), out_(zeros<float>(l.out_size())),
          pool_(s.flags.threads), threads_(pool_.executor()) {}

    static tern::weight_shape shape_of(const layer& l) { return {l.cout, l.cin, l.kh, l.kw}; }
    static tern::conv_geometry geometry_of(const layer& l) { return tern::conv_geometry::square(l.stride, l.pad); }
    static tern::plan_options options_of(const tern::kernel_table& level) {
        tern::plan_options options;
        options.level = level.level;
        return options;
    }
    tern::epilogue chain() const { return tern::chain(tern::stage::bias(bias_.data()), tern::stage::store()); }

    /// The last step of a constructor.
    void use(Plan plan) {
        const layer& l = layer_;
        plan_ = std::move(plan);
        const tern::image_shape in{l.batch, l.h, l.w};
        args_.input = tern::nhwc<const In>(in_.data(), l.batch, l.h, l.w, l.cin);
        args_.out = tern::nhwc(out_.data(), l.batch, l.out_h(), l.out_w(), l.cout);
        const std::size_t needed = plan_.workspace_bytes(in, threads_.slices);
        scratch_memory_ = zeros<unsigned char>(needed);
        scratch_ = {scratch_memory_.data(), needed};
        label = plan_.kernel_name(in);
        items = l.macs();
        weights_bytes = static_cast<double>(plan_.panel_bytes());
    }

    layer layer_;
    tern::buffer<In> in_;
    tern::buffer<float> bias_, out_;

private:
    thread_pool pool_;
    tern::executor threads_;
    tern::buffer<unsigned char> scratch_memory_;
    Plan plan_;
    Args args_;
    tern::workspace scratch_;
};

class real_case final : public stem_case<tern::real_conv2d, tern::real_conv2d_args, float> {
public:
    real_case(const setup& s, const layer& l, const tern::kernel_table& level)
        : stem_case(s, l, numbers<float>(l.in_size(), -7, 7, 1)), weights_(numbers<float>(l.weights(), -7, 7, 2)) {
        use(take(tern::real_conv2d::create(weights_.data(), shape_of(l), geometry_of(l), chain(), options_of(level))));
    }

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
    tern::buffer<float> weights_;
};

class image_case final : public stem_case<tern::image_conv2d, tern::image_conv2d_args, std::uint8_t> {
public:
    image_case(const setup& s, const layer& l, const tern::kernel_table& level, tern::image_weights precision)
        : stem_case(s, l, numbers<std::uint8_t>(l.in_size(), 0, 255, 1)), codes_(whole_weights(l, precision)),
          centred_(zeros<std::int16_t>(l.in_size())) {
        // Whole numbers up to the largest that fits: a scale of 1, so that every sum can be checked exactly; fp32:
        // small ones.
        const std::vector<float> weights(codes_.begin(), codes_.end());
        const std::vector<float> mean(l.cin, static_cast<float>(mean_byte));
        for (std::size_t i = 0; i < l.in_size(); ++i)
            centred_[i] = static_cast<std::int16_t>(in_[i] - mean_byte);
        use(take(tern::image_conv2d::create(weights.data(), shape_of(l), {mean.data(), nullptr, 1.0f}, geometry_of(l),
                                            chain(), precision, options_of(level))));
    }

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
        const int largest = precision == tern::image_weights::fp32 ? 7 : tern::largest_weight(precision);
        auto w = numbers<std::int16_t>(l.weights(), -largest, largest, 2);
        for (std::size_t o = 0; o < l.cout; ++o)
            w[o * l.depth()] = static_cast<std::int16_t>(largest);
        return w;
    }

    tern::buffer<std::int16_t> codes_, centred_;
};

}  // namespace

void add_stem(const setup& s, const layer& l) {
    for (const tern::kernel_table* level : s.levels)
        add_case(case_name(l, std::string("tern.") + level->level + "." + level->real.name + ".wf32af32", "f32",
                           s.flags.threads),
                 s.flags.threads, [=, &s] { return std::make_unique<real_case>(s, l, *level); });
    for (const tern::kernel_table* level : s.levels)
        for (const auto& weights :
             {std::pair{tern::image_weights::fp32, "f32"}, std::pair{tern::image_weights::bits16, "s16"},
              std::pair{tern::image_weights::bits8, "s8"}, std::pair{tern::image_weights::bits7, "s7"}}) {
            const tern::image_weights precision = weights.first;
            const char* const family = precision == tern::image_weights::fp32
                                           ? level->real.name
                                           : tern::image_family_for(*level, tern::largest_weight(precision)).name;
            const std::string impl = std::string("tern.") + level->level + "." + family + ".w" + weights.second + "au8";
            add_case(case_name(l, impl, "f32", s.flags.threads), s.flags.threads,
                     [=, &s] { return std::make_unique<image_case>(s, l, *level, precision); });
        }
}

}  // namespace bench
