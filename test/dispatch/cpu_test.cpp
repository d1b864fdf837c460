// Detection of levels, checked against the compiler's own where there is one.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include <tern/dispatch/cpu.hpp>

using tern::isa;

TEST_CASE("levels have different names, and each has a place in the preference") {
    std::set<std::string> names;
    std::set<isa> preferred;
    for (std::size_t i = 0; i < tern::isa_count; ++i) {
        names.insert(tern::isa_name(static_cast<isa>(i)));
        preferred.insert(tern::preferred_isa(i));
    }
    CHECK(names.size() == tern::isa_count);
    CHECK(preferred.size() == tern::isa_count);
    CHECK(std::string(tern::isa_name(isa::count_)) == "?");
    CHECK(std::string(tern::isa_name(isa::scalar)) == "scalar");
    CHECK(std::string(tern::isa_name(isa::avx512_icl)) == "avx512_icl");
    CHECK(std::string(tern::isa_name(isa::neon_i8mm)) == "neon_i8mm");
    CHECK(tern::preferred_isa(tern::isa_count - 1) == isa::scalar);
}

TEST_CASE("a set of levels holds what was added") {
    tern::isa_set set;
    CHECK_FALSE(set.has(isa::scalar));
    set.add(isa::avx2);
    set.add(isa::neon);
    for (std::size_t i = 0; i < tern::isa_count; ++i) {
        const auto level = static_cast<isa>(i);
        CHECK(set.has(level) == (level == isa::avx2 || level == isa::neon));
    }
}

TEST_CASE("every CPU is scalar, and levels come with those below them") {
    const tern::isa_set set = tern::supported_levels();
    CHECK(set.has(isa::scalar));
    const auto implies = [&](isa level, isa below) { CHECK((!set.has(level) || set.has(below))); };
    implies(isa::avx2, isa::sse42);
    implies(isa::avx2_vnni, isa::avx2);
    implies(isa::avx512, isa::avx2);
    implies(isa::avx512_vnni, isa::avx512);
    implies(isa::avx512_icl, isa::avx512_vnni);
    implies(isa::neon_i8mm, isa::neon_dot);
    implies(isa::neon_dot, isa::neon);
    CHECK(set.bits == tern::supported_levels().bits);
    CHECK_FALSE((set.has(isa::sse42) && set.has(isa::neon)));
}

namespace {

/// A feature by its name, for the lists of levels and features.
struct named_feature {
    const char* name;
    bool tern::cpu_features::*member;
};
#define TERN_TEST_FEATURE(feature) {#feature, &tern::cpu_features::feature},
#define TERN_TEST_X86_FEATURE(feature, leaf, word, bit) TERN_TEST_FEATURE(feature)
const named_feature all_features[] = {TERN_X86_FEATURES(TERN_TEST_X86_FEATURE) TERN_ARM_FEATURES(TERN_TEST_FEATURE)};
#undef TERN_TEST_X86_FEATURE
#undef TERN_TEST_FEATURE

std::set<std::string> features_of(isa level) {
#define TERN_TEST_NAME(feature) #feature,
#define TERN_TEST_LEVEL(level_, architecture, registers) \
    case isa::level_: return {TERN_FEATURES_##level_(TERN_TEST_NAME)};
    switch (level) {
        TERN_LEVELS(TERN_TEST_LEVEL)
        case isa::count_: break;
    }
#undef TERN_TEST_LEVEL
#undef TERN_TEST_NAME
    return {};
}

}  // namespace

TEST_CASE("a level is there if all of its features are, each of which is detected, and its registers are saved") {
    tern::cpu_features all;
    for (const named_feature& f : all_features)
        all.*f.member = true;
    tern::saved_registers saved;
    saved.ymm = saved.zmm = true;
    for (std::size_t i = 0; i < tern::isa_count; ++i)
        CHECK(tern::levels_of(all, saved).has(static_cast<isa>(i)));
    CHECK(tern::levels_of({}, saved).bits == 1u << static_cast<unsigned>(isa::scalar));
    for (const named_feature& f : all_features) {
        CAPTURE(std::string(f.name));
        tern::cpu_features some = all;
        some.*f.member = false;
        int users = 0;
        for (std::size_t i = 0; i < tern::isa_count; ++i) {
            const bool needs = features_of(static_cast<isa>(i)).count(f.name) != 0;
            CHECK(tern::levels_of(some, saved).has(static_cast<isa>(i)) != needs);
            users += needs;
        }
        CHECK(users > 0);
    }
    saved.zmm = false;
    const tern::isa_set without_zmm = tern::levels_of(all, saved);
    CHECK(without_zmm.has(isa::avx2_vnni));
    CHECK_FALSE(without_zmm.has(isa::avx512));
    saved.ymm = false;
    CHECK_FALSE(tern::levels_of(all, saved).has(isa::avx2));
    CHECK(tern::levels_of(all, saved).has(isa::sse42));
}

#if defined(__x86_64__) && defined(__GNUC__)

TEST_CASE("the compiler's CPU detection agrees") {
    __builtin_cpu_init();
    const tern::isa_set set = tern::supported_levels();
    const bool sse42 =
        __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    const bool avx2 = sse42 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512cd");
    const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
    const bool icl = vnni && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
                     __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("avx512vpopcntdq");
    CHECK(set.has(isa::sse42) == sse42);
    CHECK(set.has(isa::avx2) == avx2);
    CHECK(set.has(isa::avx512) == avx512);
    CHECK(set.has(isa::avx512_vnni) == vnni);
    CHECK(set.has(isa::avx512_icl) == icl);
}

#endif
