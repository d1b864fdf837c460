// From a graph to steps, in the order of its nodes. Internal to planned_graph.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../op/image_conv2d.hpp"
#include "../../quantize/float_bits.hpp"
#include "check.hpp"
#include "fusion.hpp"
#include "graph_args.hpp"
#include "product_plans.hpp"
#include "shapes.hpp"
#include "steps.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

class graph_lowering {
public:
    graph_lowering(const graph& g, const std::vector<value_type>& types, const graph_options& options, graph_plan& to)
        : f_(g, options.start), types_(types), options_(options), to_(to) {
        std::vector<image_shape> images;
        for (const graph_node& n : g.nodes)
            if (std::holds_alternative<node::input>(n.data))
                images.push_back(options.expected);
        if (auto shapes = infer_shapes(g, images); options.expected.h != 0 && shapes.ok())
            expected_ = std::move(*shapes);
    }

    status lower_all() {
        for (std::size_t i = 0; i < f_.g.nodes.size(); ++i)
            if (!f_.done[i])
                TERN_TRY(lower(i));
        return {};
    }

private:
    status lower(std::size_t i) {
        const node_data& data = f_.g.nodes[i].data;
        if (const auto* in = std::get_if<node::input>(&data))
            return lower_input(i, *in);
        if (weights_of(f_.g.nodes[i]) != nullptr)
            return lower_product(i);
        if (const auto* q = std::get_if<node::quantize>(&data))
            return lower_quantize(i, *q);
        if (const auto* p = std::get_if<node::pool>(&data))
            return lower_pool(i, *p);
        if (f_.belongs_to_quantizers(i) || f_.can_wait(i) || belongs_to_linear(i))
            return {};
        if (std::holds_alternative<node::affine>(data) || std::holds_alternative<node::activation>(data) ||
            std::holds_alternative<node::add>(data))
            return lower_elementwise(i);
        return lower_copy(i);
    }

    std::size_t input_of(std::size_t i) const { return f_.g.nodes[i].inputs[0]; }
    /// Sizes of value `x` in the run that kernels are chosen for; linear layers read a pixel an image.
    image_shape expected_of(std::size_t x, bool is_linear) const {
        if (expected_.empty())
            return {};
        return is_linear ? image_shape{expected_[x].n, 1, 1} : expected_[x].images();
    }
    bool is_input(std::size_t i) const { return f_.get<node::input>(i) != nullptr; }
    /// A flattened map whose only reader is a linear layer: that reads it where it lies, its weights in the map's
    /// order.
    bool belongs_to_linear(std::size_t i) const {
        return f_.get<node::flatten>(i) != nullptr && f_.has_one_reader(i) && !is_input(input_of(i)) &&
               !f_.is_output[input_of(i)] && types_[input_of(i)].channels != 0 &&
               f_.get<node::linear>(f_.readers[i][0]) != nullptr;
    }

    void write(std::size_t value, bool codes) {
        f_.done[value] = f_.available[value] = true;
        planned_value& v = to_.values[value];
        v.where = codes                 ? planned_value::form::codes
                  : f_.is_output[value] ? planned_value::form::output
                                        : planned_value::form::floats;
        v.code = types_[value].code;
    }
    template <class Work>
    void add_step(Work&& work, std::vector<std::size_t> nodes, const char* why = "") {
        to_.steps.push_back({std::forward<Work>(work), std::move(nodes), why});
    }

    status lower_input(std::size_t i, const node::input& in) {
        f_.done[i] = f_.available[i] = true;
        planned_input input;
        input.node = i;
        input.channels = in.channels;
        input.bytes = in.bytes && options_.u8_images;
        input.border = input.bytes ? in.border : 0;
        if (input.bytes) {
            auto values = make_buffer<float>(checked_size(in.channels) * byte_values, options_.plan.memory);
            TERN_TRY(values.status());
            for (std::size_t c = 0; c < in.channels; ++c)
                normalize_bytes(normalization_of(in), c, values->data() + c * byte_values);
            input.values = std::move(*values);
        }
        to_.values[i].where = planned_value::form::input;
        to_.values[i].external = to_.inputs.size();
        to_.inputs.push_back(std::move(input));
        return {};
    }

    status lower_product(std::size_t i) {
        const graph_node& n = f_.g.nodes[i];
        const layer_weights& weights = *weights_of(n);
        const bool is_linear = std::holds_alternative<node::linear>(n.data);
        std::size_t x = input_of(i), taps = 1;
        step::convolution made;
        if (is_linear && belongs_to_linear(x)) {
            f_.done[x] = true;
            x = input_of(x);
            taps = shape_of(weights).in_channels / types_[x].channels;
            if (taps * types_[x].channels != shape_of(weights).in_channels)
                return make_error(errc::invalid_argument, "%.100s: expected a multiple of %zu inputs, found %zu",
                                  n.name.c_str(), types_[x].channels, shape_of(weights).in_channels);
            made.flat = true;
        }
        epilogue first;
        const auto* floats = std::get_if<real_weights>(&weights);
        if (floats != nullptr && !floats->bias.empty())
            first.add(stage::bias(floats->bias.data()));
        const fused_chain chain = chain_fuser(f_, shape_of(weights).out_channels).follow(i, first);
        if (is_linear && floats != nullptr && chain.nodes.size() == 1)
            return lower_linear(i, x, taps, *floats);

        const auto* conv = std::get_if<node::convolution>(&n.data);
        product_plans plans{weights,
                            conv != nullptr ? conv->geometry : conv_geometry{},
                            types_[x],
                            taps,
                            chain.stages,
                            options_,
                            expected_of(x, is_linear)};
        status s = plans.make(made.plan);
        const auto* image = f_.get<node::input>(x);
        if (s.ok() && image != nullptr && image->bytes && options_.u8_images && floats != nullptr && !is_linear &&
            chain.residual == step::none)
            s = plans.make_for_bytes(*image, made.bytes_plan);
        if (!s.ok())
            return make_error(s.code(), "%.100s: %s", n.name.c_str(), s.message());
        made.row = is_linear && !chain.pooled && std::holds_alternative<real_conv2d>(made.plan);
        made.input = x;
        made.product = i;
        made.residual = chain.residual;
        made.pooled = chain.pooled;
        if (chain.stores) {
            made.out = chain.end;
            write(chain.end, false);
        }
        for (std::size_t k = 0; k < chain.quantizers.size(); ++k) {
            made.packed[k] = chain.quantizers[k];
            write(chain.quantizers[k], true);
        }
        add_step(std::move(made), chain.nodes, chain.why);
        return {};
    }

    status lower_linear(std::size_t i, std::size_t x, std::size_t taps, const real_weights& w) {
        const weight_shape& s = w.shape;
        const auto ordered = map_order(w.values.data(), s, taps);
        auto plan = tern::linear::create(ordered.data(), s.out_channels, s.in_channels,
                                         w.bias.empty() ? nullptr : w.bias.data(), options_.plan);
        if (!plan.ok())
            return make_error(plan.status().code(), "%.100s: %s", f_.g.nodes[i].name.c_str(), plan.message());
        write(i, false);
        add_step(step::linear{std::move(*plan), x, i}, {i});
        return {};
    }

    status lower_quantize(std::size_t i, const node::quantize& q) {
        step::quantize made;
        const std::size_t before = input_of(i);
        const auto* map = f_.belongs_to_quantizers(before) ? f_.get<node::affine>(before) : nullptr;
        made.input = map != nullptr ? input_of(before) : before;
        made.out = i;
        made.levels = q.levels;
        std::vector<std::size_t> nodes{i};
        if (map != nullptr) {
            f_.done[before] = true;
            nodes.push_back(before);
        }
        if (map != nullptr || is_byte_code(q.levels.code)) {
            const std::size_t channels = types_[i].channels;
            if (channels == 0)
                return make_error(errc::unsupported, "%.100s: codes of bytes behind a flattened map are not supported",
                                  f_.g.nodes[i].name.c_str());
            std::vector<double> factor, shift;
            affine_of_quantizer(map, q, channels, factor, shift);
            TERN_TRY(to_floats(i, factor, made.factor));
            TERN_TRY(to_floats(i, shift, made.shift));
        }
        write(i, true);
        add_step(std::move(made), nodes);
        return {};
    }

    status lower_pool(std::size_t i, const node::pool& p) {
        step::pool made;
        made.function = p.function;
        made.options.kernel_h = p.kernel_h;
        made.options.kernel_w = p.kernel_w;
        made.options.geometry = p.geometry;
        made.options.kernels = to_.kernels;
        made.input = input_of(i);
        made.out = i;
        write(i, types_[i].codes);
        add_step(made, {i});
        return {};
    }

    status lower_copy(std::size_t i) {
        step::copy made;
        made.inputs = f_.g.nodes[i].inputs;
        made.out = i;
        if (f_.get<node::flatten>(i) != nullptr)
            made.what = step::copy::kind::flatten;
        if (f_.get<node::shortcut>(i) != nullptr)
            made.what = step::copy::kind::shortcut;
        if (const auto* up = f_.get<node::upsample>(i)) {
            made.what = up->mode == upsample_mode::nearest ? step::copy::kind::upsample : step::copy::kind::interpolate;
            made.factor_h = up->factor_h;
            made.factor_w = up->factor_w;
        }
        write(i, types_[i].codes);
        add_step(std::move(made), {i});
        return {};
    }

    /// Numbers of node `i`. Errors: one that leaves the floats.
    status to_floats(std::size_t i, const std::vector<double>& from, buffer<float>& to) const {
        for (const double v : from)
            if (!is_within_floats(v))
                return make_error(errc::bad_value, "%.100s: expected factors and shifts within the floats, found %g",
                                  f_.g.nodes[i].name.c_str(), v);
        auto made = make_buffer<float>(from.size(), options_.plan.memory);
        TERN_TRY(made.status());
        std::transform(from.begin(), from.end(), made->data(), [](double v) { return nearest_float(v); });
        to = std::move(*made);
        return {};
    }

    /// Operations on every value that no epilogue has taken, as many in one pass as have no other readers.
    status lower_elementwise(std::size_t i) {
        step::elementwise made;
        std::vector<std::size_t> nodes;
        made.input = input_of(i);
        if (f_.get<node::add>(i) != nullptr)
            for (const std::size_t x : f_.g.nodes[i].inputs)
                if (!f_.available[x])
                    TERN_TRY(f_.get<node::affine>(x) != nullptr ? lower_map(x) : lower_copy(x));
        for (;;) {
            const std::size_t value = nodes.empty() ? made.input : nodes.back();
            TERN_TRY(add_operation(i, value, made));
            nodes.push_back(i);
            if (!f_.has_one_reader(i) || !is_operation(f_.readers[i][0], i))
                break;
            i = f_.readers[i][0];
        }
        for (const std::size_t n : nodes)
            f_.done[n] = true;
        made.out = i;
        write(i, false);
        add_step(std::move(made), nodes);
        return {};
    }
    /// An affine map by itself, which a sum did not take in.
    status lower_map(std::size_t i) {
        step::elementwise made;
        made.input = input_of(i);
        made.out = i;
        TERN_TRY(add_operation(i, made.input, made));
        write(i, false);
        add_step(std::move(made), {i});
        return {};
    }
    bool is_operation(std::size_t i, std::size_t value) const {
        if (f_.get<node::add>(i) == nullptr)
            return (f_.get<node::affine>(i) != nullptr && !f_.belongs_to_quantizers(i) && !f_.can_wait(i)) ||
                   f_.get<node::activation>(i) != nullptr;
        const auto& in = f_.g.nodes[i].inputs;
        return f_.available[in[0] == value ? in[1] : in[0]];
    }
    status add_operation(std::size_t i, std::size_t value, step::elementwise& to) const {
        using kind = step::operation::kind;
        step::operation op;
        if (const auto* map = f_.get<node::affine>(i)) {
            op.what = kind::affine;
            TERN_TRY(to_floats(i, {map->norm.factor.begin(), map->norm.factor.end()}, op.a));
            TERN_TRY(to_floats(i, {map->norm.shift.begin(), map->norm.shift.end()}, op.b));
        } else if (const auto* a = f_.get<node::activation>(i)) {
            constexpr kind kinds[] = {kind::prelu, kind::clamp, kind::sigmoid, kind::silu};
            op.what = kinds[static_cast<std::size_t>(a->function)];
            op.lo = a->lo;
            op.hi = a->hi;
            auto slope = copy_to_buffer(a->slope.data(), a->slope.size(), options_.plan.memory);
            TERN_TRY(slope.status());
            op.a = std::move(*slope);
        } else {
            const auto& in = f_.g.nodes[i].inputs;
            op.other = in[0] == value ? in[1] : in[0];
        }
        to.operations.push_back(std::move(op));
        return {};
    }

    graph_facts f_;
    const std::vector<value_type>& types_;
    const graph_options& options_;
    graph_plan& to_;
    std::vector<map_shape> expected_{};  // sizes of all values in the run that kernels are chosen for, or none
};

}  // namespace graph_detail
TERN_END_NAMESPACE
