// The options that say what a model's tensors do not show, and opening of models.
#pragma once

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "command_line.hpp"
#include "program.hpp"

namespace examples {

inline constexpr const char* model_usage =
    "  --kind K           what the state dict is: sttn, stqn, twn, fatnn or sttn_alexnet (default: what\n"
    "                     the names of its tensors say)\n"
    "  --preprocess P     how images become the network's input: mnist (border of 2 pixels), cifar10,\n"
    "                     imagenet (shorter side to 256, centre 224x224; tensors of images that are\n"
    "                     224x224 are taken as they are) or none (pixel values as they are)\n"
    "  --mean A,B,C --deviation A,B,C\n"
    "                     the same in numbers, of pixels from 0 to 1; each may be one for all channels\n"
    "  --border N         rows and columns of zeros around images (default: what --preprocess says, or 0)\n"
    "  --resize N --crop N  the shorter side of pictures, then the square in their middle\n"
    "  --classes FILE     names of the classes, a line each\n"
    "  --stem-stride N    stride of the first convolution (default: 2 if it is 5x5 or larger, else 1)\n"
    "  --stem-pad N       its padding (default: half its size)\n"
    "  --pool P           pooling behind it, as in 3x3s2p1 (the default), or none; of LeNet-5 and VGG\n"
    "                     that behind each stage (default: 2x2s2p0)\n"
    "  --zeros RULE       what the sign of a latent weight of exactly 0 is: positive, negative, or\n"
    "                     refuse (the default: such a model is an error)\n"
    "  --set KEY=V,...    what metadata tern.KEY of the file would say, as activation_range=full or\n"
    "                     twn_factor=0.7: docs/formats.md lists them\n"
    "                     Each of these overrides what the model's file says.\n";

inline std::vector<option> model_option_names() {
    std::vector<option> names;
    for (const char* name : {"--kind", "--preprocess", "--mean", "--deviation", "--border", "--resize", "--crop",
                             "--classes", "--stem-stride", "--stem-pad", "--pool", "--zeros", "--set"})
        names.push_back({name, true});
    return names;
}

/// What these options say.
struct model_options {
    tern::network_reader_options reader{};
    std::vector<std::pair<std::string, std::string>> metadata{};  ///< instead of the file's
    std::vector<float> mean{}, deviation{};
    std::optional<std::size_t> border{}, resize{}, crop{};
    std::string classes{};  ///< a file, or ""
};

namespace model_options_detail {

inline std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts(1);
    for (const char c : text)
        if (c == ',')
            parts.emplace_back();
        else
            parts.back() += c;
    return parts;
}

inline tern::result<std::vector<float>> parse_floats(const char* name, const arguments& from) {
    std::vector<float> values;
    for (const std::string& part : from.has(name) ? split(from.value(name)) : std::vector<std::string>{}) {
        char* end = nullptr;
        const float v = std::strtof(part.c_str(), &end);
        if (part.empty() || *end != '\0' || !std::isfinite(v))
            return tern::make_error(tern::errc::invalid_argument,
                                    "option %s: expected numbers as 0.5,0.4,0.3, found '%.40s'", name,
                                    from.value(name).c_str());
        values.push_back(v);
    }
    return values;
}

inline tern::status parse_geometry(const arguments& from, tern::sttn_options& to) {
    if (from.has("--preprocess")) {
        const auto p = tern::parse_preprocessing(from.value("--preprocess").c_str());
        TERN_TRY(p.status());
        to.preprocess = *p;
    }
    if (from.has("--pool")) {
        const auto p = tern::parse_pool(from.value("--pool").c_str());
        TERN_TRY(p.status());
        to.pool = *p;
    }
    if (from.has("--zeros")) {
        const std::string rule = from.value("--zeros");
        if (rule != "positive" && rule != "negative" && rule != "refuse")
            return tern::make_error(tern::errc::invalid_argument,
                                    "option --zeros: expected positive, negative or refuse, found '%.40s'",
                                    rule.c_str());
        to.zeros = rule == "positive"   ? tern::zero_rule::positive
                   : rule == "negative" ? tern::zero_rule::negative
                                        : tern::zero_rule::refuse;
    }
    const auto stride = from.number("--stem-stride", 1, 1, 64), padding = from.number("--stem-pad", 0, 0, 64);
    TERN_TRY(stride.status());
    TERN_TRY(padding.status());
    if (from.has("--stem-stride"))
        to.stem_stride = *stride;
    if (from.has("--stem-pad"))
        to.stem_padding = *padding;
    return {};
}

/// An option's number, if it was given.
inline tern::status parse_number(const arguments& from, const char* name, std::size_t most,
                                 std::optional<std::size_t>& to) {
    const auto v = from.number(name, 0, 0, most);
    TERN_TRY(v.status());
    if (from.has(name))
        to = *v;
    return {};
}

/// Replaces what the input says of bytes by what options say.
inline tern::status set_numbers(tern::network_model& model, const model_options& options) {
    const auto input = tern::only_input(model.g);
    TERN_TRY(input.status());
    const std::size_t channels = (*input)->channels;
    const auto spread = [&](std::vector<float> values, float otherwise) {
        if (values.size() < 2)
            values.assign(channels, values.empty() ? otherwise : values[0]);
        return values;
    };
    const std::vector<float> mean = spread(options.mean, 0), deviation = spread(options.deviation, 1);
    if (mean.size() != channels || deviation.size() != channels)
        return tern::make_error(tern::errc::invalid_argument,
                                "options --mean and --deviation: expected 1 number or %zu, found %zu and %zu", channels,
                                options.mean.size(), options.deviation.size());
    tern::preprocessing_rule rule{channels, (*input)->border, {mean.data(), deviation.data(), 255.0f}};
    if (options.mean.empty() && options.deviation.empty()) {
        const auto own = tern::rule_of(**input);  // a border alone
        TERN_TRY(own.status());
        rule.normalization = own->normalization;
    }
    rule.border = options.border.value_or(rule.border);
    return tern::set_preprocessing(model.g, rule);
}

inline tern::status read_classes(const std::string& path, std::vector<std::string>& names) {
    std::ifstream in(path);
    std::vector<std::string> read;
    for (std::string line; std::getline(in, line);) {
        if (!line.empty() && line.back() == '\r')
            line.pop_back();
        read.push_back(line);
    }
    if (!in.eof() || read.empty())  // a directory can be opened, too
        return tern::make_error(tern::errc::io, "'%.200s': %s", path.c_str(),
                                in.eof() ? "expected names of classes, found nothing" : "cannot be read");
    names = std::move(read);
    return {};
}

inline tern::result<tern::network_model> read_model(const std::string& path, const model_options& options) {
    auto file = tern::open_tensor_file(path.c_str());
    TERN_TRY(file.status());
    for (const auto& [key, value] : options.metadata)
        file->set_metadata("tern." + key, value);
    auto model = tern::read_network(*file, options.reader);
    TERN_TRY(model.status());
    if (!options.mean.empty() || !options.deviation.empty() || options.border)
        TERN_TRY(set_numbers(*model, options));
    model->pictures.resize = options.resize.value_or(model->pictures.resize);
    model->pictures.crop = options.crop.value_or(model->pictures.crop);
    if (!options.classes.empty())
        TERN_TRY(read_classes(options.classes, model->class_names));
    TERN_TRY(tern::check_network_model(*model));
    return model;
}

}  // namespace model_options_detail

inline tern::result<model_options> parse_model_options(const arguments& from) {
    using namespace model_options_detail;
    model_options options;
    TERN_TRY(parse_geometry(from, options.reader.common));
    if (from.has("--kind")) {
        const tern::network_kind kind = tern::network_kind_of(from.value("--kind"));
        if (kind == tern::network_kind::unknown || kind == tern::network_kind::graph)
            return tern::make_error(tern::errc::invalid_argument,
                                    "option --kind: expected sttn, stqn, twn, fatnn or sttn_alexnet, found '%.40s'",
                                    from.value("--kind").c_str());
        options.reader.kind = kind;
    }
    for (const std::string& part : from.has("--set") ? split(from.value("--set")) : std::vector<std::string>{}) {
        const std::size_t equals = part.find('=');
        if (equals == 0 || equals == std::string::npos)
            return tern::make_error(tern::errc::invalid_argument, "option --set: expected KEY=VALUE, found '%.40s'",
                                    part.c_str());
        options.metadata.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    }
    auto mean = parse_floats("--mean", from), deviation = parse_floats("--deviation", from);
    TERN_TRY(mean.status());
    TERN_TRY(deviation.status());
    options.mean = std::move(*mean);
    options.deviation = std::move(*deviation);
    TERN_TRY(parse_number(from, "--border", 1024, options.border));
    TERN_TRY(parse_number(from, "--resize", 65536, options.resize));
    TERN_TRY(parse_number(from, "--crop", 65536, options.crop));
    options.classes = from.value("--classes");
    return options;
}

/// Reads a model of any kind and form; errors name the file.
inline tern::result<tern::network_model> load_model(const std::string& path, const model_options& options) {
    auto model = model_options_detail::read_model(path, options);
    if (!model.ok())
        return in_context(path, model.status());
    return model;
}

}  // namespace examples
