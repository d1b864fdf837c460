// The int8 and fp32 peer: oneDNN's convolution and matrix product. Weights are in the layout it chooses, reordered
// ahead of the timing; activations are NHWC; scratch memory is allocated ahead.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unordered_map>

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "arrays.hpp"
#include "cases.hpp"
#include "oracle.hpp"
#include "runner.hpp"

namespace bench {
namespace {

using dnnl::memory;
using type = memory::data_type;
using tag = memory::format_tag;

memory::dim dim(std::size_t n) { return static_cast<memory::dim>(n); }

/// Requantization of an 8-bit output channel: a power of two, so that only the last rounding is inexact, that brings
/// most sums of `depth` products below 256.
float output_scale(std::size_t depth, std::size_t channel) {
    return std::ldexp(1.0f, -6 - std::ilogb(std::sqrt(static_cast<double>(depth))) - static_cast<int>(channel % 3));
}

type type_of(const float*) { return type::f32; }
type type_of(const std::int32_t*) { return type::s32; }
type type_of(const std::int8_t*) { return type::s8; }
type type_of(const std::uint8_t*) { return type::u8; }

template <class In, class Weight, class Out>
class onednn_case final : public experiment {
public:
    explicit onednn_case(const layer& l)
        // Seven bits of activations: without VNNI, oneDNN adds two products in 16 bits, and eight would saturate.
        : layer_(l), in_(numbers<In>(l.in_size(), 0, exact_float ? 7 : 127, 1)),
          weights_(numbers<Weight>(l.weights(), exact_float ? -7 : -127, exact_float ? 7 : 127, 2)),
          out_(zeros<Out>(l.out_size())) {
        dnnl::primitive_attr attr;
        attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
        if (requantizes)
            set_scales(attr);
        if (l.kind == layer_kind::gemm)
            make_matmul(attr);
        else
            make_convolution(attr);
        items = l.macs();
    }

    void run() override {
        primitive_.execute(stream_, arguments_);
        stream_.wait();
    }

    void verify() override {
        compare(
            layer_, "output",
            [&](const position& p) {
                const std::int64_t sum = product_at(layer_, in_.data(), weights_.data(), p);
                if constexpr (requantizes) {
                    const float v = std::nearbyint(static_cast<float>(sum) * output_scale(layer_.depth(), p.channel));
                    return v < 0.0f ? 0.0f : v > 255.0f ? 255.0f : v;
                } else {
                    return sum;
                }
            },
            [&](const position& p) { return out_[index_of(layer_, p)]; });
    }

private:
    static constexpr bool exact_float = std::is_same_v<In, float>;
    static constexpr bool requantizes = std::is_same_v<Out, std::uint8_t>;

    void set_scales(dnnl::primitive_attr& attr) {
        scales_ = zeros<float>(layer_.cout);
        for (std::size_t c = 0; c < layer_.cout; ++c)
            scales_[c] = output_scale(layer_.depth(), c);
#if DNNL_VERSION_MAJOR >= 3
        // Bits: the dimensions of the weights that hold the output channel.
        const int output_channels = layer_.kind == layer_kind::gemm ? 2 : layer_.groups == 1 ? 1 : 3;
        attr.set_scales_mask(DNNL_ARG_WEIGHTS, output_channels);
        arguments_[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] =
            memory({{dim(layer_.cout)}, type::f32, tag::x}, engine_, scales_.data());
#else
        attr.set_output_scales(2, {scales_.begin(), scales_.end()});  // bit 1: the channels of the output
#endif
    }

    void make_convolution(const dnnl::primitive_attr& attr) {
        using forward = dnnl::convolution_forward;
        const layer& l = layer_;
        memory::dims weight_dims{dim(l.cout / l.groups), dim(l.cin / l.groups), dim(l.kh), dim(l.kw)};
        if (l.groups != 1)
            weight_dims.insert(weight_dims.begin(), dim(l.groups));
        const memory::desc source({dim(l.batch), dim(l.cin), dim(l.h), dim(l.w)}, type_of(in_.data()), tag::nhwc);
        const memory::desc weights(weight_dims, type_of(weights_.data()), tag::any);
        const memory::desc target({dim(l.batch), dim(l.cout), dim(l.out_h()), dim(l.out_w())}, type_of(out_.data()),
                                  tag::nhwc);
        const memory::dims strides{dim(l.stride), dim(l.stride)}, pads{dim(l.pad), dim(l.pad)};
        const memory::dims gaps{dim(l.dilation - 1), dim(l.dilation - 1)};
        constexpr auto inference = dnnl::prop_kind::forward_inference;
        constexpr auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
        const forward::primitive_desc d(engine_, inference, direct, source, weights, target, strides, gaps, pads, pads,
                                        attr);
#else
        const forward::primitive_desc d({inference, direct, source, weights, target, strides, gaps, pads, pads}, attr,
                                        engine_);
#endif
        primitive_ = forward(d);
        bind(d, source, {weight_dims, type_of(weights_.data()), l.groups == 1 ? tag::oihw : tag::goihw}, target);
    }

    /// Of weights in oneDNN's layout and as they are, the faster: without AVX-512, the former loses with one row.
    void make_matmul(const dnnl::primitive_attr& attr) {
        make_matmul(attr, tag::ba);
        const double plain = best_time();
        make_matmul(attr, tag::any);
        if (best_time() < 1.1 * plain)
            return;
        make_matmul(attr, tag::ba);
        label += " plain weights";
    }

    void make_matmul(const dnnl::primitive_attr& attr, tag layout) {
        const layer& l = layer_;
        const memory::desc source({dim(l.w), dim(l.cin)}, type_of(in_.data()), tag::ab);
        const memory::desc weights({dim(l.cin), dim(l.cout)}, type_of(weights_.data()), layout);
        const memory::desc target({dim(l.w), dim(l.cout)}, type_of(out_.data()), tag::ab);
#if DNNL_VERSION_MAJOR >= 3
        const dnnl::matmul::primitive_desc d(engine_, source, weights, target, attr);
#else
        const dnnl::matmul::primitive_desc d({source, weights, target}, attr, engine_);
#endif
        primitive_ = dnnl::matmul(d);
        bind(d, source, {{dim(l.cin), dim(l.cout)}, type_of(weights_.data()), tag::ba}, target);
    }

    double best_time() {
        double best = 0.0;
        for (int i = 0; i < 5; ++i) {
            const auto begin = std::chrono::steady_clock::now();
            run();
            const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
            best = i == 0 ? seconds.count() : std::min(best, seconds.count());
        }
        return best;
    }

    template <class Description>
    void bind(const Description& d, const memory::desc& source, const memory::desc& plain, const memory::desc& target) {
        memory ours(plain, engine_, weights_.data()), theirs(d.weights_desc(), engine_);
        dnnl::reorder(ours, theirs).execute(stream_, ours, theirs);
        stream_.wait();
        arguments_[DNNL_ARG_SRC] = memory(source, engine_, in_.data());
        arguments_[DNNL_ARG_WEIGHTS] = theirs;
        arguments_[DNNL_ARG_DST] = memory(target, engine_, out_.data());
        arguments_[DNNL_ARG_SCRATCHPAD] = memory(d.scratchpad_desc(), engine_);
        label = d.impl_info_str();
        weights_bytes = static_cast<double>(d.weights_desc().get_size());
    }

    layer layer_;
    tern::buffer<In> in_;
    tern::buffer<Weight> weights_;
    tern::buffer<Out> out_;
    tern::buffer<float> scales_;
    dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream_{engine_};
    dnnl::primitive primitive_;
    std::unordered_map<int, memory> arguments_;
};

template <class In, class Weight, class Out>
void add(const setup& s, const layer& l, const char* impl, const char* out) {
    add_case(case_name(l, impl, out, s.flags.threads), s.flags.threads,
             [l] { return std::make_unique<onednn_case<In, Weight, Out>>(l); });
}

/// oneDNN's cap that is closest to one of our levels below avx512_icl.
dnnl::cpu_isa cap_of(const std::string& level) {
    using dnnl::cpu_isa;
    return level == "avx2"          ? cpu_isa::avx2
           : level == "avx2_vnni"   ? cpu_isa::avx2_vnni
           : level == "avx512"      ? cpu_isa::avx512_core
           : level == "avx512_vnni" ? cpu_isa::avx512_core_vnni
                                    : cpu_isa::sse41;
}

}  // namespace

void prepare_onednn(const options& o) {
    // OMP_NUM_THREADS has been read already, so the OpenMP library that oneDNN brought has to be told.
    if (const auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads")); set != nullptr)
        set(static_cast<int>(o.threads));
    else if (DNNL_CPU_THREADING_RUNTIME != DNNL_RUNTIME_SEQ || o.threads != 1)
        throw std::runtime_error("oneDNN: this build's number of threads cannot be set; an OpenMP build is needed");
    const bool capped = !o.isa.empty() && o.isa != "avx512_icl" && o.isa.rfind("neon", 0) != 0;
    if (capped && dnnl::set_max_cpu_isa(cap_of(o.isa)) != dnnl::status::success)
        throw std::runtime_error("oneDNN: this build does not let its instruction set be capped");
}

std::string describe_onednn() {
    const dnnl::version_t* v = dnnl::version();
    return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

std::unique_ptr<experiment> make_onednn_int8(const layer& l) {
    return std::make_unique<onednn_case<std::uint8_t, std::int8_t, std::uint8_t>>(l);
}

std::unique_ptr<experiment> make_onednn_fp32(const layer& l) {
    return std::make_unique<onednn_case<float, float, float>>(l);
}

void add_onednn(const setup& s, const layer& l) {
    add<std::uint8_t, std::int8_t, std::int32_t>(s, l, "int8_onednn", "i32");
    add<std::uint8_t, std::int8_t, std::uint8_t>(s, l, "int8_onednn", "u8");
    add<float, float, float>(s, l, "f32_onednn", "f32");
}

}  // namespace bench
