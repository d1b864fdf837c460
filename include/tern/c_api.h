/* tern in C: ternary and other low-bit convolutions on CPUs, for engines in any language. C99; libtern, shared or
 * static, defines it.
 *
 * Functions return TERN_OK or another tern_status; tern_last_error() then says what was expected and what was found.
 * On an error nothing has been written, unless a function says otherwise. Nothing is thrown, nothing is printed, no
 * thread is started. Any argument that can be seen to be wrong is an error, null pointers too; memory that is
 * shorter than was said cannot be seen.
 *
 * Structs that may grow begin with `struct_size`, the caller's sizeof: members that a caller does not know yet are
 * 0, and 0 always means the default. They grow at their end, never into padding. TERN_INIT(s) clears one. The others
 * (tern_tensor, tern_layout, tern_image, tern_border, tern_geometry, tern_workspace) stay as they are as long as
 * TERN_C_API_VERSION does.
 *
 * A plan is immutable and counted: create gives one reference, retain adds one, release takes one, on any thread.
 * One plan may be run by many threads at once, each with a workspace of its own. A run allocates nothing and locks
 * nothing. */
#ifndef TERN_C_API_H
#define TERN_C_API_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TERN_C_API_VERSION 1

#if defined(_WIN32) && defined(TERN_C_API_DEFINE)
#define TERN_C_API __declspec(dllexport)
#elif !defined(_WIN32) && (defined(__GNUC__) || defined(__clang__))
#define TERN_C_API __attribute__((visibility("default")))
#else
#define TERN_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* FORCE_INT at the end of enums: they have the size of an int for every compiler. */

/* Clears a struct that begins with struct_size. */
#define TERN_INIT(s) (memset(&(s), 0, sizeof(s)), (s).struct_size = sizeof(s))

/* ---- Outcomes, versions, this machine ---- */

typedef enum tern_status {
    TERN_OK = 0,
    TERN_INVALID_ARGUMENT = 1, /* a shape, option or pointer of the caller */
    TERN_UNSUPPORTED = 2,      /* valid, but this build or CPU cannot do it */
    TERN_OUT_OF_MEMORY = 3,    /* the allocator returned null */
    TERN_BAD_FORMAT = 4,       /* bytes that are not what they say */
    TERN_BAD_VALUE = 5,        /* contents of arrays: NaN, not ternary, ... */
    TERN_NOT_FOUND = 6,        /* a tensor or file that is missing */
    TERN_IO = 7,               /* the operating system refused */
    TERN_NOT_RUN = 8,          /* the executor did not run all tasks; outputs hold anything */
    TERN_STATUS_FORCE_INT = 0x7fffffff
} tern_status;

/* One sentence about this thread's last call that failed; "" if none has. Valid until this thread's next call that
 * fails. */
TERN_C_API const char* tern_last_error(void);
/* As "0.1.0". */
TERN_C_API const char* tern_version(void);
/* TERN_C_API_VERSION of the library. */
TERN_C_API int tern_c_api_version(void);
/* Which instruction-set levels are built, supported and chosen, a line each. As snprintf: writes at most `size`
 * bytes with a final 0, returns the length of the whole text. */
TERN_C_API size_t tern_cpu_report(char* text, size_t size);

/* ---- Memory and threads of the caller ---- */

/* Where a plan's memory comes from; both functions or none. `allocate` may return null. `ctx` outlives all plans
 * made with it. */
typedef struct tern_allocator {
    size_t struct_size;
    void* ctx;
    void* (*allocate)(void* ctx, size_t bytes, size_t alignment);
    void (*deallocate)(void* ctx, void* p, size_t bytes, size_t alignment);
} tern_allocator;

/* The caller's threads, in one of two ways; a null pointer to a tern_executor: serially.
 *
 * parallel_for: runs task(arg, i) for every i in [0, n), n <= slices, in any order, on any threads, and returns when
 * all are done.
 *
 * barrier: all `slices` threads of a team call the same run with the same arguments and workspace, each with its
 * `index`. The barrier returns once all of them have called it, and each sees what the others wrote before. All get
 * the same status. */
typedef struct tern_executor {
    size_t struct_size;
    void* ctx;
    void (*parallel_for)(void* ctx, size_t n, void (*task)(void* arg, size_t i), void* arg);
    size_t slices;            /* tasks worth making, and scratch areas in a workspace; 0: 1 */
    int (*failed)(void* ctx); /* parallel_for: asked after it, nonzero if a task was not run; may be null */
    void (*barrier)(void* ctx);
    size_t index;
} tern_executor;

/* A barrier for engines that have none: its threads spin, then yield. As ctx, with tern_barrier_wait as barrier. To
 * be released when the runs of all threads have returned, not just one's own. */
typedef struct tern_barrier tern_barrier;
TERN_C_API tern_status tern_barrier_create(size_t threads, tern_barrier** barrier);
TERN_C_API void tern_barrier_release(tern_barrier* barrier);
TERN_C_API void tern_barrier_wait(void* barrier);

/* Scratch memory of one run, aligned to tern_alignment(). */
typedef struct tern_workspace {
    void* data;
    size_t bytes;
} tern_workspace;

/* What workspaces are aligned to, in bytes. */
TERN_C_API size_t tern_alignment(void);

/* ---- Numbers and tensors ---- */

/* Small integers that weights and activations are made of (docs/formats.md). */
typedef enum tern_code {
    TERN_TERNARY = 0,      /* -1, 0, 1 */
    TERN_BINARY = 1,       /* -1, 1 */
    TERN_HALF_TERNARY = 2, /* 0, 1, 2 */
    TERN_U1 = 3,           /* 0 .. 2^b - 1 */
    TERN_U2 = 4,
    TERN_U3 = 5,
    TERN_U4 = 6,
    TERN_O1 = 7, /* odd numbers from -(2^b - 1) to 2^b - 1 */
    TERN_O2 = 8,
    TERN_O3 = 9,
    TERN_O4 = 10,
    TERN_S8 = 11, /* -128 .. 127; weights from -127 */
    TERN_U8 = 12, /* 0 .. 255; activations only */
    TERN_CODE_FORCE_INT = 0x7fffffff
} tern_code;

typedef enum tern_type {
    TERN_F32 = 0,
    TERN_F16 = 1,
    TERN_BF16 = 2,
    TERN_TYPE_U8 = 3,
    TERN_TYPE_S8 = 4,
    TERN_I32 = 5,
    TERN_TYPE_FORCE_INT = 0x7fffffff
} tern_type;

/* A view of [n][h][w][c], strides in elements. Inputs are read only. A null pointer as data: no tensor. */
typedef struct tern_tensor {
    void* data;
    int32_t type; /* tern_type */
    size_t n, h, w, c;
    ptrdiff_t stride_n, stride_h, stride_w, stride_c;
} tern_tensor;

/* Dense tensors; note the order of sizes of the second. */
static inline tern_tensor tern_nhwc(const void* data, tern_type type, size_t n, size_t h, size_t w, size_t c) {
    tern_tensor t;
    memset(&t, 0, sizeof t);
    memcpy(&t.data, &data, sizeof data);
    t.type = (int32_t)type;
    t.n = n;
    t.h = h;
    t.w = w;
    t.c = c;
    t.stride_n = (ptrdiff_t)(h * w * c);
    t.stride_h = (ptrdiff_t)(w * c);
    t.stride_w = (ptrdiff_t)c;
    t.stride_c = 1;
    return t;
}
static inline tern_tensor tern_nchw(const void* data, tern_type type, size_t n, size_t c, size_t h, size_t w) {
    tern_tensor t = tern_nhwc(data, type, n, h, w, c);
    t.stride_h = (ptrdiff_t)w;
    t.stride_w = 1;
    t.stride_c = (ptrdiff_t)(h * w);
    return t;
}

/* Pixels on the four sides of an image: padding, or a halo. */
typedef struct tern_border {
    size_t top, left, bottom, right;
} tern_border;

/* How a kernel moves. 0 means 1 for strides, dilations and groups. Padding is an exact 0. */
typedef struct tern_geometry {
    size_t stride_h, stride_w;
    tern_border padding;
    size_t dilation_h, dilation_w;
    size_t groups;
} tern_geometry;

/* Packed activations: how images of codes lie in memory (docs/formats.md, "Packed images"). Pitches in bytes. */
typedef struct tern_layout {
    int32_t code;      /* tern_code */
    int32_t halo_code; /* the value of the halo */
    size_t n, h, w, c; /* without the halo */
    tern_border halo;
    size_t pixel_bytes, row_bytes, image_bytes, total_bytes;
} tern_layout;

/* `data` is aligned to 8 bytes. A null pointer: no image. */
typedef struct tern_image {
    tern_layout layout;
    void* data;
} tern_image;

/* The layout of images of a code; halo: null, or the border that consumers need. The halo's value is 0, or 1 where
 * the code has no 0: change halo_code for another. `total_bytes` is the memory to give. */
TERN_C_API tern_status tern_make_layout(tern_code code, size_t n, size_t h, size_t w, size_t c, const tern_border* halo,
                                        tern_layout* layout);

/* How a float becomes a code: code = least value + step * (number of thresholds that it reaches); of s8 and u8:
 * rounded to nearest, halves to even, plus the zero point, clamped. Ternary without thresholds (count 0): STTN's, +1
 * from 0.5 on, -1 below -0.5. */
typedef struct tern_levels {
    size_t struct_size;
    int32_t code;       /* tern_code */
    int32_t count;      /* one less than the code has values; 0 for s8 and u8 */
    float at[15];       /* ascending */
    uint32_t strict;    /* bit i: values reach at[i] above it, not at it */
    int32_t zero_point; /* s8, u8 */
    int32_t reserved;   /* 0 */
} tern_levels;

/* ---- Weights ---- */

typedef enum tern_weight_source {
    TERN_WEIGHTS_CODES = 0, /* `codes`, each of `code`, times `scale` */
    TERN_WEIGHTS_MERGED =
        1, /* `values`: floats that are -s, 0 or s for one s a channel (STTN, merged); odd codes: multiples of s */
    TERN_WEIGHTS_STTN = 2,       /* `values` and `values2`: the pair of latent kernels that STTN trains */
    TERN_WEIGHTS_TWN = 3,        /* `values`: latent weights, a threshold of 0.7 mean |w| for the layer */
    TERN_WEIGHTS_TWN_FILTER = 4, /* the same with a threshold and a scale for each output channel */
    TERN_WEIGHTS_BINARY = 5,     /* `values`: signs, scale mean |w| per output channel (XNOR-Net, BWN) */
    TERN_WEIGHTS_UNIFORM =
        6, /* `values`: rounded to `code` (s8 or an odd code), scale max |w| / largest code per channel */
    TERN_WEIGHTS_FORCE_INT = 0x7fffffff
} tern_weight_source;

/* Weights [out_channels][in_channels][kernel_h][kernel_w]; in_channels is that of one group. All arrays are read by
 * create only. */
typedef struct tern_weights {
    size_t struct_size;
    size_t out_channels, in_channels, kernel_h, kernel_w; /* kernels of 0 are 1 */
    int32_t source;                                       /* tern_weight_source */
    int32_t code; /* tern_code: of `codes`, MERGED and UNIFORM; others have their own */
    const int8_t* codes;
    const float* scale; /* per output channel, what a code of 1 is worth; null: 1. CODES only */
    const float* values;
    const float* values2;
    const float* bias; /* per output channel, or null */
} tern_weights;

/* ---- Epilogues: what happens to a product ---- */

typedef enum tern_stage_kind {
    TERN_STAGE_SCALE = 0,      /* v *= a[channel] */
    TERN_STAGE_BIAS = 1,       /* v += a[channel] */
    TERN_STAGE_AFFINE = 2,     /* v = factor[channel] * v + shift[channel], in double */
    TERN_STAGE_BATCH_NORM = 3, /* v = (v - mean) / sqrt(variance + epsilon) * a + b; a null: 1, b null: 0 */
    TERN_STAGE_PRELU = 4,      /* v = v >= 0 ? v : a[channel] * v */
    TERN_STAGE_CLAMP = 5,      /* v = min(max(v, lo), hi) */
    TERN_STAGE_RESIDUAL = 6,   /* v += residual; a and b (both or neither): a[channel] * residual + b[channel] */
    TERN_STAGE_STORE = 7,      /* writes v to `out` */
    TERN_STAGE_QUANTIZE =
        8, /* writes the code of v to the next packed output; s8, u8: to `byte_out` if that is given */
    TERN_STAGE_FORCE_INT = 0x7fffffff
} tern_stage_kind;

/* The chain starts with v = scale * sum + bias of the weights and follows one order, every part optional:
 *   scale, bias, affine, batch norm ... activation, residual, activation, store,
 *   { scale ... batch norm, quantize } twice
 * Arrays are per output channel and read by create only. */
typedef struct tern_stage {
    size_t struct_size;
    int32_t kind;            /* tern_stage_kind */
    int32_t pooled_residual; /* RESIDUAL: nonzero: its 2x2 maximum, with zero channels above (shortcut A) */
    const float *a, *b, *mean, *variance;
    const double *factor, *shift;
    double epsilon;
    float lo, hi;
    int32_t adds_before_rounding; /* QUANTIZE to s8 or u8; nonzero: round(v + zero point), not round(v) + zero point */
    tern_levels levels;           /* QUANTIZE; stays the last member */
} tern_stage;

static inline tern_stage tern_stage_of(tern_stage_kind kind) {
    tern_stage s;
    TERN_INIT(s);
    s.kind = (int32_t)kind;
    TERN_INIT(s.levels);
    return s;
}
static inline tern_stage tern_stage_store(void) { return tern_stage_of(TERN_STAGE_STORE); }
static inline tern_stage tern_stage_bias(const float* values) {
    tern_stage s = tern_stage_of(TERN_STAGE_BIAS);
    s.a = values;
    return s;
}
static inline tern_stage tern_stage_prelu(const float* slopes) {
    tern_stage s = tern_stage_of(TERN_STAGE_PRELU);
    s.a = slopes;
    return s;
}
static inline tern_stage tern_stage_clamp(float lo, float hi) {
    tern_stage s = tern_stage_of(TERN_STAGE_CLAMP);
    s.lo = lo;
    s.hi = hi;
    return s;
}
static inline tern_stage tern_stage_batch_norm(const float* gamma, const float* beta, const float* mean,
                                               const float* variance, double epsilon) {
    tern_stage s = tern_stage_of(TERN_STAGE_BATCH_NORM);
    s.a = gamma;
    s.b = beta;
    s.mean = mean;
    s.variance = variance;
    s.epsilon = epsilon;
    return s;
}
static inline tern_stage tern_stage_residual(void) { return tern_stage_of(TERN_STAGE_RESIDUAL); }
/* STTN's ternary activations. */
static inline tern_stage tern_stage_ternarize(void) { return tern_stage_of(TERN_STAGE_QUANTIZE); }
/* Bytes as ONNX's QuantizeLinear makes them: rounded, then the zero point added. `code` is TERN_U8 or TERN_S8. */
static inline tern_stage tern_stage_requantize(tern_code code, int zero_point) {
    tern_stage s = tern_stage_of(TERN_STAGE_QUANTIZE);
    s.levels.code = (int32_t)code;
    s.levels.zero_point = zero_point;
    return s;
}

/* ---- Options of every plan ---- */

typedef struct tern_plan_options {
    size_t struct_size;
    const char* level;  /* instruction-set level; null: the environment's TERN_ISA, else the best */
    const char* kernel; /* kernels of this name (tern_conv2d_explain); null: the fastest */
    size_t expected_n, expected_h,
        expected_w;                  /* a typical input, for the choice of kernels; height 0: of middle size */
    int32_t measured;                /* nonzero: choose by measuring, for about measuring_seconds */
    int32_t exact_zero_border;       /* nonzero: padding of codes without a 0 counts as an exact 0 */
    double measuring_seconds;        /* 0: 0.02 */
    size_t max_weight_bytes;         /* kernels whose weights take more are not chosen; 0: no limit */
    const tern_allocator* allocator; /* null: aligned operator new */
} tern_plan_options;

/* ---- Convolution of codes ---- */

typedef struct tern_conv2d tern_conv2d;

typedef struct tern_conv2d_desc {
    size_t struct_size;
    const tern_weights* weights;
    tern_geometry geometry;
    int32_t activations;     /* tern_code of the input */
    int32_t zero_point;      /* s8, u8: the code of real zero; sums are of x - zero_point, and padding holds it */
    const int32_t* sum_bias; /* per output channel, or null: added to the sums, exactly */
    const tern_stage* stages;
    size_t stage_count;
} tern_conv2d_desc;

/* What an input of some size means for a plan. */
typedef struct tern_conv2d_shape {
    size_t struct_size;
    size_t n, h, w, c; /* of the output */
    tern_layout input; /* a packed input with the halo that is needed */
    size_t workspace_bytes;
    char kernel[64]; /* level, family, lowering */
} tern_conv2d_shape;

/* What one run reads and writes. One of `input` and `bytes`; outputs as the stages say. */
typedef struct tern_conv2d_args {
    size_t struct_size;
    tern_image input; /* packed codes, with a halo that tern_conv2d_shape names or a larger one */
    tern_tensor
        bytes; /* u8 or s8 codes as engines have them: any number of channels, side by side, any pitch, no halo */
    tern_tensor residual;     /* f32, f16 or bf16 */
    tern_tensor out;          /* f32, f16 or bf16; may be exactly the residual */
    tern_image packed[2];     /* one for each quantize stage */
    tern_tensor byte_out;     /* in place of packed[0], for s8 and u8 */
    tern_tensor accumulators; /* i32, optional: the integer sums */
} tern_conv2d_args;

/* `options` may be null. */
TERN_C_API tern_status tern_conv2d_create(const tern_conv2d_desc* desc, const tern_plan_options* options,
                                          tern_conv2d** plan);
TERN_C_API tern_conv2d* tern_conv2d_retain(tern_conv2d* plan);
TERN_C_API void tern_conv2d_release(tern_conv2d* plan);
/* For an input of n images of h x w and an executor of that many slices. Changes nothing in the plan. */
TERN_C_API tern_status tern_conv2d_reshape(const tern_conv2d* plan, size_t n, size_t h, size_t w, size_t slices,
                                           tern_conv2d_shape* shape);
/* `threads` may be null. */
TERN_C_API tern_status tern_conv2d_run(const tern_conv2d* plan, const tern_conv2d_args* args, tern_workspace workspace,
                                       const tern_executor* threads);
/* The kernels that were considered, with predicted cycles, or why not. As snprintf. */
TERN_C_API size_t tern_conv2d_explain(const tern_conv2d* plan, size_t n, size_t h, size_t w, char* text, size_t size);

/* What a desc says as bytes: of no instruction set, to be kept in an engine's model file (docs/formats.md). `bytes`
 * null: sets *size to how many there are; else writes them if *size is enough. The same desc gives the same bytes. */
TERN_C_API tern_status tern_conv2d_save(const tern_conv2d_desc* desc, const tern_plan_options* options, void* bytes,
                                        size_t* size);
/* A plan of saved bytes, which are checked, at any address. They are not needed afterwards. */
TERN_C_API tern_status tern_conv2d_load(const void* bytes, size_t size, const tern_plan_options* options,
                                        tern_conv2d** plan);

/* ---- Convolution from floats to floats: quantization, halo and layout in one call ---- */

typedef struct tern_float_conv2d tern_float_conv2d;

typedef struct tern_float_conv2d_desc {
    size_t struct_size;
    const tern_weights* weights;
    tern_geometry geometry;
    const tern_levels* levels;  /* of the input; null: STTN's ternary */
    const float *scale, *shift; /* per input channel, before the levels; null: 1 and 0 */
    const tern_stage* stages;   /* none that quantizes; count 0: the result is stored */
    size_t stage_count;
} tern_float_conv2d_desc;

/* f32, f16 or bf16 each, NHWC, NCHW or any other strides. */
typedef struct tern_float_conv2d_args {
    size_t struct_size;
    tern_tensor input, out, residual;
} tern_float_conv2d_args;

TERN_C_API tern_status tern_float_conv2d_create(const tern_float_conv2d_desc* desc, const tern_plan_options* options,
                                                tern_float_conv2d** plan);
TERN_C_API tern_float_conv2d* tern_float_conv2d_retain(tern_float_conv2d* plan);
TERN_C_API void tern_float_conv2d_release(tern_float_conv2d* plan);
/* `input` of the shape is not set. */
TERN_C_API tern_status tern_float_conv2d_reshape(const tern_float_conv2d* plan, size_t n, size_t h, size_t w,
                                                 size_t slices, tern_conv2d_shape* shape);
TERN_C_API tern_status tern_float_conv2d_run(const tern_float_conv2d* plan, const tern_float_conv2d_args* args,
                                             tern_workspace workspace, const tern_executor* threads);

/* ---- Rows of codes times weights: a fully connected layer ---- */

typedef struct tern_gemm tern_gemm;

typedef struct tern_gemm_args {
    size_t struct_size;
    tern_image rows;      /* the layout of tern_gemm_layout; or bytes */
    tern_tensor residual; /* f32, as `out`: [m][out_channels], tern_nhwc(p, TERN_F32, 1, 1, m, out_channels) */
    tern_tensor out;
    tern_image packed[2];
    tern_tensor accumulators;
    tern_tensor bytes, byte_out; /* as in tern_conv2d_args: [m][in_channels] and [m][out_channels] */
} tern_gemm_args;

/* Weights of 1x1; the desc's geometry must be the default. */
TERN_C_API tern_status tern_gemm_create(const tern_conv2d_desc* desc, const tern_plan_options* options,
                                        tern_gemm** plan);
TERN_C_API tern_gemm* tern_gemm_retain(tern_gemm* plan);
TERN_C_API void tern_gemm_release(tern_gemm* plan);
/* m rows of packed codes. */
TERN_C_API tern_status tern_gemm_layout(const tern_gemm* plan, size_t m, tern_layout* layout);
/* 0 without a plan, SIZE_MAX for more rows than memory could hold. */
TERN_C_API size_t tern_gemm_workspace_bytes(const tern_gemm* plan, size_t m, size_t slices);
TERN_C_API tern_status tern_gemm_run(const tern_gemm* plan, const tern_gemm_args* args, tern_workspace workspace,
                                     const tern_executor* threads);

/* ---- Fully connected layer of floats ---- */

typedef struct tern_linear tern_linear;

/* weights [outputs][inputs], bias [outputs] or null. */
TERN_C_API tern_status tern_linear_create(const float* weights, size_t outputs, size_t inputs, const float* bias,
                                          const tern_plan_options* options, tern_linear** plan);
TERN_C_API tern_linear* tern_linear_retain(tern_linear* plan);
TERN_C_API void tern_linear_release(tern_linear* plan);
/* in [n][inputs], out [n][outputs], dense. */
TERN_C_API tern_status tern_linear_run(const tern_linear* plan, const float* in, size_t n, float* out,
                                       const tern_executor* threads);

/* ---- First layers on u8 images ---- */

typedef struct tern_image_conv2d tern_image_conv2d;

typedef enum tern_image_weights {
    TERN_IMAGE_F32 = 0, /* as exact as float32 */
    TERN_IMAGE_16_BITS = 1,
    TERN_IMAGE_8_BITS = 2,
    TERN_IMAGE_7_BITS = 3,
    TERN_IMAGE_FORCE_INT = 0x7fffffff
} tern_image_weights;

typedef struct tern_image_conv2d_desc {
    size_t struct_size;
    const float* weights; /* [out_channels][in_channels][kernel_h][kernel_w], for normalised images */
    size_t out_channels, in_channels, kernel_h, kernel_w;
    tern_geometry geometry;
    const float *mean, *deviation; /* per channel of the image: (byte / divisor - mean) / deviation; null: 0 and 1 */
    double divisor;                /* 0: 255 */
    int32_t precision;             /* tern_image_weights */
    const tern_stage* stages;
    size_t stage_count;
} tern_image_conv2d_desc;

typedef struct tern_image_conv2d_args {
    size_t struct_size;
    tern_tensor input; /* u8, any strides */
    tern_tensor out;   /* f32 */
    tern_image packed[2];
} tern_image_conv2d_args;

TERN_C_API tern_status tern_image_conv2d_create(const tern_image_conv2d_desc* desc, const tern_plan_options* options,
                                                tern_image_conv2d** plan);
TERN_C_API tern_image_conv2d* tern_image_conv2d_retain(tern_image_conv2d* plan);
TERN_C_API void tern_image_conv2d_release(tern_image_conv2d* plan);
/* `input` of the shape is not set. */
TERN_C_API tern_status tern_image_conv2d_reshape(const tern_image_conv2d* plan, size_t n, size_t h, size_t w,
                                                 size_t slices, tern_conv2d_shape* shape);
TERN_C_API tern_status tern_image_conv2d_run(const tern_image_conv2d* plan, const tern_image_conv2d_args* args,
                                             tern_workspace workspace, const tern_executor* threads);

/* ---- Codes of tensors, pooling ---- */

/* Writes the codes of f32 values to a packed image, with its halo. scale and shift per channel (null: 1, 0) come
 * first. */
TERN_C_API tern_status tern_quantize(const tern_tensor* values, const tern_image* out, const tern_levels* levels,
                                     const float* scale, const float* shift, const tern_executor* threads);
/* s8 or u8 tensors of code values to a packed image with its halo, and back. */
TERN_C_API tern_status tern_pack_codes(const tern_tensor* codes, const tern_image* out);
TERN_C_API tern_status tern_unpack_codes(const tern_image* in, const tern_tensor* codes);

typedef struct tern_pool_desc {
    size_t struct_size;
    size_t kernel_h, kernel_w; /* 0: 1 */
    tern_geometry geometry;    /* groups are ignored */
} tern_pool_desc;

/* f32 tensors; padding is no value. */
TERN_C_API tern_status tern_max_pool(const tern_tensor* in, const tern_tensor* out, const tern_pool_desc* desc,
                                     const tern_executor* threads);
TERN_C_API tern_status tern_mean_pool(const tern_tensor* in, const tern_tensor* out, const tern_pool_desc* desc,
                                      const tern_executor* threads);
/* out is [n][1][1][c]. */
TERN_C_API tern_status tern_global_mean_pool(const tern_tensor* in, const tern_tensor* out,
                                             const tern_executor* threads);

/* ---- Networks from files ---- */

typedef struct tern_network tern_network;

typedef struct tern_network_options {
    size_t struct_size;
    /* How bytes are normalised, where the file does not say: "mnist", "cifar10", "imagenet", "none"; null: as the file
     * says. */
    const char* preprocess;
    const char* kind;   /* "sttn", "stqn", "twn", "fatnn", "sttn_alexnet", "graph"; null: found from the tensors */
    int32_t u8_weights; /* tern_image_weights of layers that read u8 images */
    size_t expected_n, expected_h, expected_w;
    const tern_plan_options* plan; /* level, memory; may be null */
} tern_network_options;

/* Sizes for images as they are given to run. */
typedef struct tern_network_shape {
    size_t struct_size;
    size_t n, h, w, c; /* of the output */
    size_t workspace_bytes;
} tern_network_shape;

/* A network of one input from a safetensors file, a PyTorch checkpoint or a packed network. `options` may be null.
 * The file is not needed afterwards. TERN_UNSUPPORTED where the library was built without networks. */
TERN_C_API tern_status tern_network_load(const char* path, const tern_network_options* options, tern_network** network);
/* The same from the bytes of a file, which are not needed afterwards. */
TERN_C_API tern_status tern_network_load_memory(const void* bytes, size_t size, const tern_network_options* options,
                                                tern_network** network);
TERN_C_API tern_network* tern_network_retain(tern_network* network);
TERN_C_API void tern_network_release(tern_network* network);
TERN_C_API size_t tern_network_input_channels(const tern_network* network);
TERN_C_API size_t tern_network_output_count(const tern_network* network);
/* Nonzero if u8 images can be given: the file or the options say how they are normalised. */
TERN_C_API int tern_network_reads_u8(const tern_network* network);
/* Null if the file has no names, or not so many. Valid as long as the network. */
TERN_C_API const char* tern_network_class_name(const tern_network* network, size_t i);
/* For n images of h x w of a type, TERN_F32 (normalised, with the border that the preprocessing adds) or
 * TERN_TYPE_U8 (as they come), and output number `output`. Any sizes that fit the network. */
TERN_C_API tern_status tern_network_reshape(const tern_network* network, tern_type type, size_t n, size_t h, size_t w,
                                            size_t output, size_t slices, tern_network_shape* shape);
/* Outputs are f32 tensors of the sizes of tern_network_reshape, as many as the network has; after an error they hold
 * anything. */
TERN_C_API tern_status tern_network_run(const tern_network* network, const tern_tensor* images,
                                        const tern_tensor* outputs, size_t output_count, tern_workspace workspace,
                                        const tern_executor* threads);

#ifdef __cplusplus
}
#endif

#endif /* TERN_C_API_H */
