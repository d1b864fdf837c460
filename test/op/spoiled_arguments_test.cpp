#include <doctest/doctest.h>

#include "../support/spoiled_arguments.hpp"
#include "spoiled_creation.hpp"
#include "spoiled_operators.hpp"
#include "spoiled_runs.hpp"
#include "spoiled_saved.hpp"

using namespace tern_test::small_plans;

TEST_CASE(
    "op: every function refuses null pointers, lying sizes, unmade plans, enumerators behind the last and misaligned "
    "memory") {
    tern_test::argument_walk walk;
    walk_weights(walk);
    walk_geometry_and_options(walk);
    walk_chains(walk);
    walk_conv2d(walk);
    walk_float_conv2d(walk);
    walk_conv2d_of_bytes(walk);
    walk_real_conv2d(walk);
    walk_image_conv2d(walk, make_image_conv2d);
    walk_image_conv2d(walk, make_image_conv2d_of_integers);
    walk_gemm(walk);
    walk_linear(walk);
    walk_pooling(walk);
    walk_quantizers(walk);
    walk_saved_conv2d(walk);
    walk_checks(walk);
    walk.check_complete(TERN_TEST_DATA "/../../include/tern/op");
}
