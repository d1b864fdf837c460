// All codes, from the library's list, so that a new one is tested without being named.
#pragma once

#include <vector>

#include <tern/code/code.hpp>

namespace tern_test {

#define TERN_TEST_CODE(id, description) tern::code_id::id,
inline constexpr tern::code_id all_codes[] = {TERN_CODES(TERN_TEST_CODE)};
#undef TERN_TEST_CODE

/// Those that weights may have.
inline std::vector<tern::code_id> codes_of_weights() {
    std::vector<tern::code_id> codes;
    for (const tern::code_id code : all_codes)
        if (tern::code_max(code) <= 127)
            codes.push_back(code);
    return codes;
}

}  // namespace tern_test
