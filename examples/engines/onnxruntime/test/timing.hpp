// Layers of a ResNet: ONNX Runtime's fp32 and int8 convolutions beside tern's operator and its plan.
#pragma once

#include "session.hpp"

/// Prints ratios of medians of runs that take turns, on so many threads; "overhead" is what the operator takes beyond
/// its plan, on one thread.
void print_times(const runtime& r, int threads);
