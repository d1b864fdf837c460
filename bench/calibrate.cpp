// tern-bench --calibrate: the costs of each family on this machine's core, as rows of dispatch/cores/.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "candidates.hpp"

namespace bench {
namespace {

/// What a tile costs a pixel, and once; then as family_cost. Last, gathering, which is no family's.
enum unknown : std::size_t {
    each,
    once,
    tile,
    strip,
    run,
    convert,
    near,
    far,
    store,
    input,
    output,
    copy,
    merge,
    unknowns
};

struct equation {
    double count[unknowns];
    double cycles;
};

/// Non-negative least squares of relative errors, by coordinate descent.
std::vector<double> solve_weighted(const std::vector<equation>& equations, const std::vector<double>& weights) {
    std::vector<double> x(unknowns, 0.0), left(equations.size(), 1.0);  // what is left of each, relative
    for (int round = 0; round < 5000; ++round)
        for (std::size_t k = 0; k < unknowns; ++k) {
            double top = 0.0, bottom = 0.0;
            for (std::size_t i = 0; i < equations.size(); ++i) {
                const double a = equations[i].count[k] / equations[i].cycles;
                top += weights[i] * a * left[i];
                bottom += weights[i] * a * a;
            }
            if (bottom == 0.0)
                continue;
            const double change = std::max(top / bottom, -x[k]);
            x[k] += change;
            for (std::size_t i = 0; i < equations.size(); ++i)
                left[i] -= change * equations[i].count[k] / equations[i].cycles;
        }
    return x;
}

/// Layers that were hindered while they were measured lose their weight.
std::vector<double> solve(const std::vector<equation>& equations) {
    std::vector<double> weights(equations.size(), 1.0), x;
    for (int pass = 0; pass < 5; ++pass) {
        x = solve_weighted(equations, weights);
        for (std::size_t i = 0; i < equations.size(); ++i) {
            double sum = 0.0;
            for (std::size_t k = 0; k < unknowns; ++k)
                sum += x[k] * equations[i].count[k];
            weights[i] = 0.05 / (0.05 + std::abs(sum / equations[i].cycles - 1.0));
        }
    }
    return x;
}

struct samples {
    double most = 1.0, least = 1.0;  ///< pixels of tiles
    std::vector<equation> equations{};
};

std::vector<layer> probes() {
    std::vector<layer> all;
    for (const layer& l : common_layers())
        if (l.macs() < 3e8 && l.groups == 1)
            all.push_back(l);
    return all;
}

void add(std::map<std::string, samples>& found, const candidate& c) {
    const bool transforms = c.kernel.choice.winograd != nullptr;
    const tern::product_family& f = *c.kernel.choice.family;
    const std::string key =
        std::string(f.name) + "\", \"" + (transforms ? tern::lowering_name(c.kernel.choice.how) : f.variant);
    const tern::work_counts& w = c.work;
    samples& s = found[key];
    s.most = f.tile_pixels;
    s.least = f.shared_pixels;
    equation e{};
    e.count[each] = w.products;
    e.count[once] = w.lone;
    e.count[tile] = w.tiles;
    e.count[strip] = w.strips;
    e.count[run] = 1.0;
    e.count[convert] = w.converted;
    e.count[near] = w.near;
    e.count[far] = w.far;
    e.count[store] = w.stored;
    e.count[input] = w.inputs;
    e.count[output] = w.outputs;
    e.count[copy] = w.copied;
    e.count[merge] = w.merged;
    e.cycles = c.cycles - tern::row_cycles_of(w);
    s.equations.push_back(e);
}

void print_row(const char* core, const char* level, const std::string& key, const samples& s) {
    const std::vector<double> x = solve(s.equations);
    double error = 0.0;
    for (const equation& e : s.equations) {
        double sum = 0.0;
        for (std::size_t k = 0; k < unknowns; ++k)
            sum += x[k] * e.count[k];
        error += std::abs(sum / e.cycles - 1.0) / static_cast<double>(s.equations.size());
    }
    const double rate = 1.0 / (x[each] + x[once] / s.most), lone = 1.0 / (x[each] + x[once] / s.least);
    std::printf(
        "    {core_kind::%s, \"%s\", \"%s\", {%.0f, %.0f, %.0f, %.0f, %.0f, %.0f, %.1ff, %.1ff, %.1ff, %.1ff, "
        "%.1ff}, measured},  // %zu layers, error %.0f %%; gathering %.1f, %.1f\n",
        core, level, key.c_str(), rate, lone, x[tile], x[strip], x[run], x[convert], x[near], x[far], x[store],
        x[input], x[output], s.equations.size(), 100.0 * error, x[copy], x[merge]);
    std::fflush(stdout);
}

}  // namespace

void print_calibration(const options& o) {
    const char* const core = tern::core_name(take_core());
    const code_pair pairs[] = {{tern::code_id::ternary, tern::code_id::ternary},
                               {tern::code_id::binary, tern::code_id::binary},
                               {tern::code_id::binary, tern::code_id::ternary},
                               {tern::code_id::ternary, tern::code_id::binary}};
    const tern::kernel_table& level = *levels_to_run(o).front();
    std::map<std::string, samples> found;
    for (const code_pair& codes : pairs) {
        std::map<std::string, samples> more;
        for (const layer& l : probes()) {
            const candidate_layer problem(l, codes, level, take_core());
            std::vector<candidate> all = problem.list(1e9);
            all.erase(std::remove_if(all.begin(), all.end(),
                                     [&](const candidate& c) { return l.macs() / c.kernel.cycles < 4.0; }),
                      all.end());
            problem.measure(all, 0.006);
            for (const candidate& c : all)
                add(more, c);
        }
        found.insert(more.begin(), more.end());  // of the first pair that a family multiplies
    }
    for (const auto& [key, s] : found)
        print_row(core, level.level, key, s);
}

}  // namespace bench
