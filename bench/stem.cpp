// Benchmarks of tern::real_conv2d: the first layer of a network, fp32.
#include <tern/op/real_conv2d.hpp>

#include "arrays.hpp"
#include "cases.hpp"
#include "oracle.hpp"
#include "runner.hpp"
#include "thread_pool.hpp"

namespace bench {
namespace {

class stem_case final : public experiment {
public:
    stem_case(const setup& s, const layer& l, const tern::kernel_table& level)
        : layer_(l), pool_(s.flags.threads), threads_(pool_.executor()), in_(numbers<float>(l.in_size(), -7, 7, 1)),
          weights_(numbers<float>(l.weights(), -7, 7, 2)), bias_(numbers<float>(l.cout, -7, 7, 3)),
          out_(zeros<float>(l.out_size())) {
        tern::plan_options options;
        options.level = level.level;
        const auto chain = tern::chain(tern::stage::bias(bias_.data()), tern::stage::store());
        plan_ = take(tern::real_conv2d::create(weights_.data(), {l.cout, l.cin, l.kh, l.kw},
                                               tern::conv_geometry::square(l.stride, l.pad), chain, options));
        const tern::image_shape in{l.batch, l.h, l.w};
        args_.input = tern::nhwc<const float>(in_.data(), l.batch, l.h, l.w, l.cin);
        args_.out = tern::nhwc(out_.data(), l.batch, l.out_h(), l.out_w(), l.cout);
        const std::size_t needed = plan_.workspace_bytes(in, threads_.slices);
        scratch_memory_ = zeros<unsigned char>(needed);
        scratch_ = {scratch_memory_.data(), needed};
        label = plan_.kernel_name(in);
        items = l.macs();
        weights_bytes = static_cast<double>(plan_.panel_bytes());
    }

    void run() override { check(plan_.run(args_, scratch_, threads_)); }

    void verify() override {
        compare(
            layer_, "output",
            [&](const position& p) {
                return static_cast<double>(product_at(layer_, in_.data(), weights_.data(), p)) +
                       static_cast<double>(bias_[p.channel]);
            },
            [&](const position& p) { return out_[index_of(layer_, p)]; });
    }

private:
    layer layer_;
    thread_pool pool_;
    tern::executor threads_;
    tern::buffer<float> in_, weights_, bias_, out_;
    tern::buffer<unsigned char> scratch_memory_;
    tern::real_conv2d plan_;
    tern::real_conv2d_args args_;
    tern::workspace scratch_;
};

}  // namespace

void add_stem(const setup& s, const layer& l) {
    for (const tern::kernel_table* level : s.levels)
        add_case(case_name(l, std::string("tern.") + level->level + "." + level->real.name + ".wf32af32", "f32",
                           s.flags.threads),
                 s.flags.threads, [=, &s] { return std::make_unique<stem_case>(s, l, *level); });
}

}  // namespace bench
