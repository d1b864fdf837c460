#define TERN_TEST_CONVOLVE convolve_rt
#include "convolve_body.hpp"

#if !TERN_RUNTIME
#error "linking to tern::runtime must select the run-time mode"
#endif

bool can_run_avx2() {
    const tern::cpu_levels report = tern::cpu_report();
    return report.levels[static_cast<std::size_t>(tern::isa::avx2)].supported;
}
