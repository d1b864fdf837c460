// Sessions of ONNX Runtime that know tern's operators, by its C API.
#pragma once

#include <onnxruntime_c_api.h>

#include <cstdint>
#include <string>
#include <vector>

/// The environment and the path of the library of operators, made once.
struct runtime {
    const OrtApi* api = nullptr;
    OrtEnv* env = nullptr;
    std::string operators;

    explicit runtime(const char* operators_path);
    ~runtime();
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;

    /// Ends the program with ONNX Runtime's message, if there is one.
    void check(OrtStatus* status) const;
    /// The message, or "" if there is none; releases it.
    std::string take(OrtStatus* status) const;
};

/// A tensor of the caller's for a run.
struct bound {
    const char* name;
    void* data;
    std::size_t bytes;
    std::vector<std::int64_t> dims;
    ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
};

class session {
public:
    /// `error` gets ONNX Runtime's message where the model is refused.
    session(const runtime& r, const std::string& model, int threads, std::string& error);
    ~session();
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    /// Runs into the outputs given; "" or ONNX Runtime's message.
    std::string run(const std::vector<bound>& inputs, const std::vector<bound>& outputs) const;

private:
    const runtime& runtime_;
    OrtSession* session_ = nullptr;
    OrtMemoryInfo* memory_ = nullptr;
};
