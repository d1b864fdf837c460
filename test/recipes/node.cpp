// What node.patch promises: a graph with the new node is checked, printed, written, read and run.
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include <tern/model/graph/builder.hpp>
#include <tern/model/graph/planned_graph.hpp>
#include <tern/model/graph/print.hpp>
#include <tern/model/network_file.hpp>
#include <tern/model/safetensors.hpp>

namespace {

/// The graph as its file has it.
tern::result<tern::network_model> written_and_read(tern::graph g, const std::string& path) {
    tern::network_model model;
    model.g = std::move(g);
    if (const auto written = tern::write_network(model, path.c_str()); !written.ok())
        return written;
    const auto file = tern::safetensors_file::open(path.c_str());
    if (!file.ok())
        return file.status();
    return tern::read_network_file(*file);
}

bool refuses(std::size_t groups) {
    tern::graph_builder net;
    net.output("out", net.shuffle(net.input("image", 6), groups));
    return !net.finish().ok();
}

}  // namespace

int main(int, char** arguments) {
    constexpr std::size_t pixels = 2, channels = 6;
    tern::graph_builder net;
    net.output("out", net.shuffle(net.input("image", channels), 3));
    auto made = net.finish();
    if (!made.ok())
        return std::puts(made.message()), 1;
    const std::string text = tern::to_text(*made);
    const auto model = written_and_read(std::move(*made), std::string(arguments[0]) + ".safetensors");
    if (!model.ok())
        return std::puts(model.message()), 1;
    const auto plan = tern::planned_graph::create(model->g);
    if (!plan.ok())
        return std::puts(plan.message()), 1;

    std::vector<float> in(pixels * channels), out(in.size());
    for (std::size_t i = 0; i < in.size(); ++i)
        in[i] = static_cast<float>(i);
    const auto scratch = tern::make_buffer<unsigned char>(plan->workspace_bytes({1, 1, pixels}));
    const tern::status ran = plan->run(tern::nhwc<const float>(in.data(), 1, 1, pixels, channels),
                                       tern::nhwc(out.data(), 1, 1, pixels, channels),
                                       {const_cast<unsigned char*>(scratch->data()), scratch->size()});
    if (!ran.ok())
        return std::puts(ran.message()), 1;
    const std::vector<float> expected{0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11};
    const bool is_read = tern::to_text(model->g) == text && text.find("shuffle 3 groups") != std::string::npos;
    std::printf("%s%s, %s\n", text.c_str(), is_read ? "read as it was written" : "read as another graph",
                out == expected ? "right" : "wrong");
    return is_read && out == expected && refuses(0) && refuses(4) ? 0 : 1;
}
