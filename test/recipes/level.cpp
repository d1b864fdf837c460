// What level.patch promises, compiled with the flags of its level: this file's kernels are the level's, and it is found where
// all of its features are.
#include <cstdio>
#include <cstring>

#include <tern/dispatch/select.hpp>

int main() {
    const tern::kernel_table* const table = tern::built_kernels(tern::isa::avx2_gfni);
    tern::cpu_features has;
#define TERN_TEST_HAS(feature) has.feature = true;
    TERN_FEATURES_avx2_gfni(TERN_TEST_HAS)
#undef TERN_TEST_HAS
        tern::saved_registers saved;
    saved.ymm = true;
    const bool found = tern::levels_of(has, saved).has(tern::isa::avx2_gfni);
    has.gfni = false;
    const bool needs_all = !tern::levels_of(has, saved).has(tern::isa::avx2_gfni);
    std::printf("kernels %s, %s, %s\n", table != nullptr ? table->level : "none", found ? "found" : "not found",
                needs_all ? "with all features alone" : "without some");
    return table != nullptr && std::strcmp(table->level, "avx2_gfni") == 0 && found && needs_all ? 0 : 1;
}
