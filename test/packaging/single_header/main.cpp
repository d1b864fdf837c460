// Two files compiled alike and one with other flags, linked together; TERN_TEST_NATIVE_ALONE: the latter alone.
#include <cstdio>

#include "convolution.hpp"

namespace {

bool passes(const char* name, const convolution& r) {
    std::printf("%-14s %-40s %ld wrong sums %s\n", name, r.kernel, r.wrong, r.error);
    return r.wrong == 0 && r.error[0] == '\0';
}

}  // namespace

int main() {
    bool ok = passes("native", native());
#ifndef TERN_TEST_NATIVE_ALONE
    ok = passes("first of two", first_of_two()) && ok;
    ok = passes("second of two", second_of_two()) && ok;
#endif
    return ok ? 0 : 1;
}
