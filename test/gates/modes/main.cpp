// usage: test_modes [LEVEL/]   LEVEL: what the run-time mode must choose on this CPU
#include <cstdio>
#include <cstring>

#include "convolve.hpp"

namespace {

int failures = 0;

void expect(bool ok, const char* what, const char* mode, const convolution& r) {
    if (ok)
        return;
    std::printf("%s mode: %s (kernel '%s', error '%s')\n", mode, what, r.kernel, r.error);
    ++failures;
}

void compare(const convolution& r, const char* mode, const convolution& expected) {
    std::printf("%-8s %s\n", mode, r.kernel);
    expect(r.error[0] == '\0', "convolution failed", mode, r);
    expect(std::memcmp(r.accumulators, expected.accumulators, sizeof r.accumulators) == 0, "accumulators differ", mode,
           r);
}

bool starts_with(const char* text, const char* start) { return std::strncmp(text, start, std::strlen(start)) == 0; }

}  // namespace

int main(int argc, char** argv) {
    const convolution chosen = convolve_rt();
    compare(chosen, "run-time", chosen);
    bool any = false;
    for (const auto v : chosen.accumulators)
        any = any || v != 0;
    expect(any, "all accumulators are 0", "run-time", chosen);
    if (argc > 1)
        expect(starts_with(chosen.kernel, argv[1]), argv[1], "run-time mode must choose the level; run-time", chosen);

    compare(convolve_static(), "static", chosen);
#ifdef TERN_TEST_AVX2
    if (can_run_avx2()) {
        const convolution avx2 = convolve_avx2();
        compare(avx2, "avx2", chosen);
        expect(starts_with(avx2.kernel, "avx2/"), "a file compiled for AVX2 uses another level", "avx2", avx2);
    }
#endif
    return failures == 0 ? 0 : 1;
}
