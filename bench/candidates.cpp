#include "candidates.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>
#include <utility>

#include "arrays.hpp"
#include "clock.hpp"

namespace bench {

struct candidate_layer::state {
    layer l;
    code_pair codes;
    tern::choice_query query;
    tern::image_shape in;
    tern::code_weights weights;
    tern::packed_tensor input;
    tern::buffer<float> out, expected;

    tern::conv_geometry geometry() const {
        auto g = tern::conv_geometry::square(l.stride, l.pad);
        g.dilation_h = g.dilation_w = l.dilation;
        g.groups = l.groups;
        return g;
    }
    tern::plan_options options() const {
        tern::plan_options o;
        o.kernels = query.kernels;
        o.core = query.core;
        o.expected = in;
        return o;
    }
    tern::conv2d plan(const tern::plan_options& o) const {
        return take(tern::conv2d::create(weights, codes.activations, geometry(), tern::chain(tern::stage::store()), o));
    }
    /// The halo holds what padding is; every pixel is one of 64.
    void fill_input() {
        std::mt19937 random(7);
        const tern::code_info code = tern::get_code_info(codes.activations);
        const std::size_t pixels = in.n * in.h * in.w;
        const tern::packed_layout& p = input.layout;
        const auto at = [&](std::size_t i) {
            return p.offset(i / in.w / in.h, static_cast<std::ptrdiff_t>(i / in.w % in.h),
                            static_cast<std::ptrdiff_t>(i % in.w));
        };
        for (std::size_t i = 0; i < pixels; ++i) {
            if (i >= 64) {
                std::memcpy(input.bytes.data() + at(i), input.bytes.data() + at(i % 64), p.used_bytes());
                continue;
            }
            for (std::size_t c = 0; c < l.cin; ++c)
                tern::set_code(input.view(), i / in.w / in.h, static_cast<std::ptrdiff_t>(i / in.w % in.h),
                               static_cast<std::ptrdiff_t>(i % in.w), c,
                               code.min +
                                   code.step * static_cast<int>(random() % static_cast<unsigned>(code.levels())));
        }
    }
};

candidate_layer::candidate_layer(const layer& l, const code_pair& codes, const tern::kernel_table& level,
                                 tern::core_kind core)
    : state_(std::make_unique<state>()) {
    state& s = *state_;
    s.l = l;
    s.codes = codes;
    s.in = {l.batch, l.h, l.w};
    const tern::code_info w = tern::get_code_info(codes.weights);
    s.weights = take(tern::make_code_weights({l.cout, l.cin / l.groups, l.kh, l.kw}, codes.weights));
    std::mt19937 random(5);
    const auto levels = static_cast<unsigned>((w.max - w.weight_min) / w.step + 1);
    std::vector<std::int8_t> channel(s.weights.shape.fan_in());
    for (std::size_t o = 0; o < s.weights.shape.out_channels; ++o) {
        for (std::int8_t& v : channel)
            v = static_cast<std::int8_t>(w.weight_min + w.step * static_cast<int>(random() % levels));
        tern::set_channel_codes(s.weights, o, channel.data());
    }
    s.query = {&level,
               {s.weights.shape, s.geometry()},
               {codes.weights, codes.activations, std::max(w.max, -w.weight_min), false},
               tern::kernel_family::automatic,
               tern::lowering::automatic,
               nullptr,
               0,
               core};
    const tern::conv2d any = s.plan(s.options());
    s.input = take(tern::make_packed_tensor(codes.activations, s.in, l.cin, any.required_halo(s.in)));
    s.fill_input();
    s.out = zeros<float>(l.out_size());
}
candidate_layer::~candidate_layer() = default;

std::vector<candidate> candidate_layer::list(double factor) const {
    const state& s = *state_;
    std::vector<candidate> all;
    for (std::size_t i = 0; i < tern::candidate_limit(*s.query.kernels); ++i) {
        candidate c;
        c.kernel = tern::candidate_of(s.query, s.in, i);
        if (c.kernel.why_not != nullptr)
            continue;
        c.work = tern::count_work(s.query.layer, c.kernel.choice, *s.query.kernels, tern::facts_of(s.query.core), false,
                                  tern::code_has_zero(s.codes.activations), s.in);
        all.push_back(c);
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const candidate& a, const candidate& b) { return a.kernel.cycles < b.kernel.cycles; });
    while (!all.empty() && all.back().kernel.cycles > factor * all.front().kernel.cycles)
        all.pop_back();
    return all;
}

void candidate_layer::measure(std::vector<candidate>& candidates, double seconds) const {
    using clock = std::chrono::steady_clock;
    state& s = *state_;
    const tern::tensor_view<float> out = tern::nhwc(s.out.data(), s.l.batch, s.l.out_h(), s.l.out_w(), s.l.cout);
    struct running {
        tern::conv2d plan;
        tern::buffer<unsigned char> scratch;
        double best = 0.0;
    };
    std::vector<running> all;
    for (const candidate& c : candidates) {
        tern::plan_options o = s.options();
        o.kernel = c.kernel.name;
        running r;
        r.plan = s.plan(o);
        r.scratch = zeros<unsigned char>(r.plan.workspace_bytes(s.in));
        all.push_back(std::move(r));
    }
    tern::conv2d_args args;
    args.input = s.input.view();
    args.out = out;
    const auto run = [&](running& r) { check(r.plan.run(args, {r.scratch.data(), r.scratch.size()})); };
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::fill(s.out.begin(), s.out.end(), -1.0f);
        run(all[i]);
        if (s.expected.empty()) {
            s.expected = zeros<float>(s.out.size());
            std::copy(s.out.begin(), s.out.end(), s.expected.begin());
        } else if (!std::equal(s.out.begin(), s.out.end(), s.expected.begin())) {
            throw std::runtime_error(s.l.name() + ": " + candidates[i].kernel.name + " gives other results");
        }
    }
    const auto elapsed = [](clock::time_point from) {
        return std::chrono::duration<double>(clock::now() - from).count();
    };
    const auto begin = clock::now();
    double hz = 0.0;
    // Short turns, each with the clock measured beside it: neighbours and frequencies change meanwhile.
    for (std::size_t turn = 0; turn < 5 || elapsed(begin) < seconds * static_cast<double>(all.size()); ++turn)
        for (running& r : all) {
            run(r);  // its data return to the caches
            const auto start = clock::now();
            std::size_t runs = 0;
            do {
                run(r);
                ++runs;
            } while (elapsed(start) < 2e-4);
            const double each = elapsed(start) / static_cast<double>(runs);
            r.best = r.best == 0.0 ? each : std::min(r.best, each);
            if (turn % 4 == 0)
                hz = std::max(hz, measure_clock());
        }
    for (std::size_t i = 0; i < all.size(); ++i)
        candidates[i].cycles = all[i].best * hz;
}

std::string candidate_layer::measured_choice() const {
    const state& s = *state_;
    tern::plan_options o = s.options();
    o.choice = tern::choice_rule::measured;
    const tern::conv2d plan = s.plan(o);
    std::string text(plan.explain(s.in, nullptr, 0) + 1, '\0');
    plan.explain(s.in, text.data(), text.size());
    const std::size_t mark = text.find(", chosen"), line = text.rfind('\n', mark) + 1;
    return text.substr(line, text.find(' ', line) - line);
}

}  // namespace bench
