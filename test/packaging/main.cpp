// What a user's first program does: codes in, integers out.
#include <cstdint>
#include <cstdio>

#include <tern/tern.hpp>

int main() {
    const std::int8_t w[2 * 3] = {1, -1, 0, -1, -1, 1};
    auto weights = tern::pack_weights(w, {2, 3, 1, 1});
    auto rows = tern::make_packed_rows(1, 3);
    if (!weights.ok() || !rows.ok())
        return 1;
    const int a[3] = {1, -1, -1};
    for (std::size_t i = 0; i < 3; ++i)
        tern::set_code(rows->view(), 0, 0, 0, i, a[i]);

    auto plan = tern::gemm::create(*weights);
    if (!plan.ok()) {
        std::printf("%s\n", plan.message());
        return 1;
    }
    auto scratch = tern::make_buffer<unsigned char>(plan->workspace_bytes(1));
    if (!scratch.ok())
        return 1;
    std::int32_t out[2] = {};
    tern::gemm_args args;
    args.rows = rows->view();
    args.accumulators = tern::matrix(out, 1, 2);
    const tern::status s = plan->run(args, {scratch->data(), scratch->bytes()});
    std::printf("%s%s: %d %d\n", s.message(), plan->kernel_name(1), out[0], out[1]);
    return s.ok() && out[0] == 2 && out[1] == -1 ? 0 : 1;
}
