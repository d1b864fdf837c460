// Residual networks of STTN and STQN from state dicts, run by `network`, against plain loops in double.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "../model/network_support.hpp"
#include "plain_residual.hpp"
#include "run_network.hpp"

using namespace tern_test;

namespace {

/// Unsigned codes of `bits` bits, each worth `unit`, by rounding.
plain_levels unsigned_levels(int bits, double unit) {
    plain_levels q;
    for (int k = 1; k < 1 << bits; ++k)
        q.at.push_back((k - 0.5) * unit);
    return q;
}

/// Runs `model` on every table and compares the input and output of all layers, and the logits.
template <class Model>
void check_network(const plain_residual& expected, const Model& model) {
    const float_map images(expected.input);
    for_each_runner([&](const network_runner& on) {
        tern::network_options options;
        options.plan = on.options();
        const auto net = must(tern::network::create(model, images.shape(), options));
        REQUIRE(net.layers().size() == expected.units.size() + 2);
        struct observed {
            const plain_residual& expected;
            std::size_t layers = 0;
        } seen{expected};
        const tern::layer_observer observer{&seen, [](void* ctx, const tern::layer_view& view) {
                                                observed& s = *static_cast<observed*>(ctx);
                                                ++s.layers;
                                                if (view.layer == 0 || view.layer > s.expected.units.size())
                                                    return;
                                                const plain_unit& u = s.expected.units[view.layer - 1];
                                                const std::string name = "unit " + std::to_string(view.layer - 1);
                                                check_codes(name, view.input, u.codes);
                                                float_map out({view.out.n, view.out.h, view.out.w}, view.out.c);
                                                std::copy_n(view.out.data, out.v.size(), out.v.data());
                                                check_floats(name, out, u.floats);
                                            }};
        float_map logits({expected.input.n, 1, 1}, 10);
        network_memory memory(net, images.n, on.threads().slice_count());
        must(net.run(images.view(), logits.v.data(), memory, on.threads(), observer));
        CHECK(memory.guards_intact());
        CHECK(seen.layers == expected.units.size() + 2);
        check_floats("logits", logits, expected.logits);
    });
}

void check_stqn(int bits, std::size_t kernels, tern::kernel_steps steps, const char* unit, unsigned seed) {
    residual_kinds kinds;
    kinds.kernels = kernels;
    kinds.steps = steps;
    kinds.unit = std::atof(unit);
    kinds.quantizer = unsigned_levels(bits, kinds.unit);
    const plain_residual expected = make_residual({24, 48}, 12, seed, kinds);
    check_variety(expected.units[0].codes, std::size_t{1} << bits);
    edited_file file;
    save(expected, file);
    file.metadata()["tern.kernel_steps"] = steps == tern::kernel_steps::equal ? "equal" : "powers_of_two";
    file.metadata()["tern.activation_unit"] = unit;
    const auto bytes = file.bytes();
    const tern::stqn_network model = must(tern::read_stqn(load_bytes(bytes)));
    for (const auto& block : model.blocks)
        for (const tern::stqn_unit& u : block.units) {
            CHECK(u.weights.code == tern::odd_code(bits));
            CHECK(u.input.code == tern::unsigned_code(bits));
        }
    check_network(expected, model);
}

}  // namespace

TEST_CASE("an STQN of 2 bits from a state dict equals plain loops: three equal kernels") {
    check_stqn(2, 3, tern::kernel_steps::equal, "0.5", 51);
}

TEST_CASE("an STQN of 3 bits from a state dict equals plain loops: kernels worth powers of two") {
    check_stqn(3, 3, tern::kernel_steps::powers_of_two, "0.25", 52);
}

TEST_CASE("an STQN of 4 bits from a state dict equals plain loops: kernels worth powers of two") {
    check_stqn(4, 4, tern::kernel_steps::powers_of_two, "0.125", 53);
}

TEST_CASE("an STTN from a state dict is the same network to both readers, and equals plain loops") {
    const plain_residual expected = make_residual({32, 64}, 12, 54);
    edited_file file;
    save(expected, file);
    const auto bytes = file.bytes();
    check_network(expected, must(tern::read_sttn(load_bytes(bytes))));
    check_network(expected, must(tern::read_stqn(load_bytes(bytes))));
}
