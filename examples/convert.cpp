// convert: writes a Soft Threshold Ternary Network in tern's packed form.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "support/command_line.hpp"
#include "support/model_options.hpp"
#include "support/program.hpp"

namespace examples {
namespace {

struct convert_options {
    std::string model, out;
    tern::sttn_options network{};
};

tern::result<convert_options> parse(int argc, char** argv) {
    const auto args = arguments::parse(argc, argv, model_option_names());
    if (!args.ok())
        return args.status();
    if (args->positional().size() != 2)
        return tern::make_error(tern::errc::invalid_argument, "expected a model and a file to write");
    const auto network = parse_model_options(*args);
    if (!network.ok())
        return network.status();
    return convert_options{args->positional()[0], args->positional()[1], *network};
}

/// Bytes of a layer's weights and bias: as merged floats, and as codes, scales and bias.
struct layer_bytes {
    std::size_t before = 0, after = 0;
};

tern::result<layer_bytes> print_layer(const std::string& name, const tern::ternary_weights& w) {
    const tern::weight_shape& s = w.shape;
    std::vector<std::int8_t> codes(s.size());
    TERN_TRY(tern::unpack_weights(w, codes.data()));
    const auto zeros = std::count(codes.begin(), codes.end(), std::int8_t{0});
    const auto [least, most] = std::minmax_element(w.scale.begin(), w.scale.end());
    const layer_bytes bytes{(s.size() + s.out_channels) * sizeof(float),
                            tern::base3_bytes(s.size()) + 2 * s.out_channels * sizeof(float)};
    const std::string shape = std::to_string(s.out_channels) + "x" + std::to_string(s.in_channels) + "x" +
                              std::to_string(s.kh) + "x" + std::to_string(s.kw);
    std::printf("%-18s %-14s %6.1f %%  %9.3g to %-9.3g %10zu %10zu %7.1fx\n", name.c_str(), shape.c_str(),
                100 * static_cast<double>(zeros) / static_cast<double>(s.size()), static_cast<double>(*least),
                static_cast<double>(*most), bytes.before, bytes.after,
                static_cast<double>(bytes.before) / static_cast<double>(bytes.after));
    return bytes;
}

tern::status convert(const convert_options& options) {
    const auto model = load_model(options.model, options.network);
    if (!model.ok())
        return model.status();
    const auto from = tern::mapped_file::open(options.model.c_str());  // now: the output may replace it
    TERN_TRY(from.status());
    TERN_TRY(tern::write_sttn(*model, options.out.c_str()));

    std::printf("%-18s %-14s %8s  %22s %10s %10s %8s\n", "layer", "shape", "zeros", "scales", "bytes", "packed",
                "ratio");
    layer_bytes total;
    for (const tern::sttn_block& block : model->blocks)
        for (std::size_t k = 0; k < 2; ++k) {
            const auto bytes = print_layer(block.name + ".conv" + std::to_string(k + 1), block.units[k].weights);
            TERN_TRY(bytes.status());
            total.before += bytes->before;
            total.after += bytes->after;
        }
    std::printf("%-18s %-14s %8s  %22s %10zu %10zu %7.1fx\n\n", "all", "", "", "", total.before, total.after,
                static_cast<double>(total.before) / static_cast<double>(total.after));

    const auto to = tern::mapped_file::open(options.out.c_str());
    TERN_TRY(to.status());
    std::printf("%s: %zu bytes\n%s: %zu bytes, stem stride %zu, padding %zu, pooling %s, preprocessing %s\n",
                options.model.c_str(), from->size(), options.out.c_str(), to->size(), model->stem_stride,
                model->stem_padding, tern::to_string(model->pool).c_str(),
                model->preprocess == tern::preprocessing::unknown ? "unknown (--preprocess says it)"
                                                                  : tern::preprocessing_name(model->preprocess));
    return {};
}

}  // namespace
}  // namespace examples

int main(int argc, char** argv) {
    static const std::string usage =
        std::string(
            "usage: convert MODEL OUT.safetensors [options]\n"
            "\n"
            "Writes a Soft Threshold Ternary Network (a state dict, raw or merged: a PyTorch checkpoint\n"
            "as .pth or .pth.tar, or safetensors) in tern's packed form, with what its tensors do not\n"
            "show, and reports on each layer.\n"
            "\n") +
        examples::model_usage +
        "\n"
        "Exit status: 0, 2 for a wrong command line, 1 for anything else that goes wrong.\n";
    return examples::run_program("convert", usage.c_str(), argc, argv, examples::parse, examples::convert);
}
