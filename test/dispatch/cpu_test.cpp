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
        preferred.insert(tern::isa_preference[i]);
    }
    CHECK(names.size() == tern::isa_count);
    CHECK(preferred.size() == tern::isa_count);
    CHECK(std::string(tern::isa_name(isa::count_)) == "?");
    CHECK(std::string(tern::isa_name(isa::scalar)) == "scalar");
    CHECK(std::string(tern::isa_name(isa::avx512_icl)) == "avx512_icl");
    CHECK(std::string(tern::isa_name(isa::neon_i8mm)) == "neon_i8mm");
    CHECK(tern::isa_preference[tern::isa_count - 1] == isa::scalar);
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
