// tern-bench --choices: which kernels plans choose, beside the best of all.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "candidates.hpp"

namespace bench {
namespace {

layer rows(std::size_t m, std::size_t n, std::size_t k) {
    layer l;
    l.kind = layer_kind::gemm;
    l.w = m;
    l.cout = n;
    l.cin = k;
    return l;
}
layer grouped(layer l, std::size_t groups) {
    l.groups = groups;
    return l;
}
layer batch(layer l, std::size_t n) {
    l.batch = n;
    return l;
}
layer image(std::size_t h, std::size_t w, std::size_t cin, std::size_t cout, std::size_t kernel) {
    layer l = conv(h, cin, cout, kernel, 1);
    l.w = w;
    return l;
}

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

std::vector<layer> common_layers() {
    std::vector<layer> once{
        // ResNet-18, -34, -50; -20 for small images
        conv(56, 64, 64, 3, 1),
        conv(56, 64, 128, 3, 2),
        conv(28, 128, 128, 3, 1),
        conv(28, 128, 256, 3, 2),
        conv(14, 256, 256, 3, 1),
        conv(14, 256, 512, 3, 2),
        conv(7, 512, 512, 3, 1),
        conv(56, 64, 128, 1, 2),
        conv(28, 128, 256, 1, 2),
        conv(14, 256, 512, 1, 2),
        conv(56, 64, 64, 1, 1),
        conv(56, 64, 256, 1, 1),
        conv(56, 256, 64, 1, 1),
        conv(28, 512, 128, 1, 1),
        conv(28, 128, 512, 1, 1),
        conv(28, 256, 256, 1, 1),
        conv(14, 1024, 256, 1, 1),
        conv(14, 256, 1024, 1, 1),
        conv(7, 2048, 512, 1, 1),
        conv(7, 512, 2048, 1, 1),
        conv(32, 16, 16, 3, 1),
        conv(32, 16, 32, 3, 2),
        conv(16, 32, 32, 3, 1),
        conv(16, 32, 64, 3, 2),
        conv(8, 64, 64, 3, 1),
        // VGG-7, AlexNet, LeNet-5
        conv(32, 128, 128, 3, 1),
        conv(16, 128, 256, 3, 1),
        conv(16, 256, 256, 3, 1),
        conv(8, 256, 512, 3, 1),
        conv(8, 512, 512, 3, 1),
        conv(27, 96, 256, 5, 1),
        conv(13, 256, 384, 3, 1),
        conv(13, 384, 384, 3, 1),
        conv(13, 384, 256, 3, 1),
        conv(12, 32, 64, 5, 1),
        rows(1, 4096, 9216),
        rows(1, 1024, 8192),
        rows(1, 512, 3136),
        // MobileNet: 1x1 and depthwise
        conv(112, 32, 64, 1, 1),
        conv(56, 128, 128, 1, 1),
        conv(14, 512, 512, 1, 1),
        conv(7, 1024, 1024, 1, 1),
        conv(28, 32, 192, 1, 1),
        conv(28, 192, 32, 1, 1),
        conv(14, 96, 576, 1, 1),
        grouped(conv(56, 128, 128, 3, 1), 128),
        grouped(conv(14, 512, 512, 3, 1), 512),
        grouped(conv(28, 256, 256, 3, 1), 32),
        // as in YOLO
        conv(104, 64, 128, 3, 1),
        conv(52, 128, 256, 3, 1),
        conv(26, 256, 512, 3, 1),
        conv(13, 512, 1024, 3, 1),
        conv(80, 64, 64, 3, 1),
        conv(40, 128, 128, 3, 1),
        conv(20, 256, 256, 3, 1),
        conv(13, 1024, 512, 1, 1),
        // small maps, wide images
        conv(4, 256, 256, 3, 1),
        conv(4, 64, 64, 3, 1),
        conv(2, 512, 512, 3, 1),
        conv(2, 64, 64, 3, 1),
        conv(1, 512, 512, 1, 1),
        conv(1, 64, 64, 1, 1),
        image(3136, 1, 64, 64, 3),
        image(1, 3136, 64, 64, 1),
    };
    std::vector<layer> all;
    for (const layer& l : once) {
        all.push_back(l);
        all.push_back(l.kind == layer_kind::gemm ? rows(8 * l.w, l.cout, l.cin) : batch(l, 8));
    }
    for (const std::size_t n : {std::size_t{1}, std::size_t{8}, std::size_t{32}, std::size_t{3136}})
        for (const std::size_t side : {std::size_t{1}, std::size_t{2}, std::size_t{4}}) {
            const layer l = batch(conv(side, 64, 64, side == 1 ? 1 : 3, 1), n);
            if (n == 32 || n == 3136)
                all.push_back(l);
        }
    for (const layer& l : {rows(512, 512, 512), rows(1024, 1024, 1024), rows(3136, 64, 576), rows(784, 128, 1152),
                           rows(196, 256, 2304), rows(49, 512, 4608), rows(1, 4096, 4096), rows(2, 4096, 4096),
                           rows(4, 1024, 1024), rows(16, 1024, 1024), rows(1, 256, 256), rows(1, 1000, 512),
                           rows(4096, 16, 64), rows(64, 10, 1024), batch(conv(1, 512, 512, 1, 1), 32)})
        all.push_back(l);
    return all;
}

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
