// The core's clock, measured: cycles per second while a benchmark runs cannot be asked for.
#pragma once

namespace bench {

/// Clock in Hz, from a chain of dependent additions, one a cycle on any core. Takes about half a millisecond.
double measure_clock();

}  // namespace bench
