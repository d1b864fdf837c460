// Benchmarks of tern::network: ternary residual networks of random weights, from the image to the logits. Beside them
// the int8 convolutions of the same shapes by the peers, one after another, without anything between them.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "arrays.hpp"
#include "cases.hpp"
#include "layers.hpp"
#include "runner.hpp"
#include "thread_pool.hpp"

namespace bench {
namespace {

/// A network by the widths of its blocks; one twice as wide as the one before halves the map.
struct design {
    const char* name;
    std::size_t size, stem_kernel, stem_stride;
    bool pools;
    std::size_t classes;
    std::vector<std::size_t> widths;
};

const std::vector<design>& designs() {
    static const std::vector<design> all = {
        {"resnet18_224x224", 224, 7, 2, true, 1000, {64, 64, 128, 128, 256, 256, 512, 512}},
        {"resnet20_32x32", 32, 3, 1, false, 10, {16, 16, 16, 32, 32, 32, 64, 64, 64}},
    };
    return all;
}

class generator {
public:
    float uniform(float low, float high) {
        return low + (high - low) * static_cast<float>(static_cast<double>(random_() >> 8) * 0x1p-24);
    }
    tern::buffer<float> uniform(std::size_t n, float low, float high) {
        auto a = zeros<float>(n);
        for (float& v : a)
            v = uniform(low, high);
        return a;
    }
    tern::folded_norm norm(std::size_t c, double factor) {
        tern::folded_norm n{zeros<double>(c), zeros<double>(c)};
        for (std::size_t i = 0; i < c; ++i) {
            n.factor[i] = factor * static_cast<double>(uniform(0.7f, 1.3f));
            n.shift[i] = static_cast<double>(uniform(-0.3f, 0.3f));
        }
        return n;
    }
    tern::ternary_weights ternary(const tern::weight_shape& s) {
        std::vector<std::int8_t> codes(s.size());
        for (std::int8_t& c : codes)
            c = static_cast<std::int8_t>(static_cast<int>(random_() % 3) - 1);
        // Two thirds of the weights and of the activations are not 0: sums have a variance near 1.
        const float scale = 1.5f / std::sqrt(static_cast<float>(s.fan_in()));
        const std::vector<float> scales(s.out_channels, scale);
        const auto bias = uniform(s.out_channels, -0.1f, 0.1f);
        return take(tern::pack_weights(codes.data(), s, scales.data(), bias.data()));
    }

private:
    std::mt19937 random_{1};
};

tern::sttn_network make_model(const design& d) {
    generator make;
    tern::sttn_network net;
    net.stem_shape = {d.widths[0], 3, d.stem_kernel, d.stem_kernel};
    const float reach = 1.0f / std::sqrt(static_cast<float>(net.stem_shape.fan_in()));
    net.stem = make.uniform(net.stem_shape.size(), -reach, reach);
    net.stem_norm = make.norm(d.widths[0], 1.0);
    net.stem_slope = make.uniform(d.widths[0], 0.0f, 0.4f);
    net.stem_stride = d.stem_stride;
    net.stem_padding = d.stem_kernel / 2;
    if (!d.pools)
        net.pool.kernel = 0;
    std::size_t channels = d.widths[0], units = 0;
    for (const std::size_t wide : d.widths) {
        tern::sttn_block block;
        block.name = "features." + std::to_string(4 + net.blocks.size());
        block.stride = wide == channels ? 1 : 2;
        for (tern::sttn_unit& unit : block.units) {
            // The residual stream grows by every sum.
            unit.before = make.norm(channels, 1.0 / std::sqrt(1.0 + static_cast<double>(units++)));
            unit.weights = make.ternary({wide, channels, 3, 3});
            unit.after = make.norm(wide, 1.0);
            unit.slope = make.uniform(wide, 0.0f, 0.4f);
            channels = wide;
        }
        net.blocks.push_back(std::move(block));
    }
    net.classes = d.classes;
    net.fc_weight = make.uniform(d.classes * channels, -0.1f, 0.1f);
    net.fc_bias = make.uniform(d.classes, -1.0f, 1.0f);
    return net;
}

/// What an observer sees: the output of every layer.
struct trace {
    std::vector<std::vector<float>> outputs;

    tern::layer_observer observer() {
        outputs.clear();
        return {this, [](void* ctx, const tern::layer_view& v) {
                    const float* p = v.out.data;
                    static_cast<trace*>(ctx)->outputs.emplace_back(p, p + v.out.n * v.out.h * v.out.w * v.out.c);
                }};
    }
};

class net_case final : public experiment {
public:
    net_case(const setup& s, const design& d, const tern::kernel_table& level)
        : model_(make_model(d)), size_(d.size), pool_(s.flags.threads), threads_(pool_.executor()),
          outcomes_(s.flags.outcomes), images_(generator().uniform(d.size * d.size * 3, -2.0f, 2.0f)),
          logits_(zeros<float>(d.classes)) {
        net_ = create(level.level, s.flags.threads);
        for (const tern::layer_info& info : net_.layers()) {
            items += static_cast<double>(info.macs);
            if (info.ternary)
                label = info.kernel_name;  // of the last, the widest
        }
    }

    void run() override { check(net_.run(view(), logits_.data(), threads_)); }

    /// Against the scalar level from the same stem on: all layers bit for bit, the logits within rounding.
    void verify() override {
        trace ours, plain;
        check(net_.run(view(), logits_.data(), threads_, ours.observer()));
        tern::network scalar = create("scalar", 1);
        const tern::layer_info& stem = net_.layers()[0];
        auto logits = zeros<float>(logits_.size());
        check(scalar.run_from_stem(tern::nhwc<const float>(ours.outputs[0].data(), 1, stem.output.h, stem.output.w,
                                                           stem.out_channels),
                                   logits.data(), {}, plain.observer()));
        for (std::size_t i = 0; i + 1 < ours.outputs.size(); ++i) {
            const auto &a = ours.outputs[i], &b = plain.outputs[i];
            if (a.size() != b.size() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) != 0)
                throw std::runtime_error("layer " + net_.layers()[i].name + " differs from the scalar level's");
        }
        for (std::size_t i = 0; i < logits.size(); ++i)
            if (!(std::fabs(logits_[i] - logits[i]) <= 1e-4f * (1.0f + std::fabs(logits[i]))))
                throw std::runtime_error("logit " + std::to_string(i) + ": expected " + std::to_string(logits[i]) +
                                         ", found " + std::to_string(logits_[i]));
    }

private:
    tern::network create(const char* level, std::size_t slices) const {
        tern::network_options options;
        options.plan.level = level;
        options.slices = slices;
        options.plan.choice = outcomes_ ? tern::choice_rule::measured : tern::choice_rule::modelled;
        options.plan.outcomes = outcomes_;
        return take(tern::network::create(model_, {1, size_, size_}, options));
    }
    tern::tensor_view<const float> view() const { return tern::nhwc<const float>(images_.data(), 1, size_, size_, 3); }

    tern::sttn_network model_;
    std::size_t size_;
    thread_pool pool_;
    tern::executor threads_;
    tern::tuning_store outcomes_;
    tern::buffer<float> images_, logits_;
    tern::network net_;
};

std::string network_name(const design& d, const std::string& impl, const char* out, std::size_t threads) {
    return "net/" + impl + "/" + d.name + "/" + out + (threads == 1 ? "" : "/t" + std::to_string(threads));
}

#if defined(TERN_BENCH_ONEDNN) || defined(TERN_BENCH_XNNPACK)
/// The convolutions of a design, the stem's too.
std::vector<layer> layers_of(const design& d) {
    std::vector<layer> layers;
    const auto add = [&](std::size_t size, std::size_t cin, std::size_t cout, std::size_t k, std::size_t stride) {
        layers.push_back(conv(size, cin, cout, k, stride));
        return layers.back().out_h();
    };
    std::size_t size = add(d.size, 3, d.widths[0], d.stem_kernel, d.stem_stride) / (d.pools ? 2 : 1);
    std::size_t channels = d.widths[0];
    for (const std::size_t wide : d.widths) {
        size = add(size, channels, wide, 3, wide == channels ? 1 : 2);
        size = add(size, wide, wide, 3, 1);
        channels = wide;
    }
    return layers;
}

class peer_case final : public experiment {
public:
    using make_layer = std::function<std::unique_ptr<experiment>(const layer&)>;

    peer_case(const design& d, const make_layer& make) {
        for (const layer& l : layers_of(d)) {
            layers_.push_back(make(l));
            items += l.macs();
        }
        label = "convolutions only";
    }
    void run() override {
        for (const auto& l : layers_)
            l->run();
    }
    void verify() override {
        for (const auto& l : layers_)
            l->verify();
    }

private:
    std::vector<std::unique_ptr<experiment>> layers_;
};

void add_peer(const setup& s, const design& d, const char* impl, const peer_case::make_layer& make) {
    add_case(network_name(d, impl, "convolutions", s.flags.threads), s.flags.threads,
             [&d, make] { return std::make_unique<peer_case>(d, make); });
}
#endif

}  // namespace

void add_networks(const setup& s) {
    for (const design& d : designs()) {
        const std::size_t threads = s.flags.threads;
#if defined(TERN_BENCH_ONEDNN)
        add_peer(s, d, "int8_onednn", [](const layer& l) { return make_onednn_int8(l); });
#endif
#if defined(TERN_BENCH_XNNPACK)
        if (s.flags.isa.empty())
            add_peer(s, d, "int8_xnnpack", [threads](const layer& l) { return make_xnnpack(l, threads); });
#endif
        for (const tern::kernel_table* level : s.levels)
            add_case(network_name(d, std::string("tern.") + level->level, "logits", threads), threads,
                     [&s, &d, level] { return std::make_unique<net_case>(s, d, *level); });
    }
}

}  // namespace bench
