// Definitions of model/network_model.hpp.
#pragma once

#include <algorithm>
#include <utility>
#include <variant>

#include "graph/check.hpp"
#include "network_model.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC status check_network_model(const network_model& model) {
    const auto types = check_graph(model.g);
    TERN_TRY(types.status());
    const std::size_t names = model.class_names.size(), channels = (*types)[model.g.outputs[0].node].channels;
    if (names != 0 && channels != 0 && names != channels)
        return make_error(errc::invalid_argument,
                          "classes: expected %zu names, as output %.100s has channels, found %zu", channels,
                          model.g.outputs[0].name.c_str(), names);
    const picture_rule& p = model.pictures;
    if (p.resize != 0 && p.crop > p.resize)
        return make_error(errc::invalid_argument,
                          "pictures: expected to crop to at most the %zu pixels of the shorter "
                          "side, found %zu",
                          p.resize, p.crop);
    return {};
}

TERN_FUNC result<const node::input*> only_input(const graph& g) {
    const node::input* found = nullptr;
    for (const graph_node& n : g.nodes)
        if (const auto* input = std::get_if<node::input>(&n.data)) {
            if (found != nullptr)
                return make_error(errc::invalid_argument, "%.100s: expected a graph of one input, found another",
                                  n.name.c_str());
            found = input;
        }
    if (found == nullptr)
        return make_error(errc::invalid_argument, "graph: expected an input, found none");
    return found;
}

TERN_FUNC status set_preprocessing(graph& g, const preprocessing_rule& rule, const allocator& memory) {
    const auto found = only_input(g);
    TERN_TRY(found.status());
    auto* const input = const_cast<node::input*>(*found);  // of `g`, which is ours to change
    if (rule.channels != 0 && rule.channels != input->channels)
        return make_error(errc::invalid_argument,
                          "preprocessing: expected a network for images of %zu channels, found %zu", rule.channels,
                          input->channels);
    node::input made;
    made.channels = input->channels;
    made.bytes = true;
    made.divisor = rule.normalization.divisor;
    made.border = rule.border;
    if (rule.normalization.mean != nullptr || rule.normalization.deviation != nullptr) {
        auto mean = make_buffer<float>(made.channels, memory), deviation = make_buffer<float>(made.channels, memory);
        TERN_TRY(mean.status());
        TERN_TRY(deviation.status());
        for (std::size_t c = 0; c < made.channels; ++c) {
            (*mean)[c] = rule.normalization.mean != nullptr ? rule.normalization.mean[c] : 0.0f;
            (*deviation)[c] = rule.normalization.deviation != nullptr ? rule.normalization.deviation[c] : 1.0f;
        }
        made.mean = std::move(*mean);
        made.deviation = std::move(*deviation);
    }
    *input = std::move(made);
    return {};
}

TERN_FUNC status set_preprocessing(network_model& model, preprocessing p, const allocator& memory) {
    const auto rule = rule_of(p);
    TERN_TRY(rule.status());
    TERN_TRY(set_preprocessing(model.g, *rule, memory));
    model.pictures = picture_rule_of(p);
    return {};
}

TERN_FUNC preprocessing find_preprocessing(const node::input& input) {
    const auto equal = [&](const float* rule, const buffer<float>& own) {
        return rule == nullptr ? own.empty() : std::equal(own.begin(), own.end(), rule, rule + input.channels);
    };
    for (const preprocessing p :
         {preprocessing::none, preprocessing::mnist, preprocessing::cifar10, preprocessing::imagenet}) {
        const auto rule = rule_of(p);
        const image_normalization& to = rule->normalization;
        if (input.bytes && (rule->channels == 0 || rule->channels == input.channels) && rule->border == input.border &&
            !(to.divisor < input.divisor || to.divisor > input.divisor) && equal(to.mean, input.mean) &&
            equal(to.deviation, input.deviation))
            return p;
    }
    return preprocessing::unknown;
}

TERN_FUNC result<preprocessing_rule> rule_of(const node::input& input) {
    if (!input.bytes)
        return make_error(errc::invalid_argument, "the preprocessing is not known: the input is of floats");
    return preprocessing_rule{input.channels,
                              input.border,
                              {input.mean.empty() ? nullptr : input.mean.data(),
                               input.deviation.empty() ? nullptr : input.deviation.data(), input.divisor}};
}

TERN_END_NAMESPACE
