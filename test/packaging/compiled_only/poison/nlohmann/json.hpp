#error "the compiled library needs no JSON library"
