// What family.patch promises: the new kernels are on the list, are chosen by their name and multiply like plain loops.
#include "products.hpp"

int main() {
    bool right = true;
    for (const char* kernel : {"dot_paired/implicit", "dot_paired/im2col"}) {
        tern::plan_options options;
        options.kernel = kernel;
        for (const tern::code_id weights : {tern::code_id::ternary, tern::code_id::s8})
            for (const tern::code_id activations : {tern::code_id::ternary, tern::code_id::u4, tern::code_id::s8})
                right = recipe::multiplies(weights, activations, options) && right;
    }
    return right ? 0 : 1;
}
