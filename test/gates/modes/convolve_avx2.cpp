#define TERN_TEST_CONVOLVE convolve_avx2
#include "convolve_body.hpp"
