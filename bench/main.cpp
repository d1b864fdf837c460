// tern-bench: one program with all benchmarks; options.cpp has its flags.
#include <cstdio>
#include <exception>

#include <benchmark/benchmark.h>

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
    benchmark::Initialize(&argc, argv, print_help);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;

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
