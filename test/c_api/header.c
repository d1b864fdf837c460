/* The header alone, twice, in a strict C99 compiler; its inline functions are used. */
#include <tern/c_api.h>
#include <tern/c_api.h>

int main(void) {
    tern_executor threads;
    float values[2] = {1, 2};
    const tern_tensor first = tern_nhwc(values, TERN_F32, 1, 1, 2, 1), second = tern_nchw(values, TERN_F32, 1, 1, 1, 2);
    tern_stage stages[7];
    TERN_INIT(threads);
    stages[0] = tern_stage_bias(values);
    stages[1] = tern_stage_batch_norm(values, values, values, values, 1e-5);
    stages[2] = tern_stage_prelu(values);
    stages[3] = tern_stage_residual();
    stages[4] = tern_stage_clamp(0, 1);
    stages[5] = tern_stage_store();
    stages[6] = tern_stage_requantize(TERN_U8, 128);
    if (tern_c_api_version() != TERN_C_API_VERSION || threads.struct_size != sizeof threads)
        return 1;
    if (first.stride_w != 1 || second.stride_c != 2 || stages[6].levels.zero_point != 128 ||
        tern_stage_ternarize().kind != TERN_STAGE_QUANTIZE || stages[0].a != values)
        return 2;
    return strcmp(tern_last_error(), "") == 0 ? 0 : 3;
}
