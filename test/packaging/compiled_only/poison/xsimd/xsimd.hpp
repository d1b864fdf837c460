#error "the compiled library needs no xsimd"
