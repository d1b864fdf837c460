// Benchmarks of tern::conv2d and tern::gemm.
#include <cmath>

#include "arrays.hpp"
#include "cases.hpp"
#include "oracle.hpp"
#include "runner.hpp"
#include "thread_pool.hpp"

namespace bench {
namespace {

/// What a layer writes.
enum class output : std::uint8_t {
    i32,     ///< the accumulators
    f32,     ///< through scale and bias
    packed,  ///< ternarized; by integer thresholds
    both,    ///< scale, bias, residual, stored, ternarized
};
constexpr output outputs[] = {output::i32, output::f32, output::packed, output::both};
constexpr const char* output_names[] = {"i32", "f32", "packed", "both"};

tern::epilogue chain_of(output out) {
    switch (out) {
        case output::f32: return tern::chain(tern::stage::store());
        case output::packed: return tern::chain(tern::stage::ternarize());
        case output::both: return tern::chain(tern::stage::residual(), tern::stage::store(), tern::stage::ternarize());
        default: return {};
    }
}

tern::conv_geometry geometry_of(const layer& l) {
    auto g = tern::conv_geometry::square(l.stride, l.pad);
    g.dilation_h = g.dilation_w = l.dilation;
    g.groups = l.groups;
    return g;
}

/// Random codes and all buffers of a layer. Scales and biases are such that floats are exact.
class ternary_case : public experiment {
public:
    ternary_case(const setup& s, const layer& l, output out, const tern::kernel_table& level,
                 tern::kernel_family family)
        : layer_(l), out_(out), pool_(s.flags.threads), threads_(pool_.executor()),
          in_codes_(numbers<std::int8_t>(l.in_size(), -1, 1, 1)),
          weight_codes_(numbers<std::int8_t>(l.weights(), -1, 1, 2)) {
        options_.level = level.level;
        options_.family = family;
        if (l.kind == layer_kind::gemm)
            options_.expected_pixels = l.w;
        auto scale = zeros<float>(l.cout), bias = zeros<float>(l.cout);
        for (std::size_t c = 0; c < l.cout; ++c) {
            scale[c] = std::ldexp(c % 5 == 4 ? -1.0f : 1.0f, -4 - static_cast<int>(c % 3));
            bias[c] = static_cast<float>(c % 7) / 8.0f - 0.375f;
        }
        weights_ = take(tern::pack_weights(weight_codes_.data(), {l.cout, l.cin / l.groups, l.kh, l.kw}, scale.data(),
                                           bias.data()));
        items = l.macs();
    }

protected:
    /// Fills `args_` and the buffers behind it for an input that needs this halo.
    void allocate(const tern::border& halo, std::size_t workspace_bytes) {
        const layer& l = layer_;
        input_ = take(tern::make_packed_tensor({l.batch, l.h, l.w}, l.cin, halo));
        check(
            tern::pack_codes(tern::nhwc<const std::int8_t>(in_codes_.data(), l.batch, l.h, l.w, l.cin), input_.view()));
        args_.input = input_.view();
        if (out_ == output::i32) {
            accumulators_ = zeros<std::int32_t>(l.out_size());
            args_.accumulators = tern::nhwc(accumulators_.data(), l.batch, l.out_h(), l.out_w(), l.cout);
        }
        if (out_ == output::f32 || out_ == output::both) {
            floats_ = zeros<float>(l.out_size());
            args_.out = tern::nhwc(floats_.data(), l.batch, l.out_h(), l.out_w(), l.cout);
        }
        if (out_ == output::both) {
            residual_ = numbers<float>(l.out_size(), -2, 2, 3);
            args_.residual = tern::nhwc<const float>(residual_.data(), l.batch, l.out_h(), l.out_w(), l.cout);
        }
        if (out_ == output::packed || out_ == output::both) {
            packed_ = take(tern::make_packed_tensor({l.batch, l.out_h(), l.out_w()}, l.cout, tern::border::uniform(1)));
            args_.packed[0] = packed_.view();
        }
        scratch_memory_ = zeros<unsigned char>(workspace_bytes);
        scratch_ = {scratch_memory_.data(), workspace_bytes};
    }

    void verify() override {
        const auto product = [&](const position& p) {
            return product_at(layer_, in_codes_.data(), weight_codes_.data(), p);
        };
        const auto value = [&](const position& p) {
            const double v = static_cast<double>(weights_.scale[p.channel]) * static_cast<double>(product(p)) +
                             static_cast<double>(weights_.bias[p.channel]);
            return residual_.empty() ? v : v + static_cast<double>(residual_[index_of(layer_, p)]);
        };
        if (args_.accumulators)
            compare(layer_, "accumulator", product,
                    [&](const position& p) { return accumulators_[index_of(layer_, p)]; });
        if (args_.out)
            compare(layer_, "float output", value, [&](const position& p) { return floats_[index_of(layer_, p)]; });
        if (args_.packed[0])
            compare(
                layer_, "code",
                [&](const position& p) { return tern::ternary_thresholds{}(static_cast<float>(value(p))); },
                [&](const position& p) {
                    return tern::get_code(packed_.view(), p.n, static_cast<std::ptrdiff_t>(p.y),
                                          static_cast<std::ptrdiff_t>(p.x), p.channel);
                });
    }

    /// What a user's plan for the same level has.
    tern::plan_options free_options() const {
        tern::plan_options o;
        o.level = options_.level;
        o.expected_pixels = options_.expected_pixels;
        return o;
    }

    layer layer_;
    output out_;
    thread_pool pool_;
    tern::executor threads_;
    tern::plan_options options_;
    tern::buffer<std::int8_t> in_codes_, weight_codes_;
    tern::ternary_weights weights_;
    tern::packed_tensor input_, packed_;
    tern::buffer<std::int32_t> accumulators_;
    tern::buffer<float> floats_, residual_;
    tern::buffer<unsigned char> scratch_memory_;
    tern::conv2d_args args_;
    tern::workspace scratch_;
};

class conv_case final : public ternary_case {
public:
    conv_case(const setup& s, const layer& l, output out, const tern::kernel_table& level, tern::kernel_family family,
              tern::lowering how)
        : ternary_case(s, l, out, level, family) {
        options_.lowering = how;
        plan_ = take(tern::conv2d::create(weights_, geometry_of(l), chain_of(out), options_));
        const tern::image_shape in{l.batch, l.h, l.w};
        allocate(plan_.required_halo(in), plan_.workspace_bytes(in, threads_.slices));
        label = plan_.kernel_name(in);
        weights_bytes = static_cast<double>(plan_.panel_bytes());
        choice = take(tern::conv2d::create(weights_, geometry_of(l), chain_of(out), free_options())).kernel_name(in) ==
                 label;
    }
    void run() override { check(plan_.run(args_, scratch_, threads_)); }

private:
    tern::conv2d plan_;
};

class gemm_case final : public ternary_case {
public:
    gemm_case(const setup& s, const layer& l, output out, const tern::kernel_table& level, tern::kernel_family family)
        : ternary_case(s, l, out, level, family) {
        plan_ = take(tern::gemm::create(weights_, chain_of(out), options_));
        allocate({}, plan_.workspace_bytes(l.w, threads_.slices));
        gemm_args_.rows = args_.input;
        gemm_args_.out = args_.out;
        gemm_args_.residual = args_.residual;
        gemm_args_.packed[0] = args_.packed[0];
        gemm_args_.accumulators = args_.accumulators;
        label = plan_.kernel_name(l.w);
        weights_bytes = static_cast<double>(weights_.planes.bytes());
        choice = take(tern::gemm::create(weights_, chain_of(out), free_options())).kernel_name(l.w) == label;
    }
    void run() override { check(plan_.run(gemm_args_, scratch_, threads_)); }

private:
    tern::gemm plan_;
    tern::gemm_args gemm_args_;
};

struct family {
    const tern::kernel_table* level;
    tern::kernel_family family;
    std::string name;
};

std::vector<family> families_of(const setup& s) {
    std::vector<family> families;
    for (const tern::kernel_table* level : s.levels) {
        const auto add = [&](tern::kernel_family f, const char* name) {
            families.push_back({level, f, std::string("tern.") + level->level + "." + name});
        };
        add(tern::kernel_family::popcount, level->popcount.name);
        if (level->lookup[0].tile != nullptr || level->lookup[1].tile != nullptr)
            add(tern::kernel_family::lookup, "lookup");
        add(tern::kernel_family::dot, level->dot.name);
    }
    return families;
}

}  // namespace

void add_ternary(const setup& s, const layer& l) {
    const std::size_t threads = s.flags.threads;
    for (const family& f : families_of(s))
        for (const output out : outputs) {
            const auto name = [&](const char* variant) {
                return case_name(l, f.name, output_names[static_cast<int>(out)], threads, variant);
            };
            if (l.kind == layer_kind::gemm) {
                add_case(name(""), threads,
                         [=, &s] { return std::make_unique<gemm_case>(s, l, out, *f.level, f.family); });
                continue;
            }
            const auto add_conv = [&](const char* variant, tern::lowering how) {
                add_case(name(variant), threads,
                         [=, &s] { return std::make_unique<conv_case>(s, l, out, *f.level, f.family, how); });
            };
            add_conv("", tern::lowering::automatic);
            if (out == output::f32 && l.kh * l.kw > 1)
                add_conv("/im2col", tern::lowering::im2col);
        }
}

}  // namespace bench
