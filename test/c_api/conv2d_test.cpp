// Convolutions in C give what those in C++ give, bit for bit.
#include <tern/op/conv2d.hpp>
#include <tern/op/quantize_image.hpp>
#include <tern/quantize/activation.hpp>
#include <tern/quantize/stqn.hpp>
#include <tern/quantize/sttn.hpp>
#include <tern/quantize/twn.hpp>
#include <tern/quantize/uniform.hpp>

#include "../support/codes.hpp"
#include "c_support.hpp"

using namespace tern_test;

namespace {

/// Runs a plan of either language on the same packed input; both results.
struct both_plans {
    tern::packed_tensor input{};
    tern::image_shape out{};
    std::vector<float> in_c, in_cpp;

    both_plans(const tern_conv2d* c, const tern::conv2d& cpp, const tern::image_shape& in, std::mt19937& random) {
        tern_conv2d_shape shape = init<tern_conv2d_shape>();
        REQUIRE_C(tern_conv2d_reshape(c, in.n, in.h, in.w, 1, &shape));
        out = *cpp.output_shape(in);
        CHECK(shape.n == out.n);
        CHECK(shape.h == out.h);
        CHECK(shape.w == out.w);
        CHECK(shape.c == cpp.out_channels());
        CHECK(shape.workspace_bytes == cpp.workspace_bytes(in));
        CHECK(std::string(shape.kernel) == cpp.kernel_name(in));
        auto made = tern::make_packed_tensor(cpp.input_code(), in, cpp.in_channels(), cpp.required_halo(in));
        REQUIRE(made.ok());
        input = std::move(*made);
        CHECK(shape.input.total_bytes == input.layout.total_bytes);
        CHECK(shape.input.halo.top == input.layout.halo.top);
        CHECK(shape.input.halo.right == input.layout.halo.right);
        const tern::code_info info = tern::get_code_info(cpp.input_code());
        for (std::size_t n = 0; n < in.n; ++n)
            for (std::size_t y = 0; y < in.h; ++y)
                for (std::size_t x = 0; x < in.w; ++x)
                    for (std::size_t k = 0; k < cpp.in_channels(); ++k)
                        tern::set_code(input.view(), n, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x),
                                       k,
                                       info.min + info.step * static_cast<int>(random() %
                                                                               static_cast<unsigned>(info.levels())));
        in_c.assign(out.n * out.h * out.w * cpp.out_channels(), -1.0f);
        in_cpp.assign(in_c.size(), -2.0f);

        tern_conv2d_args args = init<tern_conv2d_args>();
        args.input.layout = shape.input;
        args.input.data = input.bytes.data();
        args.out = tern_nhwc(in_c.data(), TERN_F32, out.n, out.h, out.w, cpp.out_channels());
        c_memory memory(shape.workspace_bytes);
        REQUIRE_C(tern_conv2d_run(c, &args, memory.get(), nullptr));

        tern::conv2d_args a;
        a.input = input.view();
        a.out = tern::nhwc(in_cpp.data(), out.n, out.h, out.w, cpp.out_channels());
        c_memory other(cpp.workspace_bytes(in));
        REQUIRE(cpp.run(a, {other.get().data, other.get().bytes}).ok());
        CHECK(std::memcmp(in_c.data(), in_cpp.data(), in_c.size() * sizeof(float)) == 0);
    }
};

/// The number in C.
tern_code c_code(tern::code_id code) {
    return code == tern::code_id::ternary  ? TERN_TERNARY
           : code == tern::code_id::binary ? TERN_BINARY
                                           : static_cast<tern_code>(code);
}

}  // namespace

TEST_CASE("convolutions of every pair of codes in C equal those in C++") {
    std::mt19937 random(81);
    for (const tern::code_id w : tern_test::codes_of_weights())
        for (const tern::code_id a : tern_test::all_codes) {
            const c_layer layer(random);
            const auto codes = codes_of(w, layer.shape.size(), random);
            const auto scale = floats_of(layer.shape.out_channels, random), bias = floats_of(scale.size(), random);
            tern_weights weights = layer.c_weights();
            weights.code = c_code(w);
            weights.codes = codes.data();
            weights.scale = scale.data();
            weights.bias = bias.data();
            const tern_stage stages[] = {tern_stage_clamp(-20, 30), tern_stage_store()};
            tern_conv2d_desc desc = init<tern_conv2d_desc>();
            desc.weights = &weights;
            desc.geometry = layer.c_geometry();
            desc.activations = c_code(a);
            desc.stages = stages;
            desc.stage_count = 2;
            tern_conv2d* plan = nullptr;
            REQUIRE_C(tern_conv2d_create(&desc, nullptr, &plan));
            const auto packed = tern::pack_code_weights(codes.data(), layer.shape, w, scale.data(), bias.data());
            REQUIRE(packed.ok());
            const auto cpp = tern::conv2d::create(*packed, a, layer.geometry,
                                                  tern::chain(tern::stage::clamp(-20, 30), tern::stage::store()));
            REQUIRE_MESSAGE(cpp.ok(), std::string(cpp.message()));
            both_plans(plan, *cpp, layer.in, random);

            // And through bytes.
            std::size_t size = 0;
            REQUIRE_C(tern_conv2d_save(&desc, nullptr, nullptr, &size));
            std::vector<unsigned char> bytes(size);
            REQUIRE_C(tern_conv2d_save(&desc, nullptr, bytes.data(), &size));
            tern_conv2d* loaded = nullptr;
            REQUIRE_C(tern_conv2d_load(bytes.data(), size, nullptr, &loaded));
            both_plans(loaded, *cpp, layer.in, random);
            tern_conv2d_release(loaded);
            tern_conv2d_release(plan);
            size -= 1;
            check_c_error(tern_conv2d_save(&desc, nullptr, bytes.data(), &size), TERN_INVALID_ARGUMENT,
                          "expected memory of");
            check_c_error(tern_conv2d_load(bytes.data(), size, nullptr, &loaded), TERN_BAD_FORMAT, "");
        }
}

TEST_CASE("weights of floats in C are those of the quantizers") {
    std::mt19937 random(82);
    for (int i = 0; i < 10; ++i) {
        const c_layer layer(random);
        const auto latent = floats_of(layer.shape.size(), random), second = floats_of(layer.shape.size(), random);
        std::vector<float> w1 = latent, w2 = second, merged(latent.size());
        for (std::size_t j = 0; j < w1.size(); ++j) {  // STTN knows no zeros
            w1[j] = w1[j] == 0.0f ? 1.0f : w1[j];
            w2[j] = w2[j] == 0.0f ? 1.0f : w2[j];
            merged[j] = 0.5f * static_cast<float>(static_cast<int>(random() % 3) - 1);
        }
        const auto check = [&](tern_weight_source source, const float* a, const float* b, auto expected) {
            REQUIRE_MESSAGE(expected.ok(), std::string(expected.message()));
            tern_weights weights = layer.c_weights();
            weights.source = source;
            weights.code = source == TERN_WEIGHTS_UNIFORM ? TERN_S8 : TERN_TERNARY;
            weights.values = a;
            weights.values2 = b;
            const tern_stage stages[] = {tern_stage_store()};
            tern_conv2d_desc desc = init<tern_conv2d_desc>();
            desc.weights = &weights;
            desc.geometry = layer.c_geometry();
            desc.activations = TERN_U2;
            desc.stages = stages;
            desc.stage_count = 1;
            tern_conv2d* plan = nullptr;
            REQUIRE_C(tern_conv2d_create(&desc, nullptr, &plan));
            const auto cpp =
                tern::conv2d::create(*expected, tern::code_id::u2, layer.geometry, tern::chain(tern::stage::store()));
            REQUIRE_MESSAGE(cpp.ok(), std::string(cpp.message()));
            both_plans(plan, *cpp, layer.in, random);
            tern_conv2d_release(plan);
        };
        const tern::weight_shape& shape = layer.shape;
        check(TERN_WEIGHTS_MERGED, merged.data(), nullptr, tern::quantize_merged(merged.data(), shape, "w"));
        check(TERN_WEIGHTS_STTN, w1.data(), w2.data(),
              tern::quantize_sttn_pair(w1.data(), w2.data(), shape, "a", "b", nullptr, nullptr));
        for (const auto granularity : {tern::twn_granularity::layer, tern::twn_granularity::filter}) {
            tern::twn_options options;
            options.granularity = granularity;
            auto made = tern::quantize_twn(latent.data(), shape, "w", nullptr, options);
            REQUIRE(made.ok());
            check(granularity == tern::twn_granularity::layer ? TERN_WEIGHTS_TWN : TERN_WEIGHTS_TWN_FILTER,
                  latent.data(), nullptr, tern::result<tern::code_weights>(std::move(made->weights)));
        }
        check(TERN_WEIGHTS_BINARY, w1.data(), nullptr, tern::quantize_binary(w1.data(), shape, "w"));
        auto uniform = tern::quantize_uniform(latent.data(), shape, "w");
        REQUIRE(uniform.ok());
        check(TERN_WEIGHTS_UNIFORM, latent.data(), nullptr,
              tern::result<tern::code_weights>(std::move(uniform->weights)));
    }
}

TEST_CASE("a chain in C writes what the same chain in C++ writes: floats, codes, residual, accumulators") {
    std::mt19937 random(83);
    for (int i = 0; i < 20; ++i) {
        c_layer layer(random);
        const std::size_t o = layer.shape.out_channels;
        const auto codes = codes_of(tern::code_id::ternary, layer.shape.size(), random);
        const auto gamma = floats_of(o, random), beta = floats_of(o, random), mean = floats_of(o, random),
                   slopes = floats_of(o, random);
        std::vector<float> variance(o, 1.5f);
        std::vector<double> factor(gamma.begin(), gamma.end()), shift(beta.begin(), beta.end());
        tern_weights weights = layer.c_weights();
        weights.codes = codes.data();
        tern_stage scale = tern_stage_of(TERN_STAGE_SCALE), affine = tern_stage_of(TERN_STAGE_AFFINE),
                   levels = tern_stage_of(TERN_STAGE_QUANTIZE);
        scale.a = gamma.data();
        affine.factor = factor.data();
        affine.shift = shift.data();
        levels.levels.code = TERN_U2;
        levels.levels.count = 3;
        levels.levels.at[0] = -1.0f;
        levels.levels.at[1] = 0.25f;
        levels.levels.at[2] = 2.0f;
        levels.levels.strict = 2;
        const tern_stage stages[] = {scale,
                                     tern_stage_bias(beta.data()),
                                     tern_stage_batch_norm(gamma.data(), beta.data(), mean.data(), variance.data(),
                                                           1e-3),
                                     tern_stage_residual(),
                                     tern_stage_prelu(slopes.data()),
                                     tern_stage_store(),
                                     affine,
                                     tern_stage_ternarize(),
                                     levels};
        tern_conv2d_desc desc = init<tern_conv2d_desc>();
        desc.weights = &weights;
        desc.geometry = layer.c_geometry();
        desc.stages = stages;
        desc.stage_count = std::size(stages);
        tern_conv2d* plan = nullptr;
        REQUIRE_C(tern_conv2d_create(&desc, nullptr, &plan));

        tern::quantizer_thresholds u2(tern::code_id::u2);
        u2.count = 3;
        u2.at[0] = -1.0f;
        u2.at[1] = 0.25f;
        u2.at[2] = 2.0f;
        u2.strict[1] = true;
        namespace stage = tern::stage;
        const auto packed = tern::pack_weights(codes.data(), layer.shape);
        REQUIRE(packed.ok());
        const auto cpp = tern::conv2d::create(
            *packed, layer.geometry,
            tern::chain(stage::scale(gamma.data()), stage::bias(beta.data()),
                        stage::batch_norm(gamma.data(), beta.data(), mean.data(), variance.data(), 1e-3),
                        stage::residual(), stage::prelu(slopes.data()), stage::store(),
                        stage::affine(factor.data(), shift.data()), stage::ternarize(), stage::quantize(u2)));
        REQUIRE_MESSAGE(cpp.ok(), std::string(cpp.message()));

        tern_conv2d_shape shape = init<tern_conv2d_shape>();
        REQUIRE_C(tern_conv2d_reshape(plan, layer.in.n, layer.in.h, layer.in.w, 1, &shape));
        auto input = tern::make_packed_tensor(layer.in, layer.channels(), cpp->required_halo(layer.in));
        REQUIRE(input.ok());
        const auto values = floats_of(layer.in.n * layer.in.h * layer.in.w * layer.channels(), random);
        const tern_tensor from =
            tern_nhwc(values.data(), TERN_F32, layer.in.n, layer.in.h, layer.in.w, layer.channels());
        const tern_image image = {shape.input, input->bytes.data()};
        REQUIRE_C(tern_quantize(&from, &image, nullptr, nullptr, nullptr, nullptr));

        const std::size_t count = shape.n * shape.h * shape.w * o;
        const auto residual = floats_of(count, random);
        std::vector<float> out[2] = {std::vector<float>(count), std::vector<float>(count)};
        std::vector<std::int32_t> sums[2] = {std::vector<std::int32_t>(count), std::vector<std::int32_t>(count)};
        tern_layout layouts[2];
        std::vector<std::uint64_t> bytes[2][2];
        for (int q = 0; q < 2; ++q) {
            REQUIRE_C(
                tern_make_layout(q == 0 ? TERN_TERNARY : TERN_U2, shape.n, shape.h, shape.w, o, nullptr, &layouts[q]));
            for (auto& b : bytes[q])
                b.assign(layouts[q].total_bytes / 8, ~std::uint64_t{0});
        }
        tern_conv2d_args args = init<tern_conv2d_args>();
        args.input = image;
        args.residual = tern_nhwc(residual.data(), TERN_F32, shape.n, shape.h, shape.w, o);
        args.out = tern_nhwc(out[0].data(), TERN_F32, shape.n, shape.h, shape.w, o);
        args.accumulators = tern_nhwc(sums[0].data(), TERN_I32, shape.n, shape.h, shape.w, o);
        for (int q = 0; q < 2; ++q)
            args.packed[q] = {layouts[q], bytes[q][0].data()};
        c_memory memory(shape.workspace_bytes);
        REQUIRE_C(tern_conv2d_run(plan, &args, memory.get(), nullptr));

        tern::conv2d_args a;
        a.input = input->view();
        a.residual = tern::nhwc(residual.data(), shape.n, shape.h, shape.w, o);
        a.out = tern::nhwc(out[1].data(), shape.n, shape.h, shape.w, o);
        a.accumulators = tern::nhwc(sums[1].data(), shape.n, shape.h, shape.w, o);
        for (int q = 0; q < 2; ++q) {
            a.packed[q].layout = *tern::make_packed_layout(q == 0 ? tern::code_id::ternary : tern::code_id::u2,
                                                           {shape.n, shape.h, shape.w}, o);
            a.packed[q].data = reinterpret_cast<unsigned char*>(bytes[q][1].data());
        }
        REQUIRE(cpp->run(a, {memory.get().data, memory.get().bytes}).ok());
        CHECK(std::memcmp(out[0].data(), out[1].data(), count * sizeof(float)) == 0);
        CHECK(sums[0] == sums[1]);
        for (int q = 0; q < 2; ++q)
            CHECK(bytes[q][0] == bytes[q][1]);
        tern_conv2d_release(plan);
    }
}

TEST_CASE("codes are packed and unpacked in C") {
    std::mt19937 random(84);
    const tern_border halo = {1, 2, 0, 1};
    for (const tern::code_id code : tern_test::all_codes) {
        const bool is_u8 = code == tern::code_id::u8;
        tern_layout layout;
        REQUIRE_C(tern_make_layout(c_code(code), 2, 3, 4, 70, &halo, &layout));
        std::vector<std::uint64_t> memory(layout.total_bytes / 8);
        const tern_image image = {layout, memory.data()};
        auto codes = codes_of(is_u8 ? tern::code_id::u4 : code, 2 * 3 * 4 * 70, random);
        std::vector<std::int8_t> back(codes.size());
        const tern_type type = is_u8 ? TERN_TYPE_U8 : TERN_TYPE_S8;
        const tern_tensor from = tern_nhwc(codes.data(), type, 2, 3, 4, 70),
                          to = tern_nhwc(back.data(), type, 2, 3, 4, 70);
        REQUIRE_C(tern_pack_codes(&from, &image));
        REQUIRE_C(tern_unpack_codes(&image, &to));
        CHECK(back == codes);
    }
}
