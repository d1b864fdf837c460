// The one list of instruction-set levels, as macros: headers expand it, cmake/TernLevels.cmake reads it. Flags of
// kernel sources, detection, and the level of a file in static mode follow from its lines.
//
// A level is a bundle of features, not a rung of a ladder. A new one is a line in TERN_LEVELS, a line of features and
// an #elif here, and tile shapes (kernel/tuning.hpp). A new feature is two lines here.
#pragma once

// X(level, architecture, registers): of an architecture, the later ones are preferred. `registers` is what the
// operating system must save.
#define TERN_LEVELS(X)       \
    X(scalar, any, none)     \
    X(sse42, x86, none)      \
    X(avx2, x86, ymm)        \
    X(avx2_vnni, x86, ymm)   \
    X(avx512, x86, zmm)      \
    X(avx512_vnni, x86, zmm) \
    X(avx512_icl, x86, zmm)  \
    X(neon, arm, none)       \
    X(neon_dot, arm, none)   \
    X(neon_i8mm, arm, none)

// F(feature), named as compilers name them: -m<feature> on x86, where "_" stands for a dot; +<feature> on AArch64.
// clang-format off
#define TERN_FEATURES_scalar(F)
#define TERN_FEATURES_sse42(F) F(ssse3) F(sse4_2) F(popcnt)
#define TERN_FEATURES_avx2(F) TERN_FEATURES_sse42(F) F(avx) F(avx2) F(fma) F(bmi) F(bmi2) F(f16c)
#define TERN_FEATURES_avx2_vnni(F) TERN_FEATURES_avx2(F) F(avxvnni)
#define TERN_FEATURES_avx512(F) TERN_FEATURES_avx2(F) F(avx512f) F(avx512bw) F(avx512dq) F(avx512vl) F(avx512cd)
#define TERN_FEATURES_avx512_vnni(F) TERN_FEATURES_avx512(F) F(avx512vnni)
#define TERN_FEATURES_avx512_vbmi(F) TERN_FEATURES_avx512_vnni(F) F(avx512vbmi) F(avx512vbmi2) F(gfni)
// IFMA: every CPU with VBMI has it, and xsimd from version 9 on insists.
#define TERN_FEATURES_avx512_icl(F) TERN_FEATURES_avx512_vbmi(F) F(avx512ifma) F(avx512bitalg) F(avx512vpopcntdq)
#define TERN_FEATURES_neon(F) F(simd)
#define TERN_FEATURES_neon_dot(F) TERN_FEATURES_neon(F) F(dotprod)
#define TERN_FEATURES_neon_i8mm(F) TERN_FEATURES_neon_dot(F) F(i8mm)
// clang-format on

// X(feature, leaf, register, bit): where CPUID tells of it.
#define TERN_X86_FEATURES(X)           \
    X(ssse3, one, ecx, 9)              \
    X(sse4_2, one, ecx, 20)            \
    X(popcnt, one, ecx, 23)            \
    X(fma, one, ecx, 12)               \
    X(avx, one, ecx, 28)               \
    X(f16c, one, ecx, 29)              \
    X(bmi, seven, ebx, 3)              \
    X(avx2, seven, ebx, 5)             \
    X(bmi2, seven, ebx, 8)             \
    X(avx512f, seven, ebx, 16)         \
    X(avx512dq, seven, ebx, 17)        \
    X(avx512ifma, seven, ebx, 21)      \
    X(avx512cd, seven, ebx, 28)        \
    X(avx512bw, seven, ebx, 30)        \
    X(avx512vl, seven, ebx, 31)        \
    X(avx512vbmi, seven, ecx, 1)       \
    X(avx512vbmi2, seven, ecx, 6)      \
    X(gfni, seven, ecx, 8)             \
    X(avx512vnni, seven, ecx, 11)      \
    X(avx512bitalg, seven, ecx, 12)    \
    X(avx512vpopcntdq, seven, ecx, 14) \
    X(avxvnni, seven_one, eax, 4)
// X(feature): dispatch/cpu.hpp asks each system in its way.
#define TERN_ARM_FEATURES(X) X(simd) X(dotprod) X(i8mm)

// 1 if a macro is defined as 1, else 0.
#define TERN_IS_SET(macro) TERN_IS_SET_(macro)
#define TERN_IS_SET_(value) TERN_IS_SET__(TERN_SET_##value)
#define TERN_IS_SET__(probe) TERN_SECOND_OF(probe, 0, 0)
#define TERN_SECOND_OF(first, second, ...) second
#define TERN_SET_1 , 1

// Whether this file's flags have a feature.
#define TERN_FLAG_ssse3 TERN_IS_SET(__SSSE3__)
#define TERN_FLAG_sse4_2 TERN_IS_SET(__SSE4_2__)
#define TERN_FLAG_popcnt TERN_IS_SET(__POPCNT__)
#define TERN_FLAG_avx TERN_IS_SET(__AVX__)
#define TERN_FLAG_avx2 TERN_IS_SET(__AVX2__)
#define TERN_FLAG_fma TERN_IS_SET(__FMA__)
#define TERN_FLAG_bmi TERN_IS_SET(__BMI__)
#define TERN_FLAG_bmi2 TERN_IS_SET(__BMI2__)
#define TERN_FLAG_f16c TERN_IS_SET(__F16C__)
#define TERN_FLAG_avxvnni TERN_IS_SET(__AVXVNNI__)
#define TERN_FLAG_avx512f TERN_IS_SET(__AVX512F__)
#define TERN_FLAG_avx512bw TERN_IS_SET(__AVX512BW__)
#define TERN_FLAG_avx512dq TERN_IS_SET(__AVX512DQ__)
#define TERN_FLAG_avx512vl TERN_IS_SET(__AVX512VL__)
#define TERN_FLAG_avx512cd TERN_IS_SET(__AVX512CD__)
#define TERN_FLAG_avx512vnni TERN_IS_SET(__AVX512VNNI__)
#define TERN_FLAG_avx512ifma TERN_IS_SET(__AVX512IFMA__)
#define TERN_FLAG_avx512vbmi TERN_IS_SET(__AVX512VBMI__)
#define TERN_FLAG_avx512vbmi2 TERN_IS_SET(__AVX512VBMI2__)
#define TERN_FLAG_avx512bitalg TERN_IS_SET(__AVX512BITALG__)
#define TERN_FLAG_avx512vpopcntdq TERN_IS_SET(__AVX512VPOPCNTDQ__)
#define TERN_FLAG_gfni TERN_IS_SET(__GFNI__)
#define TERN_FLAG_simd (TERN_IS_SET(__aarch64__) && TERN_IS_SET(__ARM_NEON))
#define TERN_FLAG_dotprod TERN_IS_SET(__ARM_FEATURE_DOTPROD)
#define TERN_FLAG_i8mm TERN_IS_SET(__ARM_FEATURE_MATMUL_INT8)

// Whether they have all of a level's.
#define TERN_AND_FLAG(feature) &&TERN_FLAG_##feature
#define TERN_FLAGS_HAVE(level) TERN_FLAGS_HAVE_(level)
#define TERN_FLAGS_HAVE_(level) (1 TERN_FEATURES_##level(TERN_AND_FLAG))

// The level of this source file: TERN_TARGET in a kernel source, else the best one that the flags allow.
#ifdef TERN_TARGET
#define TERN_LEVEL TERN_TARGET
#elif TERN_FLAGS_HAVE(avx512_icl)
#define TERN_LEVEL avx512_icl
#elif TERN_FLAGS_HAVE(avx512_vnni)
#define TERN_LEVEL avx512_vnni
#elif TERN_FLAGS_HAVE(avx512)
#define TERN_LEVEL avx512
#elif TERN_FLAGS_HAVE(avx2_vnni)
#define TERN_LEVEL avx2_vnni
#elif TERN_FLAGS_HAVE(avx2)
#define TERN_LEVEL avx2
#elif TERN_FLAGS_HAVE(sse42)
#define TERN_LEVEL sse42
#elif TERN_FLAGS_HAVE(neon_i8mm)
#define TERN_LEVEL neon_i8mm
#elif TERN_FLAGS_HAVE(neon_dot)
#define TERN_LEVEL neon_dot
#elif TERN_FLAGS_HAVE(neon)
#define TERN_LEVEL neon
#else
#define TERN_LEVEL scalar
#endif
