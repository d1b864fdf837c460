// The dispatched tables and the reference ones: for tests whose expected values are computed in the test itself.
#pragma once

#include <tern/kernel/reference.hpp>

#include "tables.hpp"

namespace tern_test {

template <class Body>
void for_each_table_and_reference(Body body) {
    for_each_table(body);
    body(tern::reference_table(false));
    body(tern::reference_table(true));
}

}  // namespace tern_test
