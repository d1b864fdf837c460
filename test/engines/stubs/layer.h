// What docs/engines/ncnn.md uses of ncnn's layer.h, to compile its listing where ncnn is not. Not ncnn.
#pragma once

#include <cstddef>

#define NCNN_LOGE(...)                \
    do {                              \
        ncnn::log_error(__VA_ARGS__); \
    } while (0)
#define DEFINE_LAYER_CREATOR(name)              \
    ::ncnn::Layer* name##_layer_creator(void*); \
    ::ncnn::Layer* name##_layer_creator(void*) { return new name; }

namespace ncnn {

void log_error(const char* format, ...);

class Allocator;

class Mat {
public:
    Mat();
    Mat(int w, std::size_t elemsize = 4u, Allocator* allocator = nullptr);
    ~Mat();
    void create(int w, int h, int c, std::size_t elemsize = 4u, Allocator* allocator = nullptr);
    bool empty() const;

    void* data;
    int dims, w, h, d, c;
    std::size_t cstep;
};

class ParamDict {
public:
    int get(int id, int def) const;
};

class ModelBin {
public:
    virtual ~ModelBin();
    virtual Mat load(int w, int type) const;
};

class Option {
public:
    int num_threads;
    Allocator* blob_allocator;
    Allocator* workspace_allocator;
};

class Layer {
public:
    Layer();
    virtual ~Layer();
    virtual int load_param(const ParamDict& pd);
    virtual int load_model(const ModelBin& mb);
    virtual int forward(const Mat& bottom_blob, Mat& top_blob, const Option& opt) const;

    bool one_blob_only;
};

}  // namespace ncnn
