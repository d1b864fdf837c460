// tern-bench: one program with all benchmarks; options.cpp has its flags.
#include <cstdio>
#include <exception>

#include <benchmark/benchmark.h>

#if defined(TERN_BENCH_MODEL)
#include <tern/model.hpp>
#endif

#include "candidates.hpp"
#include "cases.hpp"
#include "layers.hpp"
#include "runner.hpp"

namespace {

void print_help() {
    std::fputs(bench::options_help, stdout);
    benchmark::PrintDefaultHelp();
}

#if defined(__clang__)
constexpr const char* compiler = __VERSION__;
#elif defined(__GNUC__)
constexpr const char* compiler = "GCC " __VERSION__;
#else
constexpr const char* compiler = "unknown";
#endif

void add_peers([[maybe_unused]] const bench::setup& s, [[maybe_unused]] const bench::layer& l) {
#if defined(TERN_BENCH_ONEDNN)
    bench::add_onednn(s, l);
#endif
#if defined(TERN_BENCH_XNNPACK)
    if (s.flags.isa.empty() && l.kind != bench::layer_kind::stem)
        bench::add_xnnpack(s, l);
#endif
}

int run(int argc, char** argv) {
    bench::setup setup;
    try {
        setup.flags = bench::parse_options(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "tern-bench: %s\n", e.what());
        return 2;
    }
    if (setup.flags.choices)
        return bench::print_choices(setup.flags) == 0 ? 0 : 1;
    if (setup.flags.calibrate) {
        bench::print_calibration(setup.flags);
        return 0;
    }
    benchmark::Initialize(&argc, argv, print_help);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;

#if defined(TERN_BENCH_MODEL)
    tern::tuning outcomes;
    if (!setup.flags.tune.empty()) {
        const tern::status read = outcomes.load(setup.flags.tune.c_str());
        if (!read.ok() && read.code() != tern::errc::not_found) {
            std::fprintf(stderr, "tern-bench: --tune: %s\n", read.message());
            return 2;
        }
        setup.flags.outcomes = outcomes.store();
    }
#else
    if (!setup.flags.tune.empty()) {
        std::fprintf(stderr, "tern-bench: --tune needs the library's model part, which was not built\n");
        return 2;
    }
#endif

    setup.levels = bench::levels_to_run(setup.flags);
    benchmark::AddCustomContext("isa_cap", setup.flags.isa.empty() ? "none" : setup.flags.isa);
    benchmark::AddCustomContext("tern", TERN_VERSION_STRING);
    benchmark::AddCustomContext("compiler", compiler);
#if defined(TERN_BENCH_ONEDNN)
    bench::prepare_onednn(setup.flags);
    benchmark::AddCustomContext("onednn", bench::describe_onednn());
#else
    benchmark::AddCustomContext("onednn", "not found");
#endif

    // Layer by layer, so that what is compared runs close together.
    const bool own_shapes = !setup.flags.shapes.empty();
    for (const bench::layer& l : own_shapes ? bench::read_shapes(setup.flags.shapes) : bench::standard_layers()) {
        add_peers(setup, l);
        bench::add_ternary(setup, l);
        if (own_shapes || bench::is_for_codes(l))
            bench::add_codes(setup, l);
    }
    if (!own_shapes) {
        for (const bench::layer& l : bench::standard_stems()) {
            add_peers(setup, l);
            bench::add_stem(setup, l);
        }
        for (const bench::layer& l : bench::standard_layers())
            if (bench::is_for_codes(l))
                bench::add_create(setup, l);
        bench::add_pack(setup);
#if defined(TERN_BENCH_MODEL)
        bench::add_networks(setup);
#endif
    }

    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
#if defined(TERN_BENCH_MODEL)
    if (const tern::status written =
            setup.flags.tune.empty() ? tern::status{} : outcomes.save(setup.flags.tune.c_str());
        !written.ok()) {
        std::fprintf(stderr, "tern-bench: --tune: %s\n", written.message());
        return 1;
    }
#endif
    if (bench::failed_cases() != 0)
        std::fprintf(stderr, "tern-bench: %zu cases failed\n", bench::failed_cases());
    return bench::failed_cases() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "tern-bench: %s\n", e.what());
        return 1;
    }
}
