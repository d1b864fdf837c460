#define TERN_TEST_CONVOLVE convolve_static
#include "convolve_body.hpp"

#if TERN_RUNTIME
#error "tern::tern alone must leave a file in static mode"
#endif
