// Refuses options that let the compiler reassociate sums where no macro tells of them (config.hpp): Clang, once it
// optimises.
#pragma once

#include "config.hpp"
#include "rounding.hpp"

TERN_BEGIN_VOCABULARY

#define TERN_CAN_REFUSE_REASSOCIATION 0
#if defined(__clang__) && !defined(TERN_ALLOW_FAST_MATH)
#if __has_attribute(error)
#undef TERN_CAN_REFUSE_REASSOCIATION
#define TERN_CAN_REFUSE_REASSOCIATION 1
#endif
#endif

#if TERN_CAN_REFUSE_REASSOCIATION
__attribute__((
    error("tern: -funsafe-math-optimizations and its parts break bit equality; define TERN_ALLOW_FAST_MATH to "
          "accept that"))) void
refuse_reassociation() noexcept;  // Clang 14 sees no call that may throw
#endif

/// An error of the compiler if it may reassociate: then it knows what is left of (v + 3) - v.
TERN_INLINE void refuse_unsafe_math() noexcept {
#if TERN_CAN_REFUSE_REASSOCIATION
    const float v = rounded(0.0f);
    if (__builtin_constant_p((v + 3.0f) - v))
        refuse_reassociation();
#endif
}

TERN_END_VOCABULARY
