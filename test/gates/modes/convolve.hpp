// One small convolution, computed by source files in different modes of the library.
#pragma once

#include <cstddef>
#include <cstdint>

struct convolution {
    static constexpr std::size_t height = 5, width = 6, channels = 70, outputs = 9;
    char kernel[80] = {};
    std::int32_t accumulators[height * width * outputs] = {};
    char error[512] = {};
};

convolution convolve_rt();
convolution convolve_static();
convolution convolve_avx2();

// Whether this CPU can run convolve_avx2().
bool can_run_avx2();
