// Macros of the library, and the instruction-set level of the source file that includes it.
//
// A source file is in one of three modes, and each mode has an inline namespace of its own, so that code
// compiled with different flags never shares a symbol (docs/architecture.md, "One definition"):
//
//   kernel source   TERN_TARGET is a level's name     tern::v1::tu_<level>   one table of kernels, nothing else
//   run-time mode   TERN_RUNTIME is 1                  tern::v1::rt           declarations; tern::runtime defines them
//   static mode     neither                            tern::v1::n_<level>    all inline, for this file's own flags
//
// The level of a file in static mode is the best one all of whose flags are set; what is set beyond it, as AVX without
// AVX2, goes unused, and the namespace is n_<level>_and_more.
#pragma once

#include "../version.hpp"
#include "levels.hpp"

// tern.hpp and model.hpp are empty without it, so that this is the only error.
#if __cplusplus < 201703L && !(defined(_MSVC_LANG) && _MSVC_LANG >= 201703L)
#error "tern: C++17 or later is needed (-std=c++17)"
#define TERN_IS_CXX17 0
#else
#define TERN_IS_CXX17 1
#endif

#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "tern: bit planes are defined on little-endian machines only"
#endif
// Of -funsafe-math-optimizations GCC has macros; what Clang has none for, core/strict_floats.hpp refuses.
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || \
    (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#ifndef TERN_ALLOW_FAST_MATH
#error "tern: -ffast-math and its parts break NaN rules and bit equality; define TERN_ALLOW_FAST_MATH to accept that"
#endif
#endif

// Set to 1 by linking tern::runtime.
#ifndef TERN_RUNTIME
#define TERN_RUNTIME 0
#endif
// Set to 1 by the one source file that defines tern::runtime.
#ifndef TERN_RUNTIME_SOURCE
#define TERN_RUNTIME_SOURCE 0
#endif

#define TERN_CONCAT_(a, b) a##b
#define TERN_CONCAT(a, b) TERN_CONCAT_(a, b)
#define TERN_STRING_(a) #a
#define TERN_STRING(a) TERN_STRING_(a)

// What the compiler's flags allow, in the words that kernels use.
#define TERN_HAS_SSE42 TERN_FLAGS_HAVE(sse42)
#define TERN_HAS_AVX2 TERN_FLAGS_HAVE(avx2)
#define TERN_HAS_AVX2_VNNI TERN_FLAGS_HAVE(avx2_vnni)
#define TERN_HAS_AVX512 TERN_FLAGS_HAVE(avx512)
#define TERN_HAS_AVX512_VNNI TERN_FLAGS_HAVE(avx512_vnni)
#define TERN_HAS_AVX512_ICL TERN_FLAGS_HAVE(avx512_icl)
#define TERN_HAS_NEON TERN_FLAGS_HAVE(neon)
#define TERN_HAS_NEON_DOT TERN_FLAGS_HAVE(neon_dot)
#define TERN_HAS_NEON_I8MM TERN_FLAGS_HAVE(neon_i8mm)

// Flags with wider vectors than the level has; their code must not meet the level's own.
#if TERN_HAS_AVX2 && !TERN_HAS_AVX512 && defined(__AVX512F__)
#define TERN_IS_ABOVE_AVX2 1
#else
#define TERN_IS_ABOVE_AVX2 0
#endif
#if TERN_HAS_SSE42 && !TERN_HAS_AVX2 && !TERN_HAS_AVX512 && defined(__AVX__)
#define TERN_IS_ABOVE_SSE42 1
#else
#define TERN_IS_ABOVE_SSE42 0
#endif

#ifdef TERN_TARGET
#define TERN_MODE TERN_CONCAT(tu_, TERN_TARGET)
#elif TERN_RUNTIME
#define TERN_MODE rt
#elif TERN_IS_ABOVE_AVX2 || TERN_IS_ABOVE_SSE42
#define TERN_MODE TERN_CONCAT(TERN_CONCAT(n_, TERN_LEVEL), _and_more)
#else
#define TERN_MODE TERN_CONCAT(n_, TERN_LEVEL)
#endif

// Vocabulary: the same in every mode. Members are force-inlined or constexpr, so that no symbol is emitted.
#define TERN_BEGIN_VOCABULARY \
    namespace tern {          \
    inline namespace v1 {
#define TERN_END_VOCABULARY \
    }                       \
    }
// Everything that becomes code.
#define TERN_BEGIN_NAMESPACE \
    namespace tern {         \
    inline namespace v1 {    \
    inline namespace TERN_MODE {
#define TERN_END_NAMESPACE \
    }                      \
    }                      \
    }

// Functions whose definitions live in *-inl.hpp: inline in static mode, otherwise defined once by tern::runtime, which
// exports them and nothing else as a shared library.
#if TERN_RUNTIME && defined(__GNUC__) && !defined(_WIN32)
#define TERN_FUNC __attribute__((visibility("default")))
#elif TERN_RUNTIME
#define TERN_FUNC
#else
#define TERN_FUNC inline
#endif
// Whether this source file sees the definitions.
#define TERN_DEFINE_FUNCTIONS (!TERN_RUNTIME || TERN_RUNTIME_SOURCE)

#if defined(__GNUC__) || defined(__clang__)
#define TERN_INLINE inline __attribute__((always_inline))
#define TERN_NOINLINE __attribute__((noinline))
#define TERN_RESTRICT __restrict__
#define TERN_PRINTF(format_index, first_arg) __attribute__((format(printf, format_index, first_arg)))
#elif defined(_MSC_VER)
#define TERN_INLINE __forceinline
#define TERN_NOINLINE __declspec(noinline)
#define TERN_RESTRICT __restrict
#define TERN_PRINTF(format_index, first_arg)
#else
#define TERN_INLINE inline
#define TERN_NOINLINE
#define TERN_RESTRICT
#define TERN_PRINTF(format_index, first_arg)
#endif

// Fully unrolls the loop that follows: accumulators of a tile must stay in registers. Not where every access is
// instrumented, which would take minutes to compile. TERN_UNROLL_UP_TO: by a constant that the target decides.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TERN_PRAGMA(text) _Pragma(#text)
#define TERN_UNROLL_UP_TO(rounds) TERN_PRAGMA(GCC unroll rounds)
#else
#define TERN_UNROLL_UP_TO(rounds)
#endif
#define TERN_UNROLL TERN_UNROLL_UP_TO(32)
// The same where Clang would not do it by itself: the loop must have a constant number of rounds and no other way out.
#if defined(__clang__)
#define TERN_UNROLL_ALWAYS _Pragma("clang loop unroll(full)")
#else
#define TERN_UNROLL_ALWAYS TERN_UNROLL
#endif
