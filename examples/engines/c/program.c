/* tern from C: a ternary convolution of floats, a QLinearConv on u8 tensors, and a network from a file. Every result of the two
 * layers is compared with plain loops. usage: program [NETWORK] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <tern/c_api.h>

enum { channels = 40, out_channels = 24, height = 9, width = 11, taps = 9 };

static unsigned random_state = 1;
static unsigned next_random(void) { return (random_state = random_state * 1664525u + 1013904223u) >> 8; }

static int failed(const char* what) {
    fprintf(stderr, "%s: %s\n", what, tern_last_error());
    return 1;
}

/* Memory for one run, aligned; `base` is what to free. */
static tern_workspace make_workspace(size_t bytes, void** base) {
    tern_workspace w;
    const size_t alignment = tern_alignment();
    *base = malloc(bytes + alignment);
    w.data = *base == NULL ? NULL : (void*)(((uintptr_t)*base + alignment - 1) / alignment * alignment);
    w.bytes = bytes;
    return w;
}

/* STTN's ternary activations times weights in {-s, 0, s}, as a training framework has them: floats, NCHW, padding 1. */
static int convolve_floats(void) {
    static float weights[out_channels][channels][taps], bias[out_channels], in[channels][height][width],
        out[out_channels][height][width];
    tern_weights w;
    tern_float_conv2d_desc desc;
    tern_float_conv2d_args args;
    tern_conv2d_shape shape;
    tern_float_conv2d* plan = NULL;
    void* base = NULL;
    int o, c, t, y, x, wrong = 0;

    for (o = 0; o < out_channels; ++o) {
        bias[o] = (float)o / 8;
        for (c = 0; c < channels; ++c)
            for (t = 0; t < taps; ++t)
                weights[o][c][t] = 0.25f * (float)((int)(next_random() % 3) - 1);
    }
    for (c = 0; c < channels; ++c)
        for (y = 0; y < height; ++y)
            for (x = 0; x < width; ++x)
                in[c][y][x] = (float)(next_random() % 401) / 100 - 2;

    TERN_INIT(w);
    w.out_channels = out_channels;
    w.in_channels = channels;
    w.kernel_h = w.kernel_w = 3;
    w.source = TERN_WEIGHTS_MERGED;
    w.values = &weights[0][0][0];
    w.bias = bias;
    TERN_INIT(desc);
    desc.weights = &w;
    desc.geometry.padding.top = desc.geometry.padding.left = desc.geometry.padding.bottom =
        desc.geometry.padding.right = 1;
    if (tern_float_conv2d_create(&desc, NULL, &plan) != TERN_OK)
        return failed("tern_float_conv2d_create");
    TERN_INIT(shape);
    if (tern_float_conv2d_reshape(plan, 1, height, width, 1, &shape) != TERN_OK)
        return failed("tern_float_conv2d_reshape");
    TERN_INIT(args);
    args.input = tern_nchw(in, TERN_F32, 1, channels, height, width);
    args.out = tern_nchw(out, TERN_F32, 1, out_channels, height, width);
    if (tern_float_conv2d_run(plan, &args, make_workspace(shape.workspace_bytes, &base), NULL) != TERN_OK)
        return failed("tern_float_conv2d_run");

    for (o = 0; o < out_channels; ++o)
        for (y = 0; y < height; ++y)
            for (x = 0; x < width; ++x) {
                float sum = 0;
                for (c = 0; c < channels; ++c)
                    for (t = 0; t < taps; ++t) {
                        const int row = y + t / 3 - 1, column = x + t % 3 - 1;
                        if (row >= 0 && row < height && column >= 0 && column < width) {
                            const float v = in[c][row][column];
                            sum += weights[o][c][t] * (float)((v >= 0.5f) - (v < -0.5f));
                        }
                    }
                wrong += out[o][y][x] != sum + bias[o];
            }
    printf("ternary convolution by %s: %d of %d values differ\n", shape.kernel, wrong, out_channels * height * width);
    tern_float_conv2d_release(plan);
    free(base);
    return wrong != 0;
}

/* ONNX's QLinearConv: u8 tensors in NHWC with zero points, int8 weights, one scale per output channel. */
static int convolve_bytes(void) {
    static int8_t weights[out_channels][channels][taps];
    static uint8_t in[height][width][channels], out[height][width][out_channels];
    static float scale[out_channels];
    const int zero = 117, out_zero = 128;
    tern_weights w;
    tern_stage stage = tern_stage_requantize(TERN_U8, out_zero);
    tern_conv2d_desc desc;
    tern_conv2d_args args;
    tern_conv2d_shape shape;
    tern_conv2d* plan = NULL;
    void* base = NULL;
    int o, c, t, y, x, wrong = 0;

    for (o = 0; o < out_channels; ++o) {
        scale[o] = ldexpf(1.0f, -9 - o % 4); /* input scale * weight scale / output scale */
        for (c = 0; c < channels; ++c)
            for (t = 0; t < taps; ++t)
                weights[o][c][t] = (int8_t)((int)(next_random() % 255) - 127);
    }
    for (y = 0; y < height; ++y)
        for (x = 0; x < width; ++x)
            for (c = 0; c < channels; ++c)
                in[y][x][c] = (uint8_t)(next_random() % 256);

    TERN_INIT(w);
    w.out_channels = out_channels;
    w.in_channels = channels;
    w.kernel_h = w.kernel_w = 3;
    w.code = TERN_S8;
    w.codes = &weights[0][0][0];
    w.scale = scale;
    TERN_INIT(desc);
    desc.weights = &w;
    desc.geometry.padding.top = desc.geometry.padding.left = desc.geometry.padding.bottom =
        desc.geometry.padding.right = 1;
    desc.activations = TERN_U8;
    desc.zero_point = zero;
    desc.stages = &stage;
    desc.stage_count = 1;
    if (tern_conv2d_create(&desc, NULL, &plan) != TERN_OK)
        return failed("tern_conv2d_create");
    TERN_INIT(shape);
    if (tern_conv2d_reshape(plan, 1, height, width, 1, &shape) != TERN_OK)
        return failed("tern_conv2d_reshape");
    TERN_INIT(args);
    args.bytes = tern_nhwc(in, TERN_TYPE_U8, 1, height, width, channels);
    args.byte_out = tern_nhwc(out, TERN_TYPE_U8, 1, height, width, out_channels);
    if (tern_conv2d_run(plan, &args, make_workspace(shape.workspace_bytes, &base), NULL) != TERN_OK)
        return failed("tern_conv2d_run");

    for (o = 0; o < out_channels; ++o)
        for (y = 0; y < height; ++y)
            for (x = 0; x < width; ++x) {
                int sum = 0;
                float v;
                for (c = 0; c < channels; ++c)
                    for (t = 0; t < taps; ++t) {
                        const int row = y + t / 3 - 1, column = x + t % 3 - 1;
                        if (row >= 0 && row < height && column >= 0 && column < width)
                            sum += (in[row][column][c] - zero) * weights[o][c][t];
                    }
                v = nearbyintf(scale[o] * (float)sum) + (float)out_zero;
                wrong += out[y][x][o] != (v < 0 ? 0 : v > 255 ? 255 : v);
            }
    printf("QLinearConv by %s: %d of %d bytes differ\n", shape.kernel, wrong, out_channels * height * width);
    tern_conv2d_release(plan);
    free(base);
    return wrong != 0;
}

/* Any network file that says how bytes become its input: scores of an image of one grey level. */
static int run_network(const char* path) {
    enum { size = 28 };
    static uint8_t image[size * size * 3];
    tern_network* network = NULL;
    tern_network_shape shape;
    tern_tensor images, logits;
    float* scores;
    void* base = NULL;
    size_t i, best = 0;

    if (tern_network_load(path, NULL, &network) != TERN_OK)
        return failed(path);
    memset(image, 60, sizeof image);
    TERN_INIT(shape);
    if (tern_network_reshape(network, TERN_TYPE_U8, 1, size, size, 0, 1, &shape) != TERN_OK)
        return failed("tern_network_reshape");
    scores = (float*)malloc(shape.c * sizeof *scores);
    images = tern_nhwc(image, TERN_TYPE_U8, 1, size, size, tern_network_input_channels(network));
    logits = tern_nhwc(scores, TERN_F32, 1, 1, 1, shape.c);
    if (scores == NULL ||
        tern_network_run(network, &images, &logits, 1, make_workspace(shape.workspace_bytes, &base), NULL) != TERN_OK)
        return failed("tern_network_run");
    for (i = 1; i < shape.c; ++i)
        best = scores[i] > scores[best] ? i : best;
    printf("network of %u classes: %u wins with %.4f\n", (unsigned)shape.c, (unsigned)best, (double)scores[best]);
    tern_network_release(network);
    free(scores);
    free(base);
    return 0;
}

int main(int argc, char** argv) {
    printf("tern %s\n", tern_version());
    if (convolve_floats() != 0 || convolve_bytes() != 0)
        return 1;
    return argc > 1 ? run_network(argv[1]) : 0;
}
