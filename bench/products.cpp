// Benchmarks of tern::conv2d and tern::gemm.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <random>
#include <string>
#include <utility>

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
    u8,      ///< through scale and bias, rounded
};
constexpr const char* output_names[] = {"i32", "f32", "packed", "both", "u8"};

tern::epilogue chain_of(output out) {
    switch (out) {
        case output::f32: return tern::chain(tern::stage::store());
        case output::packed: return tern::chain(tern::stage::ternarize());
        case output::both: return tern::chain(tern::stage::residual(), tern::stage::store(), tern::stage::ternarize());
        case output::u8: return tern::chain(tern::stage::requantize(tern::code_id::u8));
        default: return {};
    }
}

/// Random values of a code, in its full range.
template <class T>
tern::buffer<T> values_of(std::size_t n, const tern::code_info& code, int least, unsigned seed) {
    auto a = zeros<T>(n);
    std::mt19937 random(seed);
    const auto count = static_cast<unsigned>((code.max - least) / code.step + 1);
    for (T& v : a)
        v = static_cast<T>(least + code.step * static_cast<int>(random() % count));
    return a;
}
/// The root of their mean square.
double magnitude_of(const tern::code_info& code) {
    double squares = 0.0;
    for (int v = code.min; v <= code.max; v += code.step)
        squares += v * v;
    return std::sqrt(squares / code.levels());
}

tern::conv_geometry geometry_of(const layer& l) {
    auto g = tern::conv_geometry::square(l.stride, l.pad);
    g.dilation_h = g.dilation_w = l.dilation;
    g.groups = l.groups;
    return g;
}

/// What multiplies what, and how.
struct product {
    code_pair codes;
    output out;
    const tern::kernel_table* level;
    tern::kernel_family family;
    tern::lowering how = tern::lowering::automatic;
};

/// Random codes and all buffers of a layer. Scales are powers of two, so that only the sum with the bias is rounded.
class product_case : public experiment {
public:
    product_case(const setup& s, const layer& l, const product& what)
        : layer_(l), codes_(what.codes), out_(what.out), pool_(s.flags.threads), threads_(pool_.executor()),
          outcomes_(s.flags.outcomes),
          in_codes_(values_of<std::int16_t>(l.in_size(), activations(), activations().min, 1)),
          weight_codes_(values_of<std::int8_t>(l.weights(), tern::get_code_info(codes_.weights),
                                               tern::get_code_info(codes_.weights).weight_min, 2)) {
        options_.level = what.level->level;
        options_.family = what.family;
        options_.expected = {l.batch, l.h, l.w};
        auto scale = zeros<float>(l.cout), bias = zeros<float>(l.cout);
        for (std::size_t c = 0; c < l.cout; ++c) {
            scale[c] = std::ldexp(c % 5 == 4 ? -1.0f : 1.0f, exponent() - static_cast<int>(c % 3));
            bias[c] = static_cast<float>(c % 7) / 8.0f + (out_ == output::u8 ? 128.0f : -0.375f);
        }
        weights_ = take(tern::pack_code_weights(weight_codes_.data(), {l.cout, l.cin / l.groups, l.kh, l.kw},
                                                codes_.weights, scale.data(), bias.data()));
        items = l.macs();
    }

protected:
    /// Fills `args_` and the buffers behind it for an input that needs this halo.
    void allocate(const tern::border& halo, std::size_t workspace_bytes) {
        const layer& l = layer_;
        input_ = take(tern::make_packed_tensor(codes_.activations, {l.batch, l.h, l.w}, l.cin, halo));
        if (activations().max > 127)
            pack_input<std::uint8_t>();
        else
            pack_input<std::int8_t>();
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
        if (out_ != output::i32 && out_ != output::f32) {
            packed_ = take(tern::make_packed_tensor(out_ == output::u8 ? tern::code_id::u8 : tern::code_id::ternary,
                                                    {l.batch, l.out_h(), l.out_w()}, l.cout, tern::border::uniform(1)));
            args_.packed[0] = packed_.view();
        }
        scratch_memory_ = zeros<unsigned char>(workspace_bytes);
        scratch_ = {scratch_memory_.data(), workspace_bytes};
    }

    void verify() override {
        const auto sum = [&](const position& p) {
            return product_at(layer_, in_codes_.data(), weight_codes_.data(), p, input_.layout.halo_code);
        };
        const auto value = [&](const position& p) {
            const float v = static_cast<float>(sum(p)) * weights_.scale[p.channel] + weights_.bias[p.channel];
            return residual_.empty() ? v : v + residual_[index_of(layer_, p)];
        };
        const auto code = [&](const position& p) {
            const float v = value(p);
            return out_ == output::u8 ? static_cast<int>(std::nearbyint(std::clamp(v, 0.0f, 255.0f)))
                                      : tern::ternary_thresholds{}(v);
        };
        if (args_.accumulators)
            compare(layer_, "accumulator", sum, [&](const position& p) { return accumulators_[index_of(layer_, p)]; });
        if (args_.out)
            compare(layer_, "float output", value, [&](const position& p) { return floats_[index_of(layer_, p)]; });
        if (args_.packed[0])
            compare(layer_, "code", code, [&](const position& p) {
                return tern::get_code(packed_.view(), p.n, static_cast<std::ptrdiff_t>(p.y),
                                      static_cast<std::ptrdiff_t>(p.x), p.channel);
            });
    }

    /// What a user's plan for the same level has.
    tern::plan_options free_options() const {
        tern::plan_options o;
        o.level = options_.level;
        o.expected = options_.expected;
        o.choice = outcomes_ ? tern::choice_rule::measured : tern::choice_rule::modelled;
        o.outcomes = outcomes_;
        return o;
    }

    layer layer_;
    code_pair codes_;
    output out_;
    thread_pool pool_;
    tern::executor threads_;
    tern::plan_options options_;
    tern::tuning_store outcomes_;
    tern::buffer<std::int16_t> in_codes_;
    tern::buffer<std::int8_t> weight_codes_;
    tern::code_weights weights_;
    tern::packed_tensor input_, packed_;
    tern::buffer<std::int32_t> accumulators_;
    tern::buffer<float> floats_, residual_;
    tern::buffer<unsigned char> scratch_memory_;
    tern::conv2d_args args_;
    tern::workspace scratch_;

private:
    tern::code_info activations() const { return tern::get_code_info(codes_.activations); }

    /// Of the largest scale: rounded outputs use most of their range, others are near the thresholds.
    int exponent() const {
        if (out_ != output::u8)
            return -4;
        const double deviation = std::sqrt(static_cast<double>(layer_.depth())) * magnitude_of(activations()) *
                                 magnitude_of(tern::get_code_info(codes_.weights));
        return static_cast<int>(std::lround(std::log2(64.0 / deviation)));
    }

    template <class T>
    void pack_input() {
        const layer& l = layer_;
        auto narrow = zeros<T>(in_codes_.size());
        std::transform(in_codes_.begin(), in_codes_.end(), narrow.begin(), [](auto v) { return static_cast<T>(v); });
        check(tern::pack_codes(tern::nhwc<const T>(narrow.data(), l.batch, l.h, l.w, l.cin), input_.view()));
    }
};

class conv_case final : public product_case {
public:
    conv_case(const setup& s, const layer& l, const product& what, tern::lowering how) : product_case(s, l, what) {
        options_.lowering = how;
        plan_ = create(options_);
        const tern::image_shape in{l.batch, l.h, l.w};
        allocate(plan_.required_halo(in), plan_.workspace_bytes(in, threads_.slices));
        label = plan_.kernel_name(in);
        weights_bytes = static_cast<double>(plan_.panel_bytes());
        choice = create(free_options()).kernel_name(in) == label;
    }
    void run() override { check(plan_.run(args_, scratch_, threads_)); }

private:
    tern::conv2d create(const tern::plan_options& o) const {
        return take(tern::conv2d::create(weights_, codes_.activations, geometry_of(layer_), chain_of(out_), o));
    }

    tern::conv2d plan_;
};

class gemm_case final : public product_case {
public:
    gemm_case(const setup& s, const layer& l, const product& what) : product_case(s, l, what) {
        plan_ = create(options_);
        allocate({}, plan_.workspace_bytes(l.w, threads_.slices));
        gemm_args_.rows = args_.input;
        gemm_args_.out = args_.out;
        gemm_args_.residual = args_.residual;
        gemm_args_.packed[0] = args_.packed[0];
        gemm_args_.accumulators = args_.accumulators;
        label = plan_.kernel_name(l.w);
        weights_bytes = static_cast<double>(plan_.panel_bytes());
        choice = create(free_options()).kernel_name(l.w) == label;
    }
    void run() override { check(plan_.run(gemm_args_, scratch_, threads_)); }

private:
    tern::gemm create(const tern::plan_options& o) const {
        return take(tern::gemm::create(weights_, codes_.activations, chain_of(out_), o));
    }

    tern::gemm plan_;
    tern::gemm_args gemm_args_;
};

/// Whether a level multiplies these codes by kernels of this family in a layer with such groups; asks for one or two
/// of them.
bool has_kernels(const tern::kernel_table& level, tern::kernel_family family, const code_pair& codes, const layer& l,
                 tern::lowering how = tern::lowering::automatic) {
    tern::conv_geometry geometry = geometry_of(l);
    geometry.groups = l.groups == 1 ? 1 : 2;
    const std::size_t outputs = l.groups == 1 ? 1 : 2 * (l.cout / l.groups);
    const auto weights = take(tern::make_code_weights({outputs, l.cin / l.groups, l.kh, l.kw}, codes.weights));
    tern::plan_options options;
    options.level = level.level;
    options.family = family;
    options.lowering = how;
    return tern::conv2d::create(weights, codes.activations, geometry, {}, options).ok();
}

/// Adds every output of a pair of codes; im2col, too, if asked for.
void add_outputs(const setup& s, const layer& l, const std::string& impl, product what,
                 std::initializer_list<output> outs, bool by_rows = false) {
    const std::size_t threads = s.flags.threads;
    for (const output out : outs) {
        what.out = out;
        const auto name = [&](const char* variant) {
            return case_name(l, impl, output_names[static_cast<int>(out)], threads, variant);
        };
        if (l.kind == layer_kind::gemm) {
            add_case(name(""), threads, [=, &s] { return std::make_unique<gemm_case>(s, l, what); });
            continue;
        }
        const auto add_conv = [&](const char* variant, tern::lowering how) {
            add_case(name(variant), threads, [=, &s] { return std::make_unique<conv_case>(s, l, what, how); });
        };
        add_conv("", what.how);
        if (by_rows && what.how == tern::lowering::automatic && out == output::f32 && l.kh * l.kw > 1)
            add_conv("/im2col", tern::lowering::im2col);
    }
}

constexpr code_pair ternary_pair{tern::code_id::ternary, tern::code_id::ternary};
constexpr code_pair int8_pair{tern::code_id::s8, tern::code_id::s8};

std::string suffix_of(const code_pair& codes, const code_pair& usual) {
    return codes == usual
               ? ""
               : std::string(".w") + tern::code_name(codes.weights) + "a" + tern::code_name(codes.activations);
}

/// Calls add(implementation, product) for every level and family that has kernels for the pair.
template <class Add>
void for_each_family(const setup& s, const layer& l, const code_pair& codes, Add&& add) {
    for (const tern::kernel_table* level : s.levels) {
        const std::pair<tern::kernel_family, const char*> families[] = {
            {tern::kernel_family::popcount, "popcount"},
            {tern::kernel_family::lookup, "lookup"},
            {tern::kernel_family::dot, "dot"},
        };
        for (const auto& [family, name] : families)
            if (has_kernels(*level, family, codes, l))
                add(std::string("tern.") + level->level + "." + name + suffix_of(codes, ternary_pair),
                    product{codes, output::f32, level, family});
        const std::pair<tern::lowering, const char*> transforms[] = {
            {tern::lowering::winograd4, "winograd4"},
            {tern::lowering::winograd2, "winograd2"},
        };
        for (const auto& [how, name] : transforms)
            if (has_kernels(*level, tern::kernel_family::dot, codes, l, how))
                add(std::string("tern.") + level->level + "." + name + suffix_of(codes, ternary_pair),
                    product{codes, output::f32, level, tern::kernel_family::dot, how});
    }
}

void add_int8(const setup& s, const layer& l, const code_pair& codes) {
    for (const tern::kernel_table* level : s.levels)
        add_outputs(s, l, std::string("int8_builtin.") + level->level + suffix_of(codes, int8_pair),
                    {codes, output::f32, level, tern::kernel_family::dot}, {output::i32, output::f32, output::u8});
}

}  // namespace

void add_ternary(const setup& s, const layer& l) {
    for_each_family(s, l, ternary_pair, [&](const std::string& impl, const product& what) {
        add_outputs(s, l, impl, what, {output::i32, output::f32, output::packed, output::both}, true);
    });
    add_int8(s, l, int8_pair);
}

void add_codes(const setup& s, const layer& l) {
    for (const code_pair& codes : s.flags.codes) {
        if (codes == ternary_pair || codes == int8_pair)
            continue;  // always there
        if (codes.weights == tern::code_id::s8) {
            add_int8(s, l, codes);
            continue;
        }
        for_each_family(s, l, codes, [&](const std::string& impl, const product& what) {
            if (tern::is_byte_code(codes.activations))
                add_outputs(s, l, impl, what, {output::f32, output::u8});
            else
                add_outputs(s, l, impl, what, {output::f32});
        });
    }
}

}  // namespace bench
