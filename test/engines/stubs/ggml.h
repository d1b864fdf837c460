// What docs/engines/ggml.md uses of ggml.h, to compile its listing where ggml is not. Not ggml.
#pragma once

#include <cstddef>
#include <cstdint>

#define GGML_ABORT(...) ggml_abort(__FILE__, __LINE__, __VA_ARGS__)
#define GGML_ASSERT(x) \
    if (!(x))          \
    GGML_ABORT("GGML_ASSERT(%s) failed", #x)
#define GGML_N_TASKS_MAX (-1)

extern "C" {

enum ggml_type { GGML_TYPE_F32 = 0, GGML_TYPE_I8 = 24 };

struct ggml_context;

struct ggml_tensor {
    enum ggml_type type;
    std::int64_t ne[4];
    std::size_t nb[4];
    struct ggml_tensor* src[10];
    void* data;
};

typedef void (*ggml_custom_op_t)(struct ggml_tensor* dst, int ith, int nth, void* userdata);

[[noreturn]] void ggml_abort(const char* file, int line, const char* fmt, ...);
bool ggml_is_contiguous(const struct ggml_tensor* tensor);
const char* ggml_get_name(const struct ggml_tensor* tensor);
std::size_t ggml_nbytes(const struct ggml_tensor* tensor);
struct ggml_tensor* ggml_new_tensor_1d(struct ggml_context* ctx, enum ggml_type type, std::int64_t ne0);
struct ggml_tensor* ggml_custom_4d(struct ggml_context* ctx, enum ggml_type type, std::int64_t ne0, std::int64_t ne1,
                                   std::int64_t ne2, std::int64_t ne3, struct ggml_tensor** args, int n_args,
                                   ggml_custom_op_t fun, int n_tasks, void* userdata);
}
