// Benchmarks of creating plans: what becomes of weights before the first run. Weights count, not products.
#include <stdexcept>
#include <string>

#include <tern/op/conv2d.hpp>

#include "arrays.hpp"
#include "cases.hpp"
#include "runner.hpp"

namespace bench {
namespace {

class create_case final : public experiment {
public:
    create_case(const layer& l, const tern::kernel_table& level, tern::kernel_family family)
        : geometry_(tern::conv_geometry::square(l.stride, l.pad)) {
        const tern::weight_shape shape{l.cout, l.cin, l.kh, l.kw};
        const auto codes = numbers<std::int8_t>(l.weights(), -1, 1, 1);
        weights_ = take(tern::pack_weights(codes.data(), shape));
        options_.kernels = &level;
        options_.family = family;
        options_.expected = {1, l.h, l.w};
        run();
        label = plan_.kernel_name({1, l.h, l.w});
        items = static_cast<double>(l.weights());
        per_cycle = "weights_per_cycle";
        weights_bytes = static_cast<double>(plan_.panel_bytes());
    }

    void run() override { plan_ = take(tern::conv2d::create(weights_, geometry_, {}, options_)); }

    // What plans compute is checked where they run.
    void verify() override {
        if (plan_.panel_bytes() == 0)
            throw std::runtime_error("a plan without weights");
    }

private:
    tern::conv_geometry geometry_;
    tern::ternary_weights weights_;
    tern::plan_options options_;
    tern::conv2d plan_;
};

}  // namespace

void add_create(const setup& s, const layer& l) {
    constexpr const char* families[] = {"automatic", "popcount", "lookup", "dot"};
    for (const tern::kernel_table* level : s.levels)
        for (const auto family : {tern::kernel_family::automatic, tern::kernel_family::popcount,
                                  tern::kernel_family::lookup, tern::kernel_family::dot}) {
            bool exists = family == tern::kernel_family::automatic;
            for (std::size_t i = 0; i < level->family_count; ++i)
                exists = exists || level->families[i].group == family;
            if (exists)
                add_case(std::string("create/tern.") + level->level + "." + families[static_cast<std::size_t>(family)] +
                             "/" + l.name(),
                         1, [=] { return std::make_unique<create_case>(l, *level, family); });
        }
}

}  // namespace bench
