// The options that say what a model's tensors do not show, and opening of models.
#pragma once

#include <string>
#include <vector>

#include <tern/model.hpp>

#include "command_line.hpp"
#include "program.hpp"

namespace examples {

inline constexpr const char* model_usage =
    "  --preprocess P     how images become the network's input: mnist (border of 2 pixels), cifar10,\n"
    "                     imagenet (shorter side to 256, centre 224x224; tensors of images that are\n"
    "                     224x224 are taken as they are) or none (pixel values as they are)\n"
    "  --stem-stride N    stride of the first convolution (default: 2 if it is 5x5 or larger, else 1)\n"
    "  --stem-pad N       its padding (default: half its size)\n"
    "  --pool P           pooling behind it, as in 3x3s2p1 (the default), or none\n"
    "                     Each of these overrides what the model's file says.\n"
    "  --zeros RULE       what the sign of a latent weight of exactly 0 is: positive, negative, or\n"
    "                     refuse (the default: such a model is an error)\n";

inline std::vector<option> model_option_names() {
    return {{"--preprocess", true}, {"--stem-stride", true}, {"--stem-pad", true}, {"--pool", true}, {"--zeros", true}};
}

inline tern::result<tern::sttn_options> parse_model_options(const arguments& from) {
    tern::sttn_options options;
    if (from.has("--preprocess")) {
        const auto p = tern::parse_preprocessing(from.value("--preprocess").c_str());
        if (!p.ok())
            return p.status();
        options.preprocess = *p;
    }
    if (from.has("--pool")) {
        const auto p = tern::parse_pool(from.value("--pool").c_str());
        if (!p.ok())
            return p.status();
        options.pool = *p;
    }
    if (from.has("--zeros")) {
        const std::string rule = from.value("--zeros");
        if (rule != "positive" && rule != "negative" && rule != "refuse")
            return tern::make_error(tern::errc::invalid_argument,
                                    "option --zeros: expected positive, negative or refuse, found '%.40s'",
                                    rule.c_str());
        options.zeros = rule == "positive"   ? tern::zero_rule::positive
                        : rule == "negative" ? tern::zero_rule::negative
                                             : tern::zero_rule::refuse;
    }
    const auto stride = from.number("--stem-stride", 1, 1, 64), padding = from.number("--stem-pad", 0, 0, 64);
    if (!stride.ok() || !padding.ok())
        return !stride.ok() ? stride.status() : padding.status();
    if (from.has("--stem-stride"))
        options.stem_stride = *stride;
    if (from.has("--stem-pad"))
        options.stem_padding = *padding;
    return options;
}

/// Reads a model of any of the forms; errors name the file.
inline tern::result<tern::sttn_network> load_model(const std::string& path, const tern::sttn_options& options) {
    auto model = tern::load_sttn(path.c_str(), options);
    if (!model.ok())
        return in_context(path, model.status());
    return model;
}

}  // namespace examples
