// tern-bench --choices: which kernels plans choose, beside the best of all.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "candidates.hpp"

namespace bench {
namespace {

struct tally {
    std::size_t layers = 0, good = 0, bad = 0, measured_good = 0;
    double worst = 0.0, worst_measured = 0.0;
};

void print_layer(const layer& l, const tern::kernel_table& level, tern::core_kind core, tally& t) {
    const code_pair codes{tern::code_id::ternary, tern::code_id::ternary};
    const candidate_layer problem(l, codes, level, core);
    std::vector<candidate> all = problem.list(5.0);
    const std::string modelled = all.front().kernel.name, measured = problem.measured_choice();
    problem.measure(all, 0.02);
    const auto cycles = [&](const std::string& name) {
        for (const candidate& c : all)
            if (name == c.kernel.name)
                return c.cycles;
        return 0.0;
    };
    const candidate& best =
        *std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.cycles < b.cycles; });
    const double loss = cycles(modelled) / best.cycles, measured_loss = cycles(measured) / best.cycles;
    t.layers += 1;
    t.good += loss <= 1.08 ? 1 : 0;
    t.bad += loss > 1.25 ? 1 : 0;
    t.measured_good += measured_loss <= 1.03 ? 1 : 0;
    t.worst = std::max(t.worst, loss);
    t.worst_measured = std::max(t.worst_measured, measured_loss);
    std::printf("| %s%s | %s %.2f | %s %.2f | %s | %.0f | %.2f |\n", l.name().c_str(),
                l.batch != 1 ? (" b" + std::to_string(l.batch)).c_str() : "", modelled.c_str(), loss, measured.c_str(),
                measured_loss, best.kernel.name, l.macs() / best.cycles, all.front().kernel.cycles / cycles(modelled));
    std::fflush(stdout);
}

}  // namespace

int print_choices(const options& o) {
    const tern::core_kind core = take_core();
    const auto levels = levels_to_run(o);
    const tern::kernel_table& level = *levels.front();
    std::printf(
        "Level %s, core %s, ternary x ternary, fp32 output, one thread. Beside a choice: its time over the best's.\n\n"
        "| layer | modelled | measured | best | MAC/cycle | predicted/measured cycles |\n|---|---|---|---|---|---|\n",
        level.level, tern::core_name(core));
    tally t;
    for (const layer& l : o.shapes.empty() ? common_layers() : read_shapes(o.shapes))
        print_layer(l, level, core, t);
    const auto share = [&](std::size_t n) { return 100.0 * static_cast<double>(n) / static_cast<double>(t.layers); };
    std::printf(
        "\nOf %zu layers the modelled choice is within 8 %% of the best on %.1f %%, beyond 25 %% on %zu (worst %.2f); "
        "the measured "
        "one within 3 %% on %.1f %% (worst %.2f).\n",
        t.layers, share(t.good), t.bad, t.worst, share(t.measured_good), t.worst_measured);
    return static_cast<int>(t.bad);
}

}  // namespace bench
