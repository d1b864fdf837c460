// What code.patch promises: the last code of the list multiplies others, on both sides, like plain loops.
#include "products.hpp"

int main() {
    const auto mine = static_cast<tern::code_id>(tern::code_count - 1);
    bool right = true;
    for (const tern::code_id other : {mine, tern::code_id::ternary, tern::code_id::u2, tern::code_id::s8})
        right = recipe::multiplies(mine, other) && recipe::multiplies(other, mine) && right;
    return right ? 0 : 1;
}
