#include "session.hpp"

#include <cstdio>
#include <cstdlib>

runtime::runtime(const char* operators_path) : operators(operators_path) {
    api = OrtGetApiBase()->GetApi(18);
    if (api == nullptr) {
        std::fprintf(stderr, "expected ONNX Runtime 1.18 or later, found %s\n", OrtGetApiBase()->GetVersionString());
        std::exit(1);
    }
    check(api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "tern", &env));
}

runtime::~runtime() { api->ReleaseEnv(env); }

void runtime::check(OrtStatus* status) const {
    const std::string message = take(status);
    if (!message.empty()) {
        std::fprintf(stderr, "ONNX Runtime: %s\n", message.c_str());
        std::exit(1);
    }
}

std::string runtime::take(OrtStatus* status) const {
    if (status == nullptr)
        return {};
    const std::string message = api->GetErrorMessage(status);
    api->ReleaseStatus(status);
    return message.empty() ? "an error without a message" : message;
}

session::session(const runtime& r, const std::string& model, int threads, std::string& error) : runtime_(r) {
    OrtSessionOptions* options = nullptr;
    r.check(r.api->CreateSessionOptions(&options));
    r.check(r.api->SetIntraOpNumThreads(options, threads));
    r.check(r.api->RegisterCustomOpsLibrary_V2(options, r.operators.c_str()));
    error = r.take(r.api->CreateSessionFromArray(r.env, model.data(), model.size(), options, &session_));
    r.api->ReleaseSessionOptions(options);
    r.check(r.api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory_));
}

session::~session() {
    runtime_.api->ReleaseMemoryInfo(memory_);
    if (session_ != nullptr)
        runtime_.api->ReleaseSession(session_);
}

std::string session::run(const std::vector<bound>& inputs, const std::vector<bound>& outputs) const {
    const OrtApi& api = *runtime_.api;
    std::vector<OrtValue*> values;
    std::vector<const char*> names;
    for (const auto* list : {&inputs, &outputs})
        for (const bound& b : *list) {
            OrtValue* v = nullptr;
            runtime_.check(
                api.CreateTensorWithDataAsOrtValue(memory_, b.data, b.bytes, b.dims.data(), b.dims.size(), b.type, &v));
            values.push_back(v);
            names.push_back(b.name);
        }
    const std::size_t count = inputs.size();
    std::string error = runtime_.take(api.Run(session_, nullptr, names.data(), values.data(), count,
                                              names.data() + count, outputs.size(), values.data() + count));
    for (OrtValue* v : values)
        api.ReleaseValue(v);
    return error;
}
