// An executor for programs whose threads are OpenMP's. Compile with -fopenmp or the like.
//
//     #include <tern/threads/openmp.hpp>
//     plan.run(args, scratch, tern::openmp_executor());           // scratch: workspace_bytes(in, executor.slices)
#pragma once

#ifndef _OPENMP
#error "tern/threads/openmp.hpp: compile this file with OpenMP (-fopenmp)"
#endif
#include <omp.h>

#include <cstddef>

#include "../core/config.hpp"
#include "../core/executor.hpp"

TERN_BEGIN_NAMESPACE
namespace openmp_detail {

inline void parallel_for(void*, std::size_t n, void (*task)(void* arg, std::size_t i), void* arg) {
    const auto count = static_cast<std::ptrdiff_t>(n);
    const auto threads = static_cast<int>(n);  // no more than slices, which were an int
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (std::ptrdiff_t i = 0; i < count; ++i)
        task(arg, static_cast<std::size_t>(i));
}

}  // namespace openmp_detail

/// So many slices, each a thread's; 0: as many as OpenMP has threads (OMP_NUM_THREADS). It has no state: any number of
/// threads may use it at once. Inside a parallel region OpenMP runs the slices one after the other, unless
/// nested ones are allowed; threads of such a region that want to share a run are a team (core/team.hpp).
inline executor openmp_executor(int slices = 0) {
    const int most = slices > 0 ? slices : omp_get_max_threads();
    return {nullptr, &openmp_detail::parallel_for, static_cast<std::size_t>(most)};
}

TERN_END_NAMESPACE
