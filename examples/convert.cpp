// convert: writes a network of any kind as one packed file of tern's.
#include <algorithm>
#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include <tern/model.hpp>

#include "support/command_line.hpp"
#include "support/model_options.hpp"
#include "support/program.hpp"

namespace examples {
namespace {

struct convert_options {
    std::string model, out;
    model_options network{};
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

/// Bytes of a layer's weights and bias: as floats, and as codes, scales and bias.
struct layer_bytes {
    std::size_t before = 0, after = 0;
};

void print_row(const std::string& name, const std::string& shape, const char* code, const std::string& zeros,
               const std::string& scales, const layer_bytes& bytes) {
    std::printf("%-18s %-14s %-4s %8s  %22s %10zu %10zu %7.1fx\n", name.c_str(), shape.c_str(), code, zeros.c_str(),
                scales.c_str(), bytes.before, bytes.after,
                static_cast<double>(bytes.before) / static_cast<double>(bytes.after));
}

tern::status print_layer(const std::string& name, const tern::code_weights& w, layer_bytes& total) {
    const tern::weight_shape& s = w.shape;
    std::vector<std::int8_t> codes(s.size());
    TERN_TRY(tern::unpack_weights(w, codes.data()));
    const auto zeros = std::count(codes.begin(), codes.end(), std::int8_t{0});
    const auto [least, most] = std::minmax_element(w.scale.begin(), w.scale.end());
    const std::size_t biases = w.bias.empty() ? 0 : s.out_channels;
    const layer_bytes bytes{(s.size() + biases) * sizeof(float),
                            tern::dense_bytes(w.code, s.size()).value + (s.out_channels + biases) * sizeof(float)};
    const std::string shape = std::to_string(s.out_channels) + "x" + std::to_string(s.in_channels) + "x" +
                              std::to_string(s.kh) + "x" + std::to_string(s.kw);
    char percent[32], scales[64];
    std::snprintf(percent, sizeof percent, "%.1f %%", 100 * static_cast<double>(zeros) / static_cast<double>(s.size()));
    std::snprintf(scales, sizeof scales, "%9.3g to %-9.3g", static_cast<double>(*least), static_cast<double>(*most));
    print_row(name, shape, tern::code_name(w.code), percent, scales, bytes);
    total.before += bytes.before;
    total.after += bytes.after;
    return {};
}

/// A row for each layer with weights of codes, and their sum.
tern::status print_layers(const tern::graph& g) {
    std::printf("%-18s %-14s %-4s %8s  %22s %10s %10s %8s\n", "layer", "shape", "code", "zeros", "scales", "bytes",
                "packed", "ratio");
    layer_bytes total;
    for (const tern::graph_node& n : g.nodes) {
        const tern::layer_weights* const weights = tern::weights_of(n);
        if (weights != nullptr && std::holds_alternative<tern::code_weights>(*weights))
            TERN_TRY(print_layer(n.name, std::get<tern::code_weights>(*weights), total));
    }
    if (total.after != 0)
        print_row("all", "", "", "", "", total);
    return {};
}

std::string preprocessing_words(const tern::network_model& model) {
    const auto input = tern::only_input(model.g);
    if (!input.ok() || !(*input)->bytes)
        return "unknown (--preprocess says it)";
    const tern::preprocessing p = tern::find_preprocessing(**input);
    return p != tern::preprocessing::unknown ? tern::preprocessing_name(p) : "of its own";
}

tern::status convert(const convert_options& options) {
    const auto model = load_model(options.model, options.network);
    if (!model.ok())
        return model.status();
    const auto from = tern::mapped_file::open(options.model.c_str());  // now: the output may replace it
    TERN_TRY(from.status());
    TERN_TRY(tern::write_network(*model, options.out.c_str()));
    TERN_TRY(print_layers(model->g));
    const auto to = tern::mapped_file::open(options.out.c_str());
    TERN_TRY(to.status());
    std::printf("\n%s: %zu bytes, %s\n%s: %zu bytes, %zu nodes, preprocessing %s\n", options.model.c_str(),
                from->size(), tern::network_title(model->kind), options.out.c_str(), to->size(), model->g.nodes.size(),
                preprocessing_words(*model).c_str());
    return {};
}

}  // namespace
}  // namespace examples

int main(int argc, char** argv) {
    static const std::string usage =
        std::string(
            "usage: convert MODEL OUT.safetensors [options]\n"
            "\n"
            "Writes a network of STTN, STQN, TWN or FATNN (a state dict: a PyTorch checkpoint as .pth or\n"
            ".pth.tar, or safetensors) as one packed file, with what its tensors do not show, and reports\n"
            "on each layer of codes.\n"
            "\n") +
        examples::model_usage +
        "\n"
        "Exit status: 0, 2 for a wrong command line, 1 for anything else that goes wrong.\n";
    return examples::run_program("convert", usage.c_str(), argc, argv, examples::parse, examples::convert);
}
