// What docs/engines/tflite.md uses of TensorFlow Lite's C API, to compile its listing without. Not TensorFlow.
#pragma once

#include <cstddef>
#include <cstdint>

#define kTfLiteOptionalTensor (-1)

extern "C" {

typedef enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;
typedef enum { kTfLiteFloat32 = 1, kTfLiteUInt8 = 3 } TfLiteType;
typedef enum { kTfLiteMmapRo = 1, kTfLiteArenaRw = 2 } TfLiteAllocationType;

typedef struct TfLiteIntArray {
    int size;
    int data[1];
} TfLiteIntArray;

TfLiteIntArray* TfLiteIntArrayCreate(int size);
void TfLiteIntArrayFree(TfLiteIntArray* a);

typedef union TfLitePtrUnion {
    float* f;
    char* raw;
} TfLitePtrUnion;

typedef struct TfLiteTensor {
    TfLiteType type;
    TfLitePtrUnion data;
    TfLiteIntArray* dims;
    TfLiteAllocationType allocation_type;
    std::size_t bytes;
} TfLiteTensor;

typedef struct TfLiteNode {
    TfLiteIntArray* inputs;
    TfLiteIntArray* outputs;
    TfLiteIntArray* temporaries;
    void* user_data;
} TfLiteNode;

typedef struct TfLiteContext {
    TfLiteTensor* tensors;
    TfLiteStatus (*ResizeTensor)(struct TfLiteContext*, TfLiteTensor* tensor, TfLiteIntArray* new_size);
    void (*ReportError)(struct TfLiteContext*, const char* msg, ...);
    TfLiteStatus (*AddTensors)(struct TfLiteContext*, int tensors_to_add, int* first_new_tensor_index);
} TfLiteContext;

typedef struct TfLiteRegistration {
    void* (*init)(TfLiteContext* context, const char* buffer, std::size_t length);
    void (*free)(TfLiteContext* context, void* buffer);
    TfLiteStatus (*prepare)(TfLiteContext* context, TfLiteNode* node);
    TfLiteStatus (*invoke)(TfLiteContext* context, TfLiteNode* node);
} TfLiteRegistration;
}
