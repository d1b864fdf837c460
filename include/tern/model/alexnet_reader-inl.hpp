// Definitions of model/alexnet_reader.hpp.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "alexnet_reader.hpp"
#include "graph/model_builder.hpp"
#include "residual_reader.hpp"
#include "sttn_convolution.hpp"

TERN_BEGIN_NAMESPACE
namespace alexnet_detail {

/// One reading: the file, the graph so far and its value.
class alexnet {
public:
    alexnet(tensor_source& from, const alexnet_reader_options& options, const pool_geometry& pool)
        : from_(from), options_(options), pool_(pool), b_(from.memory()) {}

    status add_stem(std::size_t stride, std::size_t padding) {
        struct {
            weight_shape stem_shape{};
            buffer<float> stem{};
        } net;
        TERN_TRY(state_dict::read_stem(from_, "features.0.weight", net));
        channels_ = net.stem_shape.out_channels;
        buffer<float> bias;
        if (from_.has("features.0.bias")) {
            auto read = from_.floats("features.0.bias", {channels_});
            TERN_TRY(read.status());
            bias = std::move(*read);
        }
        x_ = b_.net.input("image", net.stem_shape.in_channels);
        x_ = b_.net.convolution("features.0", x_, net.stem.data(), net.stem_shape,
                                conv_geometry::square(stride, padding), bias.empty() ? nullptr : bias.data());
        TERN_TRY(add_norm("features.1", options_.epsilon));
        x_ = b_.pool(b_.net.relu(x_), pool_);
        return b_.net.state();
    }
    /// "features.N", the first of them 4.
    status add_convolutions(const std::vector<std::size_t>& numbers) {
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            if (numbers[i] < 4 || (i != 0 && numbers[i] > numbers[i - 1] + 2))
                return make_error(errc::bad_format,
                                  "layers features.N: expected N from 4, and poolings one by one, found %zu",
                                  numbers[i]);
            if (i != 0 && numbers[i] == numbers[i - 1] + 2)
                x_ = b_.pool(x_, pool_);
            TERN_TRY(add_ternary("features." + std::to_string(numbers[i]), "conv", false));
        }
        x_ = b_.pool(x_, pool_);
        return b_.net.state();
    }
    /// "classifier.N": ternary layers, a norm, a float layer.
    status add_classifier() {
        std::size_t n = 0;
        for (; from_.has(layer(n) + ".bn.weight"); ++n)
            TERN_TRY(add_ternary(layer(n), "linear", n == 0));
        TERN_TRY(add_norm(layer(n), options_.head_epsilon));
        std::size_t head = n + 1;
        while (head < n + 3 && !from_.has(layer(head) + ".weight"))
            ++head;  // a dropout
        const auto shape = from_.conv_shape(layer(head) + ".weight", true);
        TERN_TRY(shape.status());
        const auto weights = from_.floats(layer(head) + ".weight", {shape->out_channels, channels_});
        TERN_TRY(weights.status());
        const auto bias = from_.floats(layer(head) + ".bias", {shape->out_channels});
        TERN_TRY(bias.status());
        x_ = b_.net.linear(layer(head).c_str(), x_, weights->data(), {shape->out_channels, channels_, 1, 1},
                           bias->data());
        b_.net.output("logits", x_);
        return b_.net.state();
    }
    result<graph> finish() { return b_.net.finish(); }

private:
    static std::string layer(std::size_t n) { return "classifier." + std::to_string(n); }

    status add_norm(const std::string& name, double epsilon) {
        const auto norm = state_dict::read_norm(from_, name, channels_, epsilon);
        TERN_TRY(norm.status());
        x_ = b_.norm(x_, *norm, name);
        return b_.net.state();
    }
    status add_ternary(const std::string& name, const char* part, bool flattens) {
        TERN_TRY(add_norm(name + ".bn", options_.epsilon));
        const std::string conv = name + "." + part;
        // Behind the first fully connected layer maps are of one pixel.
        const bool is_matrix = name.rfind("classifier", 0) == 0;
        auto weights = sttn_detail::read_conv(from_, conv, options_.common.zeros, is_matrix ? channels_ : 0);
        TERN_TRY(weights.status());
        const weight_shape s = weights->shape;
        if (s.in_channels != channels_ || s.kh != s.kw || s.kh > 63 ||
            (is_matrix ? !flattens && s.kh != 1 : s.kh % 2 == 0))
            return make_error(errc::bad_format, "%.100s: expected %zu inputs%s, found [%zu, %zu, %zu, %zu]",
                              conv.c_str(), channels_, is_matrix ? "" : " and an odd square kernel below 64",
                              s.out_channels, s.in_channels, s.kh, s.kw);
        x_ = b_.net.ternarize(x_);
        x_ = b_.net.convolution(conv.c_str(), x_, std::move(weights),
                                conv_geometry::square(1, is_matrix ? 0 : s.kh / 2));
        x_ = b_.net.relu(x_);
        channels_ = s.out_channels;
        return b_.net.state();
    }

    tensor_source& from_;
    const alexnet_reader_options& options_;
    pool_geometry pool_;
    graph_detail::model_builder b_;
    graph_value x_{};
    std::size_t channels_ = 0;
};

/// N of all tensors "features.N.bn.weight", ascending.
inline std::vector<std::size_t> ternary_layers(const tensor_source& from) {
    std::vector<std::size_t> numbers;
    for (const tensor_info& t : from.file().tensors())
        if (const auto name = from.names().plain(t.name)) {
            const std::size_t n = residual_detail::feature_index(*name);
            if (n != SIZE_MAX && *name == "features." + std::to_string(n) + ".bn.weight")
                numbers.push_back(n);
        }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

}  // namespace alexnet_detail

TERN_FUNC result<graph> read_alexnet(const tensor_file& file, const alexnet_reader_options& options) {
    TERN_TRY(detail::check_zeros(options.common.zeros, "latent weights"));
    TERN_TRY(check_network_kind(file, network_kind::sttn_alexnet));
    const auto names = find_tensor_names(file, {"features.0.weight", "features.4.bn.weight"});
    TERN_TRY(names.status());
    tensor_source from(file, *names, options.common.memory);
    const std::vector<std::size_t> layers = alexnet_detail::ternary_layers(from);
    if (!from.has("features.0.weight") || layers.empty())
        return missing_network(file,
                               {from.full_name(layers.empty() ? "features.4.bn.weight" : "features.0.weight").c_str()});
    const auto stride = state_dict::metadata_count(file, sttn_keys::stem_stride, 4),
               padding = state_dict::metadata_count(file, sttn_keys::stem_padding, 0);
    const auto pool = state_dict::metadata_pool(file, sttn_keys::pool, {3, 2, 0});
    TERN_TRY(pool.status());
    for (const auto* read : {&stride, &padding})
        TERN_TRY(read->status());
    const pool_geometry chosen = options.common.pool.value_or(*pool);
    TERN_TRY(state_dict::check_pool(chosen, "poolings"));
    alexnet_detail::alexnet net(from, options, chosen);
    TERN_TRY(
        net.add_stem(options.common.stem_stride.value_or(*stride), options.common.stem_padding.value_or(*padding)));
    TERN_TRY(net.add_convolutions(layers));
    TERN_TRY(net.add_classifier());
    TERN_TRY(from.check_all_used(network_title(network_kind::sttn_alexnet)));
    return net.finish();
}

TERN_END_NAMESPACE
