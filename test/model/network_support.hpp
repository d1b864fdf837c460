// What the tests of networks share: tensors of the test data, edited copies of files, records of what a network
// computes.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "../support/arrays.hpp"
#include "../support/check_refused.hpp"
#include "../support/thread_executor.hpp"

namespace tern_test {

inline std::string data_path(const std::string& name) {
    return std::string(TERN_TEST_DATA) + "/" + name + ".safetensors";
}
/// What ships with the examples.
inline std::string demo_path(const std::string& name) {
    return std::string(TERN_TEST_DATA) + "/../../examples/data/" + name + ".safetensors";
}

inline tern::safetensors_file open_file(const std::string& path) {
    auto file = tern::safetensors_file::open(path.c_str());
    REQUIRE_MESSAGE(file.ok(), std::string(file.message()));
    return std::move(*file);
}

inline const tern::tensor_info& tensor(const tern::safetensors_file& file, const std::string& name) {
    const tern::tensor_info* t = file.find(name);
    REQUIRE_MESSAGE(t != nullptr, name);
    return *t;
}

inline std::vector<float> floats(const tern::safetensors_file& file, const std::string& name) {
    std::vector<float> v(tensor(file, name).count());
    REQUIRE(tern::read_floats(tensor(file, name), v.data(), v.size()).ok());
    return v;
}
inline std::vector<double> doubles(const tern::safetensors_file& file, const std::string& name) {
    std::vector<double> v(tensor(file, name).count());
    REQUIRE(tern::read_doubles(tensor(file, name), v.data(), v.size()).ok());
    return v;
}
inline std::vector<std::int64_t> ints(const tern::safetensors_file& file, const std::string& name) {
    std::vector<std::int64_t> v(tensor(file, name).count());
    REQUIRE(tern::read_ints(tensor(file, name), v.data(), v.size()).ok());
    return v;
}

/// A copy of a file whose tensors and metadata can be changed, as the bytes of a new file.
class edited_file {
public:
    /// No tensors.
    edited_file() = default;
    explicit edited_file(const std::string& path) {
        const tern::safetensors_file file = open_file(path);
        for (const tern::tensor_info& t : file.tensors())
            tensors_[t.name] = {t.dtype, t.shape, {t.data, t.data + t.bytes}};
        for (const tern::metadata_entry& m : file.metadata())
            metadata_[m.key] = m.value;
    }

    struct tensor_data {
        tern::data_type dtype;
        tern::tensor_dims shape;
        std::vector<unsigned char> bytes;
    };
    tensor_data& at(const std::string& name) {
        REQUIRE_MESSAGE(tensors_.count(name) == 1, name);
        return tensors_[name];
    }
    bool has(const std::string& name) const { return tensors_.count(name) != 0; }
    void erase(const std::string& name) { REQUIRE(tensors_.erase(name) == 1); }
    template <class T>
    void set(const std::string& name, tern::data_type dtype, const tern::tensor_dims& shape,
             const std::vector<T>& values) {
        const auto* p = reinterpret_cast<const unsigned char*>(values.data());
        tensors_[name] = {dtype, shape, {p, p + values.size() * sizeof(T)}};
    }
    std::vector<float> floats(const std::string& name) {
        const tensor_data& t = at(name);
        std::vector<float> v(t.bytes.size() / sizeof(float));
        std::memcpy(v.data(), t.bytes.data(), t.bytes.size());
        return v;
    }
    void set_float(const std::string& name, std::size_t i, float value) {
        REQUIRE(at(name).bytes.size() >= (i + 1) * sizeof value);
        std::memcpy(at(name).bytes.data() + i * sizeof value, &value, sizeof value);
    }
    std::vector<std::string> names() const {
        std::vector<std::string> v;
        for (const auto& [name, t] : tensors_)
            v.push_back(name);
        return v;
    }
    void rename(const std::function<std::string(const std::string&)>& change) {
        std::map<std::string, tensor_data> renamed;
        for (auto& [name, t] : tensors_)
            renamed[change(name)] = std::move(t);
        tensors_ = std::move(renamed);
    }
    std::map<std::string, std::string>& metadata() { return metadata_; }

    std::vector<unsigned char> bytes() const {
        std::vector<unsigned char> out;
        REQUIRE(writer().write(out).ok());
        return out;
    }
    void write(const std::string& path) const { REQUIRE(writer().write(path.c_str()).ok()); }
    /// What the reader says to it.
    tern::result<tern::sttn_network> read(const tern::sttn_options& options = {}) const {
        const std::vector<unsigned char> content = bytes();
        const auto file = tern::safetensors_file::load(content.data(), content.size());
        REQUIRE(file.ok());
        return tern::read_sttn(*file, options);
    }

private:
    tern::safetensors_writer writer() const {
        tern::safetensors_writer w;
        for (const auto& [name, t] : tensors_)
            REQUIRE(w.add(name, t.dtype, t.shape, t.bytes.data()).ok());
        for (const auto& [key, value] : metadata_)
            REQUIRE(w.set_metadata(key, value).ok());
        return w;
    }

    std::map<std::string, tensor_data> tensors_;
    std::map<std::string, std::string> metadata_;
};

/// Makes merged weights a raw pair of the same network: W1 = m sign(T), W2 = +-m with m = max|T| / 2.
inline void split_into_raw_pairs(edited_file& file) {
    for (const std::string& name : file.names()) {
        const bool conv = name.find(".conv1.") != std::string::npos || name.find(".conv2.") != std::string::npos;
        if (!conv)
            continue;
        const edited_file::tensor_data from = file.at(name);
        std::vector<float> first = file.floats(name), second = first;
        const bool weight = from.shape.rank() == 4;
        const std::size_t fan_in = weight ? first.size() / from.shape[0] : 1;
        for (std::size_t o = 0; o < from.shape[0]; ++o) {
            float m = 0;
            for (std::size_t i = o * fan_in; i < (o + 1) * fan_in; ++i)
                m = std::max(m, std::abs(first[i]) / 2);
            for (std::size_t i = o * fan_in; i < (o + 1) * fan_in; ++i) {
                const float t = weight ? first[i] : 2 * first[i];  // a bias: all in the first one
                first[i] = !weight ? t / 2 : t < 0 ? -m : m;
                second[i] = !weight ? 0 : t > 0 ? m : -m;
            }
        }
        const std::size_t end = name.rfind('.');
        file.erase(name);
        file.set(name.substr(0, end) + "_1" + name.substr(end), tern::data_type::f32, from.shape, first);
        file.set(name.substr(0, end) + "_2" + name.substr(end), tern::data_type::f32, from.shape, second);
    }
}

/// A folder that goes away.
class temporary_folder {
public:
    temporary_folder() {
        const auto base = std::filesystem::temp_directory_path();
        for (int i = 0; path_.empty(); ++i)
            if (const auto p = base / ("tern_network_" + std::to_string(i)); std::filesystem::create_directory(p))
                path_ = p;
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder() { std::filesystem::remove_all(path_); }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

inline tern::sttn_network load(const std::string& path, const tern::sttn_options& options = {}) {
    auto net = tern::load_sttn(path.c_str(), options);
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    return std::move(*net);
}

/// A network for colour images, with a 7x7 stem, from the tiny one.
inline edited_file colour_model() {
    edited_file file(data_path("mnist_tiny_merged"));
    std::vector<float> stem(6 * 3 * 49);
    for (std::size_t i = 0; i < stem.size(); ++i)
        stem[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 1000;
    file.set("module.features.0.weight", tern::data_type::f32, {6, 3, 7, 7}, stem);
    return file;
}

/// Images of MNIST as a network's input, and as they come.
struct input_images {
    std::vector<float> values;
    std::vector<std::uint8_t> pixels;
    std::size_t n = 0, h = 32, w = 32;

    tern::tensor_view<const float> view() const { return tern::nchw(values.data(), n, 1, h, w); }
    tern::tensor_view<const float> view(std::size_t first, std::size_t count) const {
        return tern::nchw(values.data() + first * h * w, count, 1, h, w);
    }
    tern::tensor_view<const std::uint8_t> bytes(std::size_t first, std::size_t count) const {
        return tern::nhwc(pixels.data() + first * 28 * 28, count, 28, 28, 1);
    }
};

inline input_images mnist_images(const std::string& path) {
    const tern::safetensors_file file = open_file(path);
    const tern::tensor_info& t = tensor(file, "images");
    REQUIRE(t.shape.rank() == 3);
    REQUIRE(t.shape[1] == 28);
    REQUIRE(t.shape[2] == 28);
    input_images in;
    in.n = t.shape[0];
    in.pixels.assign(t.data, t.data + t.bytes);
    in.values.resize(in.n * in.h * in.w);
    const auto to = tern::nchw(in.values.data(), in.n, 1, in.h, in.w);
    REQUIRE(tern::preprocess(tern::preprocessing::mnist, in.bytes(0, in.n), to).ok());
    return in;
}

/// What an observer sees of a layer: [n][c][h][w].
struct layer_record {
    std::vector<std::int8_t> codes;
    std::vector<std::int32_t> accumulators;
    std::vector<float> out;

    friend bool operator==(const layer_record& a, const layer_record& b) {
        return a.codes == b.codes && a.accumulators == b.accumulators && a.out.size() == b.out.size() &&
               (a.out.empty() || std::memcmp(a.out.data(), b.out.data(), a.out.size() * sizeof(float)) == 0);
    }
};

template <class T>
std::vector<T> in_nchw(const tern::tensor_view<const T>& v) {
    std::vector<T> values;
    for (std::size_t n = 0; v && n < v.n; ++n)
        for (std::size_t c = 0; c < v.c; ++c)
            for (std::size_t y = 0; y < v.h; ++y)
                for (std::size_t x = 0; x < v.w; ++x)
                    values.push_back(v.at(n, y, x, c));
    return values;
}

inline std::vector<std::int8_t> codes_in_nchw(const tern::const_packed_image& image) {
    const tern::packed_layout& l = image.layout;
    std::vector<std::int8_t> codes(image ? l.n * l.c * l.h * l.w : 0);
    if (image)
        REQUIRE(tern::unpack_codes(image, tern::nchw(codes.data(), l.n, l.c, l.h, l.w)).ok());
    return codes;
}

/// One run of a network with all that it computed.
struct run_record {
    std::vector<layer_record> layers;
    std::vector<float> logits;

    tern::layer_observer observer() {
        return {this, [](void* ctx, const tern::layer_view& view) {
                    auto& self = *static_cast<run_record*>(ctx);
                    REQUIRE(view.layer == self.layers.size());
                    self.layers.push_back({codes_in_nchw(view.input), in_nchw(view.accumulators), in_nchw(view.out)});
                }};
    }
};

inline tern::network_options with_table(const tern::kernel_table& table, bool accumulators = true) {
    tern::network_options options;
    options.plan.kernels = &table;
    options.accumulators = accumulators;
    return options;
}

inline tern::network make_network(const tern::sttn_network& model, const tern::image_shape& shape,
                                  const tern::network_options& options = {}) {
    auto net = tern::network::create(model, shape, options);
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    return std::move(*net);
}

/// Memory for runs of up to `n` images, which holds rubbish.
class network_memory {
public:
    network_memory(const tern::network& net, std::size_t n, std::size_t slices = 1)
        : bytes_(net.workspace_bytes(n, slices)) {}
    operator tern::workspace() { return {bytes_.data(), bytes_.size()}; }
    bool guards_intact() const { return bytes_.guards_intact(); }

private:
    guarded_array<unsigned char> bytes_;
};

template <class T>
run_record run(const tern::network& net, const tern::tensor_view<const T>& images, const tern::executor& threads = {}) {
    run_record record;
    record.logits.resize(images.n * net.classes());
    network_memory memory(net, images.n, threads.slice_count());
    const tern::status done = net.run(images, record.logits.data(), memory, threads, record.observer());
    REQUIRE_MESSAGE(done.ok(), std::string(done.message()));
    CHECK(memory.guards_intact());
    return record;
}

}  // namespace tern_test
