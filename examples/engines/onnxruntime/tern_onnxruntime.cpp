// tern.TernConv: a ternary convolution as a custom operator of ONNX Runtime (1.18 and later), by its C API alone.
//
//   inputs      X  float [n, C, h, w], made ternary on the way: +1 from `hi` on, -1 below `lo`
//               W  float [O, C/group, kh, kw], an initializer; every output channel holds -s, 0 and +s for one s
//               B  float [O], an initializer; optional
//   output      Y  float [n, O, oh, ow]
//   attributes  strides, pads, dilations, group: as Conv has them; hi (0.5), lo (-0.5);
//               slices: parts of a run, for the session's threads; 0: one for each of the CPU's threads
#include <onnxruntime_c_api.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include <tern/tern.hpp>

namespace {

constexpr std::uint32_t api_version = 18;  // of what is called here, however new the header is

/// Leaves the enclosing function with ONNX Runtime's error.
#define TERN_ORT_TRY(call)                                   \
    do {                                                     \
        if (OrtStatus* status_ = (call); status_ != nullptr) \
            return status_;                                  \
    } while (false)

OrtStatus* to_ort(const OrtApi& api, const tern::status& s) {
    return s.ok() ? nullptr : api.CreateStatus(ORT_INVALID_ARGUMENT, s.message());
}

struct dimensions {
    std::int64_t size[4] = {};
    std::size_t count = 0;
};

/// The shape of a float tensor of at most four dimensions.
OrtStatus* get_shape(const OrtApi& api, const OrtValue* tensor, const char* name, dimensions& shape) {
    OrtTensorTypeAndShapeInfo* info = nullptr;
    TERN_ORT_TRY(api.GetTensorTypeAndShape(tensor, &info));
    const std::unique_ptr<OrtTensorTypeAndShapeInfo, void (*)(OrtTensorTypeAndShapeInfo*)> owner(
        info, api.ReleaseTensorTypeAndShapeInfo);
    ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    TERN_ORT_TRY(api.GetTensorElementType(info, &type));
    TERN_ORT_TRY(api.GetDimensionsCount(info, &shape.count));
    if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT || shape.count > 4)
        return to_ort(api,
                      tern::make_error(tern::errc::invalid_argument,
                                       "TernConv: expected %s of floats in at most 4 dimensions, found type %d in %zu",
                                       name, static_cast<int>(type), shape.count));
    return api.GetDimensions(info, shape.size, shape.count);
}

const float* floats_of(const OrtApi& api, const OrtValue* tensor) {
    void* data = nullptr;  // the API has one accessor, for tensors that are only read, too
    OrtStatus* status = api.GetTensorMutableData(const_cast<OrtValue*>(tensor), &data);
    if (status != nullptr)
        api.ReleaseStatus(status);
    return static_cast<const float*>(data);
}

/// `values` of an attribute of so many numbers, or what they are already if the node does not have it.
OrtStatus* get_numbers(const OrtApi& api, const OrtKernelInfo* info, const char* name, std::size_t count,
                       std::size_t* values) {
    std::size_t found = 0;
    if (OrtStatus* missing = api.KernelInfoGetAttributeArray_int64(info, name, nullptr, &found); missing != nullptr) {
        api.ReleaseStatus(missing);
        return nullptr;
    }
    std::int64_t numbers[4] = {};
    if (found == count)
        TERN_ORT_TRY(api.KernelInfoGetAttributeArray_int64(info, name, numbers, &found));
    for (std::size_t i = 0; i < count; ++i) {
        if (found != count || numbers[i] < 0)
            return to_ort(api,
                          tern::make_error(tern::errc::invalid_argument,
                                           "TernConv: expected %zu numbers of at least 0 as %s, found %zu with %lld",
                                           count, name, found, static_cast<long long>(numbers[i])));
        values[i] = static_cast<std::size_t>(numbers[i]);
    }
    return nullptr;
}

std::size_t get_number(const OrtApi& api, const OrtKernelInfo* info, const char* name, std::size_t otherwise) {
    std::int64_t value = 0;
    if (OrtStatus* missing = api.KernelInfoGetAttribute_int64(info, name, &value); missing != nullptr) {
        api.ReleaseStatus(missing);
        return otherwise;
    }
    return value < 0 ? 0 : static_cast<std::size_t>(value);
}

float get_float(const OrtApi& api, const OrtKernelInfo* info, const char* name, float otherwise) {
    float value = 0;
    if (OrtStatus* missing = api.KernelInfoGetAttribute_float(info, name, &value); missing != nullptr) {
        api.ReleaseStatus(missing);
        return otherwise;
    }
    return value;
}

/// Padding by rule is refused: it depends on the input's size, which a plan does not know.
OrtStatus* refuse_auto_pad(const OrtApi& api, const OrtKernelInfo* info) {
    char rule[16] = {};
    std::size_t size = sizeof rule;
    if (OrtStatus* missing = api.KernelInfoGetAttribute_string(info, "auto_pad", rule, &size); missing != nullptr) {
        api.ReleaseStatus(missing);
        return nullptr;
    }
    if (std::strcmp(rule, "NOTSET") == 0 || std::strcmp(rule, "VALID") == 0)
        return nullptr;
    return to_ort(api, tern::make_error(tern::errc::unsupported, "TernConv: expected pads, found auto_pad %s", rule));
}

OrtStatus* get_geometry(const OrtApi& api, const OrtKernelInfo* info, tern::conv_geometry& g) {
    std::size_t strides[2] = {1, 1}, pads[4] = {}, dilations[2] = {1, 1};
    TERN_ORT_TRY(refuse_auto_pad(api, info));
    TERN_ORT_TRY(get_numbers(api, info, "strides", 2, strides));
    TERN_ORT_TRY(get_numbers(api, info, "pads", 4, pads));
    TERN_ORT_TRY(get_numbers(api, info, "dilations", 2, dilations));
    g.stride_h = strides[0], g.stride_w = strides[1];
    g.padding = {pads[0], pads[1], pads[2], pads[3]};  // both have the order top, left, bottom, right
    g.dilation_h = dilations[0], g.dilation_w = dilations[1];
    g.groups = get_number(api, info, "group", 1);
    return nullptr;
}

/// An initializer, or null if `optional` and the node does not have the input.
OrtStatus* get_initializer(const OrtApi& api, const OrtKernelInfo* info, std::size_t index, const char* name,
                           bool optional, const OrtValue*& tensor) {
    std::size_t inputs = 0, length = 0;
    TERN_ORT_TRY(api.KernelInfo_GetInputCount(info, &inputs));
    tensor = nullptr;
    if (optional && inputs <= index)
        return nullptr;
    TERN_ORT_TRY(api.KernelInfo_GetInputName(info, index, nullptr, &length));
    if (optional && length <= 1)
        return nullptr;
    int constant = 0;
    TERN_ORT_TRY(api.KernelInfoGetConstantInput_tensor(info, index, &constant, &tensor));
    if (constant == 0 || tensor == nullptr)
        return to_ort(api, tern::make_error(tern::errc::invalid_argument,
                                            "TernConv: expected %s as an initializer, found a tensor that runs compute",
                                            name));
    return nullptr;
}

void run_on_session_threads(void* context, std::size_t n, void (*task)(void*, std::size_t), void* arg);

class tern_conv {
public:
    explicit tern_conv(const OrtApi& api) : api_(api) {}
    ~tern_conv() {
        if (memory_ != nullptr)
            api_.ReleaseAllocator(memory_);
    }
    tern_conv(const tern_conv&) = delete;
    tern_conv& operator=(const tern_conv&) = delete;

    const OrtApi& api() const { return api_; }

    OrtStatus* make(const OrtKernelInfo* info) {
        TERN_ORT_TRY(api_.KernelInfoGetAllocator(info, OrtMemTypeDefault, &memory_));
        const OrtValue *weight = nullptr, *bias = nullptr;
        TERN_ORT_TRY(get_initializer(api_, info, 1, "W", false, weight));
        TERN_ORT_TRY(get_initializer(api_, info, 2, "B", true, bias));
        dimensions w, b;
        TERN_ORT_TRY(get_shape(api_, weight, "W", w));
        if (bias != nullptr)
            TERN_ORT_TRY(get_shape(api_, bias, "B", b));
        if (w.count != 4 || (bias != nullptr && (b.count != 1 || b.size[0] != w.size[0])))
            return to_ort(api_,
                          tern::make_error(tern::errc::invalid_argument,
                                           "TernConv: expected W [O, C/group, kh, kw] and B [O], found %zu and %zu "
                                           "dimensions, %lld channels and %lld biases",
                                           w.count, b.count, static_cast<long long>(w.size[0]),
                                           static_cast<long long>(b.size[0])));
        tern::conv_geometry geometry;
        TERN_ORT_TRY(get_geometry(api_, info, geometry));
        slices_ = get_number(api_, info, "slices", 0);
        slices_ = slices_ != 0 ? slices_ : std::thread::hardware_concurrency();
        const tern::ternary_thresholds levels{get_float(api_, info, "hi", 0.5f), get_float(api_, info, "lo", -0.5f)};
        const auto size = [&](int d) { return static_cast<std::size_t>(w.size[d]); };
        return make_plan(floats_of(api_, weight), {size(0), size(1), size(2), size(3)},
                         bias == nullptr ? nullptr : floats_of(api_, bias), levels, geometry);
    }

    OrtStatus* compute(OrtKernelContext* context) const {
        const OrtValue* x = nullptr;
        TERN_ORT_TRY(api_.KernelContext_GetInput(context, 0, &x));
        dimensions in;
        TERN_ORT_TRY(get_shape(api_, x, "X", in));
        if (in.count != 4 || static_cast<std::size_t>(in.size[1]) != plan_.in_channels())
            return to_ort(api_,
                          tern::make_error(tern::errc::invalid_argument,
                                           "TernConv: expected X [n, %zu, h, w], found %zu dimensions, %lld channels",
                                           plan_.in_channels(), in.count, static_cast<long long>(in.size[1])));
        const auto size = [&](int d) { return static_cast<std::size_t>(in.size[d]); };
        const auto shape = plan_.output_shape({size(0), size(2), size(3)});
        if (!shape.ok())
            return to_ort(api_, shape.status());
        const std::int64_t out[4] = {in.size[0], static_cast<std::int64_t>(plan_.out_channels()),
                                     static_cast<std::int64_t>(shape->h), static_cast<std::int64_t>(shape->w)};
        OrtValue* y = nullptr;
        void* results = nullptr;
        TERN_ORT_TRY(api_.KernelContext_GetOutput(context, 0, out, 4, &y));
        TERN_ORT_TRY(api_.GetTensorMutableData(y, &results));
        return run({tern::nchw(floats_of(api_, x), size(0), size(1), size(2), size(3)),
                    tern::nchw(static_cast<float*>(results), size(0), plan_.out_channels(), shape->h, shape->w)},
                   context);
    }

private:
    OrtStatus* make_plan(const float* weight, const tern::weight_shape& shape, const float* bias,
                         const tern::ternary_thresholds& levels, const tern::conv_geometry& geometry) {
        const auto weights = tern::quantize_merged(weight, shape, "W", bias);
        if (!weights.ok())
            return to_ort(api_, weights.status());
        auto plan = tern::float_conv2d::create(*weights, {levels}, geometry);
        if (!plan.ok())
            return to_ort(api_, plan.status());
        plan_ = std::move(*plan);
        return nullptr;
    }

    /// With a workspace of the session's own memory, which its arena keeps for the next run.
    OrtStatus* run(const tern::float_conv2d_args& args, OrtKernelContext* context) const {
        constexpr std::size_t alignment = 64;
        std::pair<const OrtApi*, OrtKernelContext*> caller{&api_, context};
        const tern::executor threads{&caller, &run_on_session_threads, slices_};
        const std::size_t bytes = plan_.workspace_bytes({args.input.n, args.input.h, args.input.w}, slices_);
        if (bytes > SIZE_MAX - alignment)
            return api_.CreateStatus(ORT_INVALID_ARGUMENT, "TernConv: the workspace overflows");
        void* memory = nullptr;
        TERN_ORT_TRY(api_.AllocatorAlloc(memory_, bytes + alignment, &memory));
        std::size_t room = bytes + alignment;
        void* scratch = memory;
        std::align(alignment, bytes, scratch, room);
        const tern::status done = plan_.run(args, {scratch, bytes}, threads);
        TERN_ORT_TRY(api_.AllocatorFree(memory_, memory));
        return to_ort(api_, done);
    }

    const OrtApi& api_;
    OrtAllocator* memory_ = nullptr;
    std::size_t slices_ = 1;
    tern::float_conv2d plan_{};
};

/// ONNX Runtime runs tasks on the thread pool of the session that the context belongs to.
void run_on_session_threads(void* context, std::size_t n, void (*task)(void*, std::size_t), void* arg) {
    using job = std::pair<void (*)(void*, std::size_t), void*>;
    const auto& [api, kernel] = *static_cast<std::pair<const OrtApi*, OrtKernelContext*>*>(context);
    job tasks{task, arg};
    OrtStatus* failed = api->KernelContext_ParallelFor(
        kernel, [](void* j, std::size_t i) { static_cast<job*>(j)->first(static_cast<job*>(j)->second, i); }, n, 0,
        &tasks);
    if (failed == nullptr)
        return;
    api->ReleaseStatus(failed);  // no threads, and nothing was run: this thread does it
    for (std::size_t i = 0; i < n; ++i)
        task(arg, i);
}

OrtStatus* create(const OrtCustomOp*, const OrtApi* api, const OrtKernelInfo* info, void** kernel) {
    std::unique_ptr<tern_conv> made(new (std::nothrow) tern_conv(*api));
    if (made == nullptr)
        return api->CreateStatus(ORT_FAIL, "TernConv: out of memory");
    TERN_ORT_TRY(made->make(info));
    *kernel = made.release();
    return nullptr;
}

/// What ONNX Runtime asks of an operator. Static data of this library, as sessions keep a pointer to it.
OrtCustomOp make_operator() {
    OrtCustomOp op{};
    op.version = api_version;
    op.GetName = [](const OrtCustomOp*) { return "TernConv"; };
    op.GetExecutionProviderType = [](const OrtCustomOp*) -> const char* { return nullptr; };  // the CPU's
    op.GetInputTypeCount = [](const OrtCustomOp*) { return std::size_t{3}; };
    op.GetInputType = [](const OrtCustomOp*, std::size_t) { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; };
    op.GetInputCharacteristic = [](const OrtCustomOp*, std::size_t i) {
        return i == 2 ? INPUT_OUTPUT_OPTIONAL : INPUT_OUTPUT_REQUIRED;
    };
    op.GetInputMemoryType = [](const OrtCustomOp*, std::size_t) { return OrtMemTypeDefault; };
    op.GetOutputTypeCount = [](const OrtCustomOp*) { return std::size_t{1}; };
    op.GetOutputType = [](const OrtCustomOp*, std::size_t) { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; };
    op.GetOutputCharacteristic = [](const OrtCustomOp*, std::size_t) { return INPUT_OUTPUT_REQUIRED; };
    op.GetVariadicInputMinArity = [](const OrtCustomOp*) { return 0; };
    op.GetVariadicInputHomogeneity = [](const OrtCustomOp*) { return 0; };
    op.GetVariadicOutputMinArity = [](const OrtCustomOp*) { return 0; };
    op.GetVariadicOutputHomogeneity = [](const OrtCustomOp*) { return 0; };
    op.GetStartVersion = [](const OrtCustomOp*) { return 1; };
    op.GetEndVersion = [](const OrtCustomOp*) { return 1; };
    op.CreateKernelV2 = &create;
    op.KernelComputeV2 = [](void* kernel, OrtKernelContext* context) {
        return static_cast<tern_conv*>(kernel)->compute(context);
    };
    op.KernelDestroy = [](void* kernel) { delete static_cast<tern_conv*>(kernel); };
    return op;
}

struct domain {
    OrtCustomOp op = make_operator();
    OrtCustomOpDomain* made = nullptr;
    OrtStatus* failed = nullptr;

    explicit domain(const OrtApi& api) {
        failed = api.CreateCustomOpDomain("tern", &made);
        if (failed == nullptr)
            failed = api.CustomOpDomain_Add(made, &op);
    }
};

}  // namespace

/// What RegisterCustomOpsLibrary calls (in Python: SessionOptions.register_custom_ops_library).
extern "C"
#ifdef _WIN32
    __declspec(dllexport)
#else
    __attribute__((visibility("default")))
#endif
        OrtStatus* ORT_API_CALL RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base) {
    const OrtApi* api = base->GetApi(api_version);
    if (api == nullptr)
        return base->GetApi(1)->CreateStatus(ORT_FAIL, "tern: expected ONNX Runtime 1.18 or later");
    static domain ours(*api);  // lives as long as the library, longer than any session
    if (ours.failed != nullptr)
        return api->CreateStatus(ORT_FAIL, api->GetErrorMessage(ours.failed));
    return api->AddCustomOpDomain(options, ours.made);
}
