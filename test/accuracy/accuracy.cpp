// tern-accuracy: in how many images logits are off by more than 1e-4 of a network computed in double precision, for
// every instruction-set level and every way of taking images, beside plain loops in float32. Prints the tables of
// docs/accuracy.md.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <tern/dispatch/cpu.hpp>
#include <tern/dispatch/select.hpp>
#include <tern/model.hpp>

#include "made_network.hpp"
#include "plain_loops.hpp"

namespace accuracy {
namespace {

constexpr double tolerance = 1e-4;

template <class T>
T must(tern::result<T> made) {
    return generator::must(std::move(made));
}
void must(const tern::status& done) {
    if (done.ok())
        return;
    std::fprintf(stderr, "accuracy: %s\n", done.message());
    std::exit(1);
}

/// A network with images of one size, [h][w][c] bytes.
struct experiment {
    std::string title;
    tern::sttn_network net;
    std::size_t h = 0, w = 0;
    std::vector<std::vector<std::uint8_t>> images;

    tern::image_shape input() const { return tern::preprocessed_shape(net.preprocess, {1, h, w}); }
};

std::size_t largest_of(const std::vector<double>& v) {
    return static_cast<std::size_t>(std::max_element(v.begin(), v.end()) - v.begin());
}

/// Of the images of an experiment.
struct tally {
    std::size_t off = 0, other_class = 0;
    double largest = 0;

    void add(const std::vector<double>& found, const std::vector<double>& expected) {
        double difference = 0;
        for (std::size_t k = 0; k < expected.size(); ++k)
            difference = std::fmax(difference, std::fabs(found[k] - expected[k]));
        if (difference > tolerance)
            ++off;
        if (largest_of(found) != largest_of(expected))
            ++other_class;
        largest = std::fmax(largest, difference);
    }
    std::string text() const {
        char t[80];
        std::snprintf(t, sizeof t, other_class == 0 ? "%zu" : "%zu (%zu)", off, other_class);
        return t;
    }
};

/// How images reach a network.
struct way {
    const char* name;
    bool floats;
    tern::image_weights weights;
};
constexpr way ways[] = {{"u8 (default)", false, tern::image_weights::fp32},
                        {"float32", true, tern::image_weights::fp32},
                        {"u8, 16 bits", false, tern::image_weights::bits16},
                        {"u8, 8 bits", false, tern::image_weights::bits8},
                        {"u8, 7 bits", false, tern::image_weights::bits7}};

/// Logits of every image.
std::vector<std::vector<double>> run(const experiment& e, const tern::kernel_table& table, const way& how) {
    tern::network_options options;
    options.plan.kernels = &table;
    options.u8_images = !how.floats;
    options.u8_weights = how.weights;
    const tern::network net = must(tern::network::create(e.net, e.input(), options));
    auto memory = must(tern::make_buffer<unsigned char>(net.workspace_bytes(1)));
    const tern::workspace scratch{memory.data(), memory.bytes()};
    const std::size_t c = net.input_channels();
    std::vector<std::vector<double>> all;
    std::vector<float> logits(net.classes());
    for (const std::vector<std::uint8_t>& bytes : e.images) {
        if (how.floats) {
            const std::vector<float> values = preprocessed(e.net.preprocess, bytes, e.h, e.w, c);
            must(net.run(tern::nhwc(values.data(), 1, e.input().h, e.input().w, c), logits.data(), scratch));
        } else {
            must(net.run(tern::nhwc(bytes.data(), 1, e.h, e.w, c), logits.data(), scratch));
        }
        all.emplace_back(logits.begin(), logits.end());
    }
    return all;
}

template <class Real>
std::vector<std::vector<double>> run_plain(const experiment& e) {
    std::vector<std::vector<double>> all;
    for (const std::vector<std::uint8_t>& bytes : e.images) {
        const std::vector<float> values = preprocessed(e.net.preprocess, bytes, e.h, e.w, e.net.input_channels());
        const std::vector<Real> logits = accuracy::run_plain<Real>(e.net, values.data(), e.input().h, e.input().w);
        all.emplace_back(logits.begin(), logits.end());
    }
    return all;
}

tally compared(const std::vector<std::vector<double>>& found, const std::vector<std::vector<double>>& expected) {
    tally t;
    for (std::size_t i = 0; i < expected.size(); ++i)
        t.add(found[i], expected[i]);
    return t;
}

/// Prints a table. Whether u8 images give what floats give, and no more images that are off than plain float32 has, but
/// for one.
bool report(const experiment& e) {
    const auto expected = run_plain<double>(e);
    const tally plain = compared(run_plain<float>(e), expected);
    double largest_logit = 0;
    for (const std::vector<double>& logits : expected)
        for (const double v : logits)
            largest_logit = std::fmax(largest_logit, std::fabs(v));
    std::printf("\n%s, %zu images, logits up to %.2g; plain float32 loops: %s\n\n| level |", e.title.c_str(),
                e.images.size(), largest_logit, plain.text().c_str());
    for (const way& how : ways)
        std::printf(" %s |", how.name);
    std::printf("\n| --- |");
    for (std::size_t i = 0; i < std::size(ways); ++i)
        std::printf(" --- |");
    bool good = true;
    double largest[std::size(ways)] = {};
    for (std::size_t i = 0; i < tern::isa_count; ++i) {
        const auto level = static_cast<tern::isa>(i);
        const tern::kernel_table* table = tern::built_kernels(level);
        if (table == nullptr || !tern::supported_levels().has(level))
            continue;
        std::printf("\n| `%s` |", table->level);
        std::vector<std::vector<double>> bytes;
        for (std::size_t k = 0; k < std::size(ways); ++k) {
            auto found = run(e, *table, ways[k]);
            const tally t = compared(found, expected);
            largest[k] = std::fmax(largest[k], t.largest);
            std::printf(" %s |", t.text().c_str());
            std::fflush(stdout);
            good = good && (ways[k].weights != tern::image_weights::fp32 || t.off <= plain.off + 1);
            good = good && (!ways[k].floats || found == bytes);
            bytes = std::move(found);
        }
    }
    std::printf("\n| largest difference |");
    for (const double d : largest)
        std::printf(" %.1e |", d);
    std::printf("\n");
    return good;
}

experiment open(const std::string& title, const std::string& model, const std::string& images,
                const std::string& preprocess, std::size_t limit) {
    tern::sttn_options options;
    if (!preprocess.empty())
        options.preprocess = must(tern::parse_preprocessing(preprocess));
    experiment e;
    e.title = title;
    e.net = must(tern::load_sttn(model.c_str(), options));
    const auto file = must(tern::safetensors_file::open(images.c_str()));
    const tern::tensor_info* t = file.find("images");
    const std::size_t c = e.net.input_channels(), rank = t == nullptr ? 0 : t->shape.rank();
    if (t == nullptr || t->dtype != tern::data_type::u8 || (rank != 3 && rank != 4) ||
        (rank == 3 ? 1 : t->shape[1]) != c)
        must(tern::make_error(tern::errc::invalid_argument,
                              "%s: expected a tensor images, u8, [n,h,w] or [n,%zu,h,w] for this model", images.c_str(),
                              c));
    e.h = t->shape[rank - 2];
    e.w = t->shape[rank - 1];
    const std::size_t n = std::min<std::size_t>(t->shape[0], limit), pixels = e.h * e.w;
    for (std::size_t i = 0; i < n; ++i) {
        std::vector<std::uint8_t> image(pixels * c);
        for (std::size_t k = 0; k < image.size(); ++k)
            image[k] = t->data[i * image.size() + k % c * pixels + k / c];
        e.images.push_back(std::move(image));
    }
    return e;
}

/// The images moved by up to two pixels in every direction, the unmoved ones left out.
std::vector<std::vector<std::uint8_t>> moved(const experiment& e, std::size_t count) {
    std::vector<std::vector<std::uint8_t>> all;
    const auto h = static_cast<std::ptrdiff_t>(e.h), w = static_cast<std::ptrdiff_t>(e.w);
    for (std::ptrdiff_t by = 0; by < 25 && all.size() < count; ++by)
        for (const std::vector<std::uint8_t>& from : e.images) {
            const std::ptrdiff_t down = by / 5 - 2, right = by % 5 - 2;
            if (by == 12 || all.size() == count)
                continue;
            std::vector<std::uint8_t> to(from.size());
            for (std::ptrdiff_t y = 0; y < h; ++y)
                for (std::ptrdiff_t x = 0; x < w; ++x)
                    if (y >= down && y < h + down && x >= right && x < w + right)
                        to[static_cast<std::size_t>(y * w + x)] =
                            from[static_cast<std::size_t>((y - down) * w + x - right)];
            all.push_back(std::move(to));
        }
    return all;
}

experiment made(const std::string& title, const made_shape& shape, std::size_t side, std::size_t count, unsigned seed) {
    experiment e;
    e.title = title;
    e.h = e.w = side;
    e.net = make_network(shape, side, side, seed);
    generator make(seed + 1);
    for (std::size_t i = 0; i < count; ++i)
        e.images.push_back(make.image(side, side));
    return e;
}

/// The tables of docs/accuracy.md, or small ones.
bool report_all(bool small) {
    const std::string folder = TERN_ACCURACY_DATA;
    bool good = true;
    experiment digits = open("mnist_small, digits", folder + "/mnist_small.tern.safetensors",
                             folder + "/mnist_64.safetensors", "", small ? 16 : 64);
    good = report(digits) && good;
    digits.title = "mnist_small, digits moved by up to two pixels";
    digits.images = moved(digits, small ? 32 : 1000);
    good = report(digits) && good;
    made_shape shape;
    shape.widths = small ? std::vector<std::size_t>{16, 32} : std::vector<std::size_t>{32, 32, 64, 128};
    good = report(made("made, 3x3 stem, 32x32", shape, 32, small ? 16 : 1000, 1)) && good;
    shape.widths = {64, 64, 128, 256};
    shape.stem_kernel = 7;
    shape.stem_stride = 2;
    shape.pool = {3, 2, 1};
    shape.how = tern::preprocessing::imagenet;
    if (!small)
        good = report(made("made, 7x7 stem, 96x96", shape, 96, 1000, 3)) && good;
    return good;
}

constexpr const char* usage =
    "usage: tern-accuracy [--small]\n"
    "       tern-accuracy MODEL IMAGES [PREPROCESS]\n"
    "\n"
    "Counts images whose logits are off by more than 1e-4 of the double-precision network, at every level of this\n"
    "CPU; in brackets, if there are any: images of another class. Without arguments: the tables of docs/accuracy.md\n"
    "(minutes); --small: a short check, whose exit status is 1 if u8 images give other logits than floats, or if\n"
    "more images are off than plain float32 loops have.\n"
    "\n"
    "  MODEL, IMAGES   safetensors, as classify takes them\n"
    "  PREPROCESS      mnist, cifar10, imagenet or none, if the model does not say\n";

}  // namespace
}  // namespace accuracy

int main(int argc, char** argv) {
    const std::vector<std::string> args(argv + 1, argv + argc);
    const bool small = args.size() == 1 && args[0] == "--small";
    if (args.empty() || small)
        return accuracy::report_all(small) ? 0 : 1;
    if (args.size() < 2 || args.size() > 3 || args[0][0] == '-') {
        std::fputs(accuracy::usage, stderr);
        return 2;
    }
    const auto e =
        accuracy::open(args[0], args[0], args[1], args.size() == 3 ? args[2] : "", static_cast<std::size_t>(-1));
    return accuracy::report(e) ? 0 : 1;
}
