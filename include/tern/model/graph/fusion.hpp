// What a convolution's epilogue takes in of the nodes behind it: epilogue chains from nodes. Internal to planned_graph.
#pragma once

#include <cstddef>
#include <vector>

#include "../../core/config.hpp"
#include "../../format/packed_image.hpp"
#include "../../op/stage.hpp"
#include "node.hpp"
#include "steps.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// A graph with what planning wants to know of its nodes.
struct graph_facts {
    const graph& g;
    std::vector<std::vector<std::size_t>> readers{};  ///< of nodes; twice if it reads twice
    std::vector<bool> is_output{};
    std::vector<bool> done{};        ///< some step does what the node does
    std::vector<bool> available{};   ///< a step before has written its value, or the caller gives it
    std::size_t start = step::none;  ///< nothing is fused across this value

    graph_facts(const graph& from, std::size_t start_)
        : g(from), readers(from.nodes.size()), is_output(from.nodes.size()), done(from.nodes.size()),
          available(from.nodes.size()), start(start_) {
        for (std::size_t i = 0; i < g.nodes.size(); ++i)
            for (const std::size_t input : g.nodes[i].inputs)
                readers[input].push_back(i);
        for (const graph_output& o : g.outputs)
            is_output[o.node] = true;
    }

    template <class Node>
    const Node* get(std::size_t i) const {
        return std::get_if<Node>(&g.nodes[i].data);
    }
    bool has_one_reader(std::size_t i) const { return readers[i].size() == 1 && !is_output[i] && i != start; }
    /// Whether a node's value is nowhere because all that reads it applies the node itself: affine maps before
    /// quantizers.
    bool belongs_to_quantizers(std::size_t i) const {
        if (get<node::affine>(i) == nullptr || is_output[i] || i == start)
            return false;
        for (const std::size_t r : readers[i])
            if (get<node::quantize>(r) == nullptr)
                return false;
        return true;
    }
    /// Whether it can wait for the sum that alone reads it, which may take it in: `available` is then what it reads.
    bool can_wait(std::size_t i) const {
        return has_one_reader(i) && get<node::add>(readers[i][0]) != nullptr &&
               (get<node::affine>(i) != nullptr || get<node::shortcut>(i) != nullptr);
    }
};

/// A chain of stages and the nodes that it stands for.
struct fused_chain {
    epilogue stages{};
    std::vector<std::size_t> nodes{};
    std::size_t end = 0;  ///< the node whose value it gives
    std::size_t residual = step::none;
    bool pooled = false;                    ///< the residual is the 2x2 maximum
    std::vector<std::size_t> quantizers{};  ///< at most two
    bool stores = false;
    const char* why = "";                        ///< it goes no further
    std::vector<std::vector<double>> doubles{};  // arrays that the graph does not have, until the plan is made
    std::vector<std::vector<float>> floats{};
};

/// The factor and shift of an affine map that quantizes to `to`, which for bytes counts units.
inline void affine_of_quantizer(const node::affine* map, const node::quantize& to, std::size_t channels,
                                std::vector<double>& factor, std::vector<double>& shift) {
    const double per_unit = is_byte_code(to.levels.code) ? 1 / to.unit : 1;
    factor.assign(channels, per_unit);
    shift.assign(channels, 0);
    for (std::size_t c = 0; c < channels && map != nullptr; ++c) {
        factor[c] = map->norm.factor[c] * per_unit;
        shift[c] = map->norm.shift[c] * per_unit;
    }
}

class chain_fuser {
public:
    explicit chain_fuser(graph_facts& facts, std::size_t channels) : f_(facts), channels_(channels) {}

    /// Follows the value of node `i`, which sums products, as far as the canonical order of epilogues goes. `first` has
    /// stages that come before.
    fused_chain follow(std::size_t i, const epilogue& first) {
        chain_.stages = first;
        chain_.nodes = {i};
        chain_.end = i;
        while (f_.has_one_reader(chain_.end) && take(f_.readers[chain_.end][0])) {
        }
        if (!f_.has_one_reader(chain_.end))
            chain_.why = f_.is_output[chain_.end] ? "its value is an output"
                         : chain_.end == f_.start ? "runs may start behind its value"
                                                  : "its value has several readers";
        add_quantizers();
        for (const std::size_t n : chain_.nodes)
            f_.done[n] = true;
        return std::move(chain_);
    }

private:
    bool stop(const char* why) {
        chain_.why = why;
        return false;
    }
    bool take(std::size_t reader) {
        if (const auto* map = f_.get<node::affine>(reader)) {
            if (phase_ != phase::products)
                return f_.belongs_to_quantizers(reader) ? stop("")
                                                        : stop("an affine map behind an activation or a sum");
            if (++affines_ > 8)
                return stop("more affine maps than an epilogue takes");
            chain_.stages.add(stage::affine(map->norm.factor.data(), map->norm.shift.data()));
        } else if (const auto* a = f_.get<node::activation>(reader)) {
            if (!take_activation(*a))
                return false;
        } else if (f_.get<node::add>(reader) != nullptr) {
            if (!take_sum(reader))
                return false;
        } else {
            return stop(f_.get<node::quantize>(reader) != nullptr ? "" : "what reads it is no part of epilogues");
        }
        chain_.nodes.push_back(reader);
        chain_.end = reader;
        return true;
    }
    bool take_activation(const node::activation& a) {
        if (a.function != activation_function::prelu && a.function != activation_function::clamp)
            return stop("an activation that epilogues do not have");
        if (phase_ == phase::activated || phase_ == phase::summed_activated)
            return stop("a second activation");
        chain_.stages.add(a.function == activation_function::prelu ? stage::prelu(a.slope.data())
                                                                   : stage::clamp(a.lo, a.hi));
        phase_ = phase_ == phase::products ? phase::activated : phase::summed_activated;
        return true;
    }
    bool take_sum(std::size_t sum) {
        if (phase_ == phase::summed || phase_ == phase::summed_activated)
            return stop("a second sum");
        const auto& in = f_.g.nodes[sum].inputs;
        const std::size_t other = in[0] == chain_.end ? in[1] : in[0];
        if (f_.available[other]) {
            chain_.residual = other;
            chain_.stages.add(stage::residual());
        } else if (f_.can_wait(other) && f_.available[f_.g.nodes[other].inputs[0]]) {
            chain_.residual = f_.g.nodes[other].inputs[0];
            chain_.nodes.push_back(other);
            if (const auto* map = f_.get<node::affine>(other))
                add_scaled(*map);
            else
                add_pooled();
        } else {
            return stop("a sum with what is not computed yet");
        }
        phase_ = phase::summed;
        return true;
    }
    void add_pooled() {
        chain_.pooled = true;
        chain_.stages.add(stage::residual(residual_kind::pooled));
    }
    void add_scaled(const node::affine& map) {
        std::vector<float> arrays[2];
        for (std::size_t c = 0; c < map.norm.channels(); ++c) {
            arrays[0].push_back(static_cast<float>(map.norm.factor[c]));
            arrays[1].push_back(static_cast<float>(map.norm.shift[c]));
        }
        chain_.stages.add(stage::residual(residual_kind::same, arrays[0].data(), arrays[1].data()));
        for (auto& a : arrays)
            chain_.floats.push_back(std::move(a));
    }

    /// The first two quantizers that read the value, by themselves or behind an affine map; whether others need its
    /// floats.
    void add_quantizers() {
        epilogue behind;
        chain_.stores = f_.is_output[chain_.end] || chain_.end == f_.start;
        if (chain_.end == f_.start) {
            chain_.stages.add(stage::store());
            return;
        }
        for (const std::size_t r : f_.readers[chain_.end]) {
            if (f_.get<node::quantize>(r) != nullptr) {
                add_quantizer(behind, nullptr, r);
            } else if (f_.belongs_to_quantizers(r)) {
                if (chain_.quantizers.size() < max_quantizers)
                    chain_.nodes.push_back(r);
                for (const std::size_t q : f_.readers[r])
                    add_quantizer(behind, f_.get<node::affine>(r), q);
            } else {
                chain_.stores = true;
            }
        }
        if (chain_.stores)
            chain_.stages.add(stage::store());
        for (std::size_t s = 0; s < behind.count; ++s)
            chain_.stages.add(behind.stages[s]);
        chain_.nodes.insert(chain_.nodes.end(), chain_.quantizers.begin(), chain_.quantizers.end());
    }
    void add_quantizer(epilogue& to, const node::affine* map, std::size_t q) {
        const node::quantize& quantizer = *f_.get<node::quantize>(q);
        if (chain_.quantizers.size() == max_quantizers) {
            chain_.stores = true;
            chain_.why = "more than two quantizers";
            return;
        }
        chain_.quantizers.push_back(q);
        if (map != nullptr || is_byte_code(quantizer.levels.code)) {
            std::vector<double> factor, shift;
            affine_of_quantizer(map, quantizer, channels_, factor, shift);
            to.add(stage::affine(factor.data(), shift.data()));
            chain_.doubles.push_back(std::move(factor));
            chain_.doubles.push_back(std::move(shift));
        }
        to.add(is_byte_code(quantizer.levels.code) ? stage::requantize(quantizer.levels.code)
                                                   : stage::quantize(quantizer.levels));
    }

    enum class phase { products, activated, summed, summed_activated };

    graph_facts& f_;
    std::size_t channels_;
    fused_chain chain_{};
    phase phase_ = phase::products;
    std::size_t affines_ = 0;
};

}  // namespace graph_detail
TERN_END_NAMESPACE
