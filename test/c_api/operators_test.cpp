// The other operators in C give what those in C++ give, bit for bit.
#include <tern/op/conv2d.hpp>
#include <tern/op/float_conv2d.hpp>
#include <tern/op/gemm.hpp>
#include <tern/op/image_conv2d.hpp>
#include <tern/op/linear.hpp>
#include <tern/op/pooling.hpp>

#include "c_support.hpp"

using namespace tern_test;

namespace {

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace

TEST_CASE("convolutions from floats to floats in C, of three types and two layouts") {
    std::mt19937 random(91);
    for (int i = 0; i < 24; ++i) {
        const c_layer layer(random);
        const std::size_t channels = layer.channels(), o = layer.shape.out_channels;
        const auto codes = codes_of(tern::code_id::ternary, layer.shape.size(), random);
        const auto g = floats_of(channels, random), h = floats_of(channels, random);
        const bool bytes = i % 3 == 2;
        tern_levels levels = init<tern_levels>();
        tern::input_quantizer input;
        if (bytes) {
            levels.code = TERN_U8;
            levels.zero_point = 90;
            input.levels = tern::quantizer_thresholds(tern::code_id::u8, 90);
        }
        input.g = g.data();
        input.h = h.data();
        tern_weights weights = layer.c_weights();
        weights.codes = codes.data();
        tern_float_conv2d_desc desc = init<tern_float_conv2d_desc>();
        desc.weights = &weights;
        desc.geometry = layer.c_geometry();
        desc.levels = bytes ? &levels : nullptr;
        desc.scale = g.data();
        desc.shift = h.data();
        tern_float_conv2d* plan = nullptr;
        REQUIRE_C(tern_float_conv2d_create(&desc, nullptr, &plan));
        const auto packed = tern::pack_code_weights(codes.data(), layer.shape, tern::code_id::ternary);
        REQUIRE(packed.ok());
        tern::plan_options options;
        options.zero_point = bytes ? 90 : 0;
        const auto cpp =
            tern::float_conv2d::create(*packed, input, layer.geometry, tern::chain(tern::stage::store()), options);
        REQUIRE_MESSAGE(cpp.ok(), std::string(cpp.message()));

        tern_conv2d_shape shape = init<tern_conv2d_shape>();
        REQUIRE_C(tern_float_conv2d_reshape(plan, layer.in.n, layer.in.h, layer.in.w, 1, &shape));
        const std::size_t count = shape.n * shape.h * shape.w * o;
        const tern::image_shape& in = layer.in;
        auto values = floats_of(in.n * in.h * in.w * channels, random);
        c_memory memory(shape.workspace_bytes);
        // f32, NCHW on the way in.
        std::vector<float> out[2] = {std::vector<float>(count), std::vector<float>(count)};
        tern_float_conv2d_args args = init<tern_float_conv2d_args>();
        args.input = tern_nchw(values.data(), TERN_F32, in.n, channels, in.h, in.w);
        args.out = tern_nhwc(out[0].data(), TERN_F32, shape.n, shape.h, shape.w, o);
        REQUIRE_C(tern_float_conv2d_run(plan, &args, memory.get(), nullptr));
        tern::float_conv2d_args a;
        a.input = tern::nchw<const float>(values.data(), in.n, channels, in.h, in.w);
        a.out = tern::nhwc(out[1].data(), shape.n, shape.h, shape.w, o);
        const tern_workspace w = memory.get();
        REQUIRE(cpp->run(a, {w.data, w.bytes}).ok());
        CHECK(same(out[0], out[1]));
        // Both halves.
        for (const tern_type type : {TERN_F16, TERN_BF16}) {
            std::vector<std::uint16_t> half_in(values.size()),
                half_out[2] = {std::vector<std::uint16_t>(count), std::vector<std::uint16_t>(count)};
            for (auto& v : half_in)  // numbers of moderate size in either type
                v = static_cast<std::uint16_t>((type == TERN_F16 ? 0x3400u : 0x3E80u) + random() % 0x0800 +
                                               (random() % 2 << 15));
            args.input = tern_nhwc(half_in.data(), type, in.n, in.h, in.w, channels);
            args.out = tern_nchw(half_out[0].data(), type, shape.n, o, shape.h, shape.w);
            REQUIRE_C(tern_float_conv2d_run(plan, &args, memory.get(), nullptr));
            const auto view = [&](auto* data, std::size_t n, std::size_t y, std::size_t x, std::size_t c, bool first) {
                tern::float_view v;
                v.data = data;
                v.type = type == TERN_F16 ? tern::float_type::f16 : tern::float_type::bf16;
                v.n = n;
                v.h = y;
                v.w = x;
                v.c = c;
                v.stride_n = tern::as_stride(y * x * c);
                v.stride_h = tern::as_stride(first ? x : x * c);
                v.stride_w = tern::as_stride(first ? 1 : c);
                v.stride_c = tern::as_stride(first ? y * x : 1);
                return v;
            };
            a.input = view(half_in.data(), in.n, in.h, in.w, channels, false);
            a.out = view(half_out[1].data(), shape.n, shape.h, shape.w, o, true);
            REQUIRE(cpp->run(a, {w.data, w.bytes}).ok());
            CHECK(same(half_out[0], half_out[1]));
        }
        tern_float_conv2d_release(plan);
    }
}

TEST_CASE("tensors of bytes in C") {
    std::mt19937 random(92);
    for (int i = 0; i < 12; ++i) {
        const c_layer layer(random);
        const std::size_t channels = layer.channels(), o = layer.shape.out_channels;
        const auto codes = codes_of(tern::code_id::s8, layer.shape.size(), random);
        const bool is_signed = i % 2 == 0;
        const int zero = static_cast<int>(random() % 256) - (is_signed ? 128 : 0);
        std::vector<float> scale(o);
        for (auto& s : scale)
            s = 0.001f * static_cast<float>(1 + random() % 9);
        tern_weights weights = layer.c_weights();
        weights.codes = codes.data();
        weights.code = TERN_S8;
        weights.scale = scale.data();
        tern_stage stage = tern_stage_requantize(TERN_S8, 3);
        stage.adds_before_rounding = i % 3 == 0 ? 1 : 0;
        tern_conv2d_desc desc = init<tern_conv2d_desc>();
        desc.weights = &weights;
        desc.geometry = layer.c_geometry();
        desc.activations = is_signed ? TERN_S8 : TERN_U8;
        desc.zero_point = zero;
        desc.stages = &stage;
        desc.stage_count = 1;
        tern_conv2d* plan = nullptr;
        REQUIRE_C(tern_conv2d_create(&desc, nullptr, &plan));
        const auto packed = tern::pack_code_weights(codes.data(), layer.shape, tern::code_id::s8, scale.data());
        REQUIRE(packed.ok());
        tern::plan_options options;
        options.zero_point = zero;
        const auto order = i % 3 == 0 ? tern::rounding::after_zero_point : tern::rounding::before_zero_point;
        const auto cpp =
            tern::conv2d::create(*packed, is_signed ? tern::code_id::s8 : tern::code_id::u8, layer.geometry,
                                 tern::chain(tern::stage::requantize(tern::code_id::s8, 3, order)), options);
        REQUIRE_MESSAGE(cpp.ok(), std::string(cpp.message()));
        tern_conv2d_shape shape = init<tern_conv2d_shape>();
        REQUIRE_C(tern_conv2d_reshape(plan, layer.in.n, layer.in.h, layer.in.w, 1, &shape));
        std::vector<std::uint8_t> in(layer.in.n * layer.in.h * layer.in.w * channels),
            out[2] = {std::vector<std::uint8_t>(shape.n * shape.h * shape.w * o),
                      std::vector<std::uint8_t>(shape.n * shape.h * shape.w * o)};
        for (auto& v : in)
            v = static_cast<std::uint8_t>(random());
        tern_conv2d_args args = init<tern_conv2d_args>();
        args.bytes =
            tern_nhwc(in.data(), is_signed ? TERN_TYPE_S8 : TERN_TYPE_U8, layer.in.n, layer.in.h, layer.in.w, channels);
        args.byte_out = tern_nhwc(out[0].data(), TERN_TYPE_S8, shape.n, shape.h, shape.w, o);
        c_memory memory(shape.workspace_bytes);
        REQUIRE_C(tern_conv2d_run(plan, &args, memory.get(), nullptr));
        tern::conv2d_args a;
        a.bytes = tern::nhwc<const std::uint8_t>(in.data(), layer.in.n, layer.in.h, layer.in.w, channels);
        a.byte_out = tern::nhwc(out[1].data(), shape.n, shape.h, shape.w, o);
        REQUIRE(cpp->run(a, {memory.get().data, memory.get().bytes}).ok());
        CHECK(same(out[0], out[1]));

        // The same from an image.
        std::vector<std::uint64_t> words(shape.input.total_bytes / 8);
        args.input = {shape.input, words.data()};
        REQUIRE_C(tern_pack_codes(&args.bytes, &args.input));
        args.bytes.data = nullptr;
        out[0].assign(out[0].size(), 77);
        REQUIRE_C(tern_conv2d_run(plan, &args, memory.get(), nullptr));
        CHECK(same(out[0], out[1]));
        tern_conv2d_release(plan);
    }
}

TEST_CASE("matrix products and linear layers in C") {
    std::mt19937 random(93);
    for (const std::size_t m : {1u, 5u, 33u}) {
        const std::size_t n = 1 + random() % 90, k = 1 + random() % 200;
        const auto codes = codes_of(tern::code_id::o2, n * k, random);
        tern_weights weights = init<tern_weights>();
        weights.out_channels = n;
        weights.in_channels = k;
        weights.code = TERN_O2;
        weights.codes = codes.data();
        const tern_stage store = tern_stage_store();
        tern_conv2d_desc desc = init<tern_conv2d_desc>();
        desc.weights = &weights;
        desc.activations = TERN_U2;
        desc.stages = &store;
        desc.stage_count = 1;
        tern_gemm* plan = nullptr;
        REQUIRE_C(tern_gemm_create(&desc, nullptr, &plan));
        tern_layout layout;
        REQUIRE_C(tern_gemm_layout(plan, m, &layout));
        std::vector<std::uint64_t> rows(layout.total_bytes / 8);
        const auto values = codes_of(tern::code_id::u2, m * k, random);
        const tern_tensor from = tern_nhwc(values.data(), TERN_TYPE_S8, 1, 1, m, k);
        tern_gemm_args args = init<tern_gemm_args>();
        args.rows = {layout, rows.data()};
        REQUIRE_C(tern_pack_codes(&from, &args.rows));
        std::vector<float> out(m * n);
        args.out = tern_nhwc(out.data(), TERN_F32, 1, 1, m, n);
        c_memory memory(tern_gemm_workspace_bytes(plan, m, 1));
        REQUIRE_C(tern_gemm_run(plan, &args, memory.get(), nullptr));
        int wrong = 0;
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < n; ++j) {
                int sum = 0;
                for (std::size_t x = 0; x < k; ++x)
                    sum += values[i * k + x] * codes[j * k + x];
                wrong += out[i * n + j] != static_cast<float>(sum);
            }
        CHECK(wrong == 0);
        tern_gemm_release(tern_gemm_retain(plan));
        tern_gemm_release(plan);
        desc.geometry.stride_h = 2;
        check_c_error(tern_gemm_create(&desc, nullptr, &plan), TERN_INVALID_ARGUMENT, "no strides");

        const auto w = floats_of(n * k, random), bias = floats_of(n, random), in = floats_of(m * k, random);
        tern_linear* linear = nullptr;
        REQUIRE_C(tern_linear_create(w.data(), n, k, bias.data(), nullptr, &linear));
        REQUIRE_C(tern_linear_run(linear, in.data(), m, out.data(), nullptr));
        const auto cpp = tern::linear::create(w.data(), n, k, bias.data());
        REQUIRE(cpp.ok());
        std::vector<float> expected(m * n);
        REQUIRE(cpp->run(in.data(), m, expected.data()).ok());
        CHECK(same(out, expected));
        tern_linear_release(linear);
    }
}

TEST_CASE("first layers on u8 images and poolings in C") {
    std::mt19937 random(94);
    const auto weights = floats_of(16 * 3 * 49, random);
    const float mean[] = {0.4f, 0.5f, 0.6f}, deviation[] = {0.2f, 0.3f, 0.25f};
    const tern_stage stages[] = {tern_stage_clamp(0, 100), tern_stage_store()};
    for (const tern_image_weights precision : {TERN_IMAGE_F32, TERN_IMAGE_8_BITS}) {
        tern_image_conv2d_desc desc = init<tern_image_conv2d_desc>();
        desc.weights = weights.data();
        desc.out_channels = 16;
        desc.in_channels = 3;
        desc.kernel_h = desc.kernel_w = 7;
        desc.geometry.stride_h = desc.geometry.stride_w = 2;
        desc.geometry.padding = {3, 3, 3, 3};
        desc.mean = mean;
        desc.deviation = deviation;
        desc.precision = precision;
        desc.stages = stages;
        desc.stage_count = 2;
        tern_image_conv2d* plan = nullptr;
        REQUIRE_C(tern_image_conv2d_create(&desc, nullptr, &plan));
        const auto cpp = tern::image_conv2d::create(weights.data(), {16, 3, 7, 7}, {mean, deviation},
                                                    tern::conv_geometry::square(2, 3),
                                                    tern::chain(tern::stage::clamp(0, 100), tern::stage::store()),
                                                    static_cast<tern::image_weights>(precision));
        REQUIRE(cpp.ok());
        std::vector<std::uint8_t> image(2 * 20 * 24 * 3);
        for (auto& v : image)
            v = static_cast<std::uint8_t>(random());
        tern_conv2d_shape shape = init<tern_conv2d_shape>();
        REQUIRE_C(tern_image_conv2d_reshape(plan, 2, 20, 24, 1, &shape));
        std::vector<float> out(2 * 10 * 12 * 16), expected(out.size());
        REQUIRE(shape.n * shape.h * shape.w * shape.c == out.size());
        tern_image_conv2d_args args = init<tern_image_conv2d_args>();
        args.input = tern_nhwc(image.data(), TERN_TYPE_U8, 2, 20, 24, 3);
        args.out = tern_nhwc(out.data(), TERN_F32, 2, 10, 12, 16);
        c_memory memory(shape.workspace_bytes);
        REQUIRE_C(tern_image_conv2d_run(plan, &args, memory.get(), nullptr));
        tern::image_conv2d_args a;
        a.input = tern::nhwc<const std::uint8_t>(image.data(), 2, 20, 24, 3);
        a.out = tern::nhwc(expected.data(), 2, 10, 12, 16);
        REQUIRE(cpp->run(a, {memory.get().data, memory.get().bytes}).ok());
        CHECK(same(out, expected));

        tern_pool_desc pool = init<tern_pool_desc>();
        pool.kernel_h = pool.kernel_w = 3;
        pool.geometry.stride_h = pool.geometry.stride_w = 2;
        pool.geometry.padding = {1, 1, 1, 1};
        tern::pool_options options;
        options.kernel_h = options.kernel_w = 3;
        options.geometry = tern::conv_geometry::square(2, 1);
        std::vector<float> c(2 * 5 * 6 * 16), other(c.size());
        const tern_tensor to = tern_nhwc(c.data(), TERN_F32, 2, 5, 6, 16);
        const auto from = tern::nhwc<const float>(out.data(), 2, 10, 12, 16);
        REQUIRE_C(tern_max_pool(&args.out, &to, &pool, nullptr));
        REQUIRE(tern::max_pool(from, tern::nhwc(other.data(), 2, 5, 6, 16), options).ok());
        CHECK(same(c, other));
        REQUIRE_C(tern_mean_pool(&args.out, &to, &pool, nullptr));
        REQUIRE(tern::mean_pool(from, tern::nhwc(other.data(), 2, 5, 6, 16), options).ok());
        CHECK(same(c, other));
        c.resize(32);
        other.resize(32);
        const tern_tensor means = tern_nhwc(c.data(), TERN_F32, 2, 1, 1, 16);
        REQUIRE_C(tern_global_mean_pool(&args.out, &means, nullptr));
        REQUIRE(tern::global_mean_pool(from, tern::nhwc(other.data(), 2, 1, 1, 16)).ok());
        CHECK(same(c, other));
        tern_image_conv2d_release(plan);
    }
    const tern_tensor none = tern_nhwc(nullptr, TERN_F32, 1, 1, 1, 1);
    check_c_error(tern_max_pool(&none, &none, nullptr, nullptr), TERN_INVALID_ARGUMENT, "in: expected a pointer");
}
