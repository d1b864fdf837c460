// Every inline function of the library: the compiler keeps them (-fkeep-inline-functions) but for those forced inline,
// which leave no symbol here (gnu_inline) as they leave none elsewhere.
#include <tern/core/config.hpp>

#undef TERN_INLINE
#define TERN_INLINE inline __attribute__((always_inline, gnu_inline))

#ifdef TERN_TEST_MODEL
#include <tern/model.hpp>
#endif
#include <tern/tern.hpp>

#ifdef TERN_TEST_LEAK
TERN_BEGIN_VOCABULARY
inline int leaked_into_every_mode(int v) { return v + 1; }
TERN_END_VOCABULARY
#endif

// Templates are there if somebody calls them; these are what users alone call.
void call_templates(float* p) {
    const tern::epilogue all = tern::chain(tern::stage::residual(), tern::stage::store(), tern::stage::ternarize());
    tern::parallel_for({}, all.count, [](std::size_t) {});
    (void)tern::nchw(p, 1, 1, 1, 1);
    (void)tern::nhwc<const float>(p, 1, 1, 1, 1).at(0, 0, 0, 0);
    (void)tern::matrix(p, 1, 1);
}
