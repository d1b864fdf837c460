// Rounding of one float operation, whatever the compiler is allowed to fuse.
#pragma once

#include "config.hpp"

TERN_BEGIN_VOCABULARY

/// The value, with the compiler kept from fusing the operation that made it into the next one: epilogues and quantizers
/// round every product and every sum, so that all instruction sets agree bit for bit.
TERN_INLINE float rounded(float v) noexcept {
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
    __asm__("" : "+x"(v));
#elif (defined(__GNUC__) || defined(__clang__)) && defined(__aarch64__)
    __asm__("" : "+w"(v));
#elif (defined(__GNUC__) || defined(__clang__)) && defined(__riscv_flen)
    __asm__("" : "+f"(v));
#else
    volatile float r = v;
    v = r;
#endif
    return v;
}

/// The same for a double: constants are folded alike by every compiler.
TERN_INLINE double rounded(double v) noexcept {
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
    __asm__("" : "+x"(v));
#elif (defined(__GNUC__) || defined(__clang__)) && defined(__aarch64__)
    __asm__("" : "+w"(v));
#elif (defined(__GNUC__) || defined(__clang__)) && defined(__riscv_flen) && __riscv_flen >= 64
    __asm__("" : "+f"(v));
#else
    volatile double r = v;
    v = r;
#endif
    return v;
}

TERN_END_VOCABULARY
