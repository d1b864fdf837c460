// Codes of weights as lists, whatever they lie in.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <tern/format/code_weights.hpp>

namespace tern_test {

/// In PyTorch's order [o][i][kh][kw].
inline std::vector<std::int8_t> codes_of(const tern::code_weights& w) {
    std::vector<std::int8_t> codes(w.shape.size());
    CHECK(tern::unpack_weights(w, codes.data()).ok());
    return codes;
}

}  // namespace tern_test
