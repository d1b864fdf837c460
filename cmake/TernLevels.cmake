# The instruction-set levels (docs/architecture.md): the one list of names, flags and architectures. A new level is a
# line here.

# Levels that the headers implement, in the order of `tern::isa`.
set(TERN_LEVELS scalar sse42 avx2 avx2_vnni avx512 avx512_vnni avx512_icl neon neon_dot neon_i8mm)

# Flags of a level for compilers with GCC's driver. Each starts at the architecture's baseline, so that a project's own
# -march=native does not reach kernels that must run elsewhere.
set(TERN_LEVEL_FLAGS_scalar)
set(TERN_LEVEL_FLAGS_sse42 -mssse3 -msse4.2 -mpopcnt)
set(TERN_LEVEL_FLAGS_avx2 -mavx2 -mfma -mbmi -mbmi2 -mf16c -mpopcnt -mlzcnt)
set(TERN_LEVEL_FLAGS_avx2_vnni ${TERN_LEVEL_FLAGS_avx2} -mavxvnni)
set(TERN_LEVEL_FLAGS_avx512 ${TERN_LEVEL_FLAGS_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd)
set(TERN_LEVEL_FLAGS_avx512_vnni ${TERN_LEVEL_FLAGS_avx512} -mavx512vnni)
# -mavx512ifma: every CPU with VBMI has it, and xsimd from version 9 on insists.
set(TERN_LEVEL_FLAGS_avx512_icl ${TERN_LEVEL_FLAGS_avx512_vnni} -mavx512ifma -mavx512vbmi -mavx512vbmi2 -mavx512bitalg
    -mavx512vpopcntdq -mgfni)
set(TERN_LEVEL_FLAGS_neon)
set(TERN_LEVEL_FLAGS_neon_dot -march=armv8.2-a+dotprod)
set(TERN_LEVEL_FLAGS_neon_i8mm -march=armv8.2-a+dotprod+i8mm)

# The architectures with levels: their baseline's flag, and the architecture of each level.
set(TERN_LEVEL_BASELINE___x86_64__ -march=x86-64)
set(TERN_LEVEL_BASELINE___aarch64__ -march=armv8-a)
foreach(level IN ITEMS sse42 avx2 avx2_vnni avx512 avx512_vnni avx512_icl)
  set(TERN_LEVEL_MACRO_${level} __x86_64__)
endforeach()
foreach(level IN ITEMS neon neon_dot neon_i8mm)
  set(TERN_LEVEL_MACRO_${level} __aarch64__)
endforeach()
