// Another int8 peer: XNNPACK's convolution with a scale per channel (qc8) and its fully connected layer (qs8), s8 to
// s8.
#include <cmath>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include <pthreadpool.h>
#include <xnnpack.h>

#include "arrays.hpp"
#include "cases.hpp"
#include "oracle.hpp"
#include "runner.hpp"

namespace bench {
namespace {

/// Requantization that brings most sums of `depth` products of -127 .. 127 below 128; other channels to half and a
/// quarter.
float scale_of(std::size_t depth, std::size_t channel) {
    return std::ldexp(1.0f, -6 - std::ilogb(std::sqrt(static_cast<double>(depth))) - static_cast<int>(channel % 3));
}

void check(xnn_status s, const char* what) {
    if (s != xnn_status_success)
        throw std::runtime_error(std::string("XNNPACK: ") + what + ": status " + std::to_string(static_cast<int>(s)));
}

class xnnpack_case final : public experiment {
public:
    xnnpack_case(const layer& l, std::size_t threads)
        : layer_(l), is_gemm_(l.kind == layer_kind::gemm),
          in_(numbers<std::int8_t>(l.in_size() + XNN_EXTRA_BYTES, -127, 127, 1)),
          weights_(numbers<std::int8_t>(l.weights(), -127, 127, 2)), out_(zeros<std::int8_t>(l.out_size())),
          pool_(threads > 1 ? pthreadpool_create(threads) : nullptr, &pthreadpool_destroy) {
        check(xnn_initialize(nullptr), "xnn_initialize");
        xnn_operator_t made = nullptr;
        if (is_gemm_)
            check(xnn_create_fully_connected_nc_qs8(l.cin, l.cout, l.cin, l.cout, 0, 1.0f, scale_of(l.depth(), 0),
                                                    weights_.data(), nullptr, 0, 1.0f, -128, 127, 0, &made),
                  "xnn_create_fully_connected_nc_qs8");
        else
            made = make_convolution();
        operator_.reset(made);
        if (is_gemm_)
            check(xnn_setup_fully_connected_nc_qs8(made, l.w, in_.data(), out_.data(), pool_.get()), "setup");
        else
            check(xnn_setup_convolution2d_nhwc_qc8(made, l.batch, l.h, l.w, in_.data(), out_.data(), pool_.get()),
                  "setup");
        items = l.macs();
        weights_bytes = static_cast<double>(l.weights());
        label = is_gemm_ ? "fully connected qs8" : "convolution qc8";
    }

    void run() override { check(xnn_run_operator(operator_.get(), pool_.get()), "run"); }

    void verify() override {
        compare(
            layer_, "output",
            [&](const position& p) {
                const auto sum = static_cast<float>(product_at(layer_, in_.data(), weights_.data(), p));
                const float v = std::nearbyint(sum * scale_of(layer_.depth(), is_gemm_ ? 0 : p.channel));
                return v < -128.0f ? -128.0f : v > 127.0f ? 127.0f : v;
            },
            [&](const position& p) { return out_[index_of(layer_, p)]; }, 1.0);  // its rounding is its own
    }

private:
    struct deleter {
        void operator()(xnn_operator_t o) const { xnn_delete_operator(o); }
    };

    xnn_operator_t make_convolution() const {
        const layer& l = layer_;
        const std::size_t in = l.cin / l.groups, taps = l.kh * l.kw;
        auto kernel = zeros<std::int8_t>(l.weights());  // [out][tap][in]; packed by XNNPACK at once
        for (std::size_t o = 0; o < l.cout; ++o)
            for (std::size_t i = 0; i < in; ++i)
                for (std::size_t t = 0; t < taps; ++t)
                    kernel[(o * taps + t) * in + i] = weights_[(o * in + i) * taps + t];
        auto scales = zeros<float>(l.cout);
        for (std::size_t c = 0; c < l.cout; ++c)
            scales[c] = scale_of(l.depth(), c);
        const auto u = [](std::size_t n) { return static_cast<std::uint32_t>(n); };
        xnn_operator_t made = nullptr;
        check(xnn_create_convolution2d_nhwc_qc8(u(l.pad), u(l.pad), u(l.pad), u(l.pad), u(l.kh), u(l.kw), u(l.stride),
                                                u(l.stride), u(l.dilation), u(l.dilation), u(l.groups), in,
                                                l.cout / l.groups, l.cin, l.cout, 0, 1.0f, scales.data(), kernel.data(),
                                                nullptr, 0, 1.0f, -128, 127, 0, &made),
              "xnn_create_convolution2d_nhwc_qc8");
        return made;
    }

    layer layer_;
    bool is_gemm_;
    tern::buffer<std::int8_t> in_, weights_, out_;
    std::unique_ptr<pthreadpool, decltype(&pthreadpool_destroy)> pool_;
    std::unique_ptr<xnn_operator, deleter> operator_;
};

}  // namespace

std::unique_ptr<experiment> make_xnnpack(const layer& l, std::size_t threads) {
    return std::make_unique<xnnpack_case>(l, threads);
}

void add_xnnpack(const setup& s, const layer& l) {
    const std::size_t threads = s.flags.threads;
    add_case(case_name(l, "int8_xnnpack", "s8", threads), threads, [=] { return make_xnnpack(l, threads); });
}

}  // namespace bench
