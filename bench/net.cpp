// Benchmarks of tern::network: whole networks of random weights, from the image to the logits. Beside them the int8 and
// fp32 convolutions of the same shapes by the peers, one after another, without anything between them.
#include <algorithm>
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
#include "net_designs.hpp"
#include "runner.hpp"
#include "thread_pool.hpp"

namespace bench {
namespace {

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
    net_case(const setup& s, const net_design& d, const number_system& numbers, const tern::kernel_table& level)
        : numbers_(numbers), size_(d.size), pool_(s.flags.threads), threads_(pool_.executor()),
          outcomes_(s.flags.outcomes), images_(zeros<float>(d.size * d.size * 3)), logits_(zeros<float>(d.classes)) {
        std::vector<layer> layers;
        graph_ = make_net(d, numbers, layers);
        std::mt19937 random(2);
        for (float& v : images_)
            v = static_cast<float>(static_cast<int>(random() % 9) - 4);
        net_ = create(level.level);
        memory_ = zeros<unsigned char>(net_.workspace_bytes(1, s.flags.threads));
        for (const tern::layer_info& info : net_.layers()) {
            items += static_cast<double>(info.macs);
            if (info.ternary)
                label = info.kernel_name;  // of the last, the widest
        }
    }

    void run() override { check(net_.run(view(), logits_.data(), scratch_of(memory_), threads_)); }

    /// Against the scalar level: all layers but the head bit for bit if they are of codes, logits within rounding.
    void verify() override {
        trace ours, plain;
        check(net_.run(view(), logits_.data(), scratch_of(memory_), threads_, ours.observer()));
        const tern::network scalar = create("scalar");
        auto logits = zeros<float>(logits_.size());
        auto memory = zeros<unsigned char>(scalar.workspace_bytes(1));
        check(scalar.run(view(), logits.data(), scratch_of(memory), {}, plain.observer()));
        for (std::size_t i = 0; numbers_.quantizes && i + 1 < ours.outputs.size(); ++i) {
            const auto &a = ours.outputs[i], &b = plain.outputs[i];
            if (a.size() != b.size() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) != 0)
                throw std::runtime_error("layer " + net_.layers()[i].name + " differs from the scalar level's");
        }
        float largest = 0;
        for (const float v : logits)
            largest = std::max(largest, std::fabs(v));
        for (std::size_t i = 0; i < logits.size(); ++i)
            if (!(std::fabs(logits_[i] - logits[i]) <= 1e-4f * (1.0f + largest)))
                throw std::runtime_error("logit " + std::to_string(i) + ": expected " + std::to_string(logits[i]) +
                                         ", found " + std::to_string(logits_[i]));
    }

private:
    static tern::workspace scratch_of(tern::buffer<unsigned char>& memory) { return {memory.data(), memory.bytes()}; }
    tern::network create(const char* level) const {
        tern::network_options options;
        options.plan.level = level;
        options.plan.choice = outcomes_ ? tern::choice_rule::measured : tern::choice_rule::modelled;
        options.plan.outcomes = outcomes_;
        return take(tern::network::create(graph_, {1, size_, size_}, options));
    }
    tern::tensor_view<const float> view() const { return tern::nhwc<const float>(images_.data(), 1, size_, size_, 3); }

    const number_system& numbers_;
    tern::graph graph_;
    std::size_t size_;
    thread_pool pool_;
    tern::executor threads_;
    tern::tuning_store outcomes_;
    tern::buffer<float> images_, logits_;
    tern::network net_;
    tern::buffer<unsigned char> memory_;
};

std::string network_name(const net_design& d, const std::string& impl, const std::string& out, std::size_t threads) {
    return "net/" + impl + "/" + d.name + "/" + out + (threads == 1 ? "" : "/t" + std::to_string(threads));
}

#if defined(TERN_BENCH_ONEDNN) || defined(TERN_BENCH_XNNPACK)
class peer_case final : public experiment {
public:
    using make_layer = std::function<std::unique_ptr<experiment>(const layer&)>;

    peer_case(const net_design& d, const make_layer& make) {
        std::vector<layer> layers;
        make_net(d, number_systems()[0], layers);
        for (const layer& l : layers) {
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

void add_peer(const setup& s, const net_design& d, const char* impl, const peer_case::make_layer& make) {
    add_case(network_name(d, impl, "convolutions", s.flags.threads), s.flags.threads,
             [&d, make] { return std::make_unique<peer_case>(d, make); });
}
#endif

}  // namespace

void add_networks(const setup& s) {
    for (const net_design& d : net_designs()) {
        const std::size_t threads = s.flags.threads;
#if defined(TERN_BENCH_ONEDNN)
        add_peer(s, d, "int8_onednn", [](const layer& l) { return make_onednn_int8(l); });
        add_peer(s, d, "f32_onednn", [](const layer& l) { return make_onednn_fp32(l); });
#endif
#if defined(TERN_BENCH_XNNPACK)
        if (s.flags.isa.empty())
            add_peer(s, d, "int8_xnnpack", [threads](const layer& l) { return make_xnnpack(l, threads); });
#endif
        for (const tern::kernel_table* level : s.levels)
            for (const number_system& numbers : number_systems())
                add_case(network_name(d, std::string("tern.") + level->level,
                                      *numbers.name == '\0' ? "logits" : "logits." + std::string(numbers.name),
                                      threads),
                         threads,
                         [&s, &d, &numbers, level] { return std::make_unique<net_case>(s, d, numbers, *level); });
    }
}

}  // namespace bench
