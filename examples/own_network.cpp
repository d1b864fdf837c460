// A network of your own, a small detector with two scales, from its topology to its outputs: what a paper's figure
// shows is what `make_graph` says. Weights are random here; yours come from a checkpoint.
#include <cstdio>
#include <random>
#include <vector>

#include <tern/model.hpp>

namespace {

using tern::graph_value;

std::mt19937 generator(1);

std::vector<float> random_floats(std::size_t count, float low, float high) {
    std::vector<float> v(count);
    for (float& x : v)
        x = low + (high - low) * static_cast<float>(generator() >> 8) * 0x1p-24f;
    return v;
}

graph_value norm(tern::graph_builder& net, graph_value x) {
    const std::size_t c = net.channels(x);
    const auto mean = random_floats(c, -1, 1), variance = random_floats(c, 1, 20);
    return net.batch_norm(x, nullptr, nullptr, mean.data(), variance.data());
}

/// Ternary activations, a ternary convolution from two latent kernels, a batch norm, a leaky ReLU.
graph_value block(tern::graph_builder& net, const char* name, graph_value x, std::size_t out, std::size_t stride) {
    const tern::weight_shape shape{out, net.channels(x), 3, 3};
    const auto w1 = random_floats(shape.size(), -1, 1), w2 = random_floats(shape.size(), -1, 1);
    const auto codes = net.ternarize(norm(net, x));
    const auto sums = net.convolution(name, codes, tern::quantize_sttn_pair(w1.data(), w2.data(), shape, "W1", "W2"),
                                      tern::conv_geometry::square(stride, 1));
    return net.leaky_relu(norm(net, sums), 0.1f);
}

/// Boxes of 5 numbers per pixel: a float convolution of 1x1.
graph_value head(tern::graph_builder& net, const char* name, graph_value x) {
    const tern::weight_shape shape{5, net.channels(x), 1, 1};
    return net.sigmoid(net.convolution(name, x, random_floats(shape.size(), -0.3f, 0.3f).data(), shape));
}

tern::result<tern::graph> make_graph() {
    tern::graph_builder net;
    const auto image = net.input("image", 3, tern::preprocessing::imagenet);
    const auto filters = random_floats(16 * 27, -0.4f, 0.4f);
    const auto stem = net.convolution("stem", image, filters.data(), {16, 3, 3, 3}, tern::conv_geometry::square(2, 1));
    const auto half = block(net, "down1", net.leaky_relu(norm(net, stem), 0.1f), 32, 2);
    const auto quarter = block(net, "down2", half, 64, 2);
    const auto deep = net.add(block(net, "residual", quarter, 64, 1), quarter);
    const auto joined = net.concat({net.upsample(deep, 2), half});
    net.output("small boxes", head(net, "head1", block(net, "neck", joined, 32, 1)));
    net.output("large boxes", head(net, "head2", deep));
    return net.finish();
}

int fail(const char* why) { return std::fprintf(stderr, "%s\n", why), 1; }

}  // namespace

int main() {
    const auto graph = make_graph();
    if (!graph.ok())
        return fail(graph.message());
    std::printf("%s\n", tern::to_text(*graph).c_str());
    tern::graph_options options;
    options.u8_images = true;
    const auto net = tern::planned_graph::create(*graph, options);
    if (!net.ok())
        return fail(net.message());
    std::printf("%s\n", net->to_text({{1, 96, 128}}).c_str());
    // One object runs images of any size: memory and outputs are yours.
    for (const tern::image_shape images : {tern::image_shape{1, 96, 128}, tern::image_shape{2, 64, 64}}) {
        const std::vector<std::uint8_t> pixels(images.n * images.h * images.w * 3, 100);
        const auto small = net->output_shape(0, images), large = net->output_shape(1, images);
        auto scratch = tern::make_buffer<unsigned char>(net->workspace_bytes(images));
        if (!small.ok() || !large.ok() || !scratch.ok())
            return fail("out of memory");
        std::vector<float> boxes[2];
        tern::tensor_view<float> outputs[2];
        for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
            const tern::map_shape& s = k == 0 ? *small : *large;
            boxes[k].resize(s.n * s.h * s.w * s.c);
            outputs[k] = tern::nhwc(boxes[k].data(), s.n, s.h, s.w, s.c);
        }
        const tern::graph_images input = tern::nhwc(pixels.data(), images.n, images.h, images.w, 3);
        if (const auto s = net->run({&input, 1, outputs, 2}, {scratch->data(), scratch->bytes()}); !s.ok())
            return fail(s.message());
        std::printf("%zu images of %zux%zu: maps of %zux%zu and %zux%zu boxes, the first %.3f and %.3f\n", images.n,
                    images.h, images.w, small->h, small->w, large->h, large->w, static_cast<double>(boxes[0][0]),
                    static_cast<double>(boxes[1][0]));
    }
}
