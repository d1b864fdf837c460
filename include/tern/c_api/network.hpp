// Networks from files in C.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "conv2d.hpp"
#include "object.hpp"
#include "structs.hpp"

// 1: the library has <tern/model.hpp>.
#ifndef TERN_C_NETWORKS
#define TERN_C_NETWORKS 0
#endif
#if TERN_C_NETWORKS
#include "../model/graph/planned_graph.hpp"
#include "../model/network_reader.hpp"

TERN_BEGIN_NAMESPACE
namespace c_api {

/// What is left of a network model when its graph is planned.
struct planned_network {
    planned_graph plan{};
    std::size_t channels = 0, border = 0;
    bool bytes = false;
    std::vector<std::string> class_names{};

    image_shape inner(tern_type type, const image_shape& images) const noexcept {
        const std::size_t around = type == TERN_TYPE_U8 ? 2 * border : 0;
        return {images.n, images.h + around, images.w + around};
    }
};

}  // namespace c_api
TERN_END_NAMESPACE

struct tern_network : tern::c_api::counted<tern::c_api::planned_network> {
    using counted::counted;
};

TERN_BEGIN_NAMESPACE
namespace c_api {

inline result<network_kind> kind_of(const char* word) {
    for (const network_kind kind : {network_kind::sttn, network_kind::stqn, network_kind::twn, network_kind::fatnn,
                                    network_kind::sttn_alexnet, network_kind::graph})
        if (std::strcmp(word, network_word(kind)) == 0)
            return kind;
    return make_error(
        errc::invalid_argument,
        "tern_network_options.kind: expected sttn, stqn, twn, fatnn, sttn_alexnet or graph, found '%.40s'", word);
}

inline result<preprocessing> preprocessing_of(const char* word) {
    for (const preprocessing p :
         {preprocessing::mnist, preprocessing::cifar10, preprocessing::imagenet, preprocessing::none})
        if (std::strcmp(word, preprocessing_name(p)) == 0)
            return p;
    return make_error(errc::invalid_argument,
                      "tern_network_options.preprocess: expected mnist, cifar10, imagenet or none, found '%.40s'",
                      word);
}

struct network_request {
    network_reader_options reader{};
    graph_options planning{};
    std::optional<preprocessing> pictures{};

    status read(const tern_network_options* given) {
        tern_network_options o;
        TERN_TRY(read_struct(given, o, "tern_network_options"));
        TERN_TRY(take(options_of(o.plan), planning.plan));
        if (o.u8_weights < TERN_IMAGE_F32 || o.u8_weights > TERN_IMAGE_7_BITS)
            return make_error(errc::invalid_argument,
                              "tern_network_options.u8_weights: expected a tern_image_weights, found %d",
                              static_cast<int>(o.u8_weights));
        planning.u8_weights = static_cast<image_weights>(o.u8_weights);
        planning.expected = {o.expected_n, o.expected_h, o.expected_w};
        reader.common.memory = planning.plan.memory;
        if (o.kind != nullptr) {
            const auto kind = kind_of(o.kind);
            if (!kind.ok())
                return kind.status();
            reader.kind = *kind;
        }
        if (o.preprocess != nullptr) {
            const auto p = preprocessing_of(o.preprocess);
            if (!p.ok())
                return p.status();
            pictures = *p;
        }
        return {};
    }

    result<planned_network> plan(const tensor_file& file) const {
        auto model = read_network(file, reader);
        if (!model.ok())
            return model.status();
        if (pictures)
            TERN_TRY(set_preprocessing(*model, *pictures, planning.plan.memory));
        const auto input = only_input(model->g);
        if (!input.ok())
            return input.status();
        planned_network to;
        to.channels = (*input)->channels;
        to.border = (*input)->border;
        to.bytes = (*input)->bytes;
        graph_options options = planning;
        options.u8_images = to.bytes;
        auto plan = planned_graph::create(model->g, options);
        if (!plan.ok())
            return plan.status();
        to.plan = std::move(*plan);
        to.class_names = std::move(model->class_names);
        return to;
    }
};

inline result<tensor_file> file_of(const void* bytes, std::size_t size) {
    const auto* data = static_cast<const unsigned char*>(bytes);
    const auto as_tensors = [](auto file) -> result<tensor_file> {
        TERN_TRY(file.status());
        return tensor_file(std::move(*file));
    };
    return is_checkpoint(data, size) ? as_tensors(checkpoint_file::load(data, size))
                                     : as_tensors(safetensors_file::load(data, size));
}

/// Plans what open() gives, a tensor_file.
template <class Open>
tern_status load_network_to(const tern_network_options* options, tern_network** network, Open&& open) {
    return guarded([&]() -> status {
        if (network == nullptr)
            return null_pointer("network");
        network_request request;
        TERN_TRY(request.read(options));
        const auto file = open();
        if (!file.ok())
            return file.status();
        return create_object(request.planning.plan.memory, network, [&] { return request.plan(*file); });
    });
}

inline status run_network(const planned_network& net, const tern_tensor* images, const tern_tensor* outputs,
                          std::size_t count, const workspace& scratch, const executor& threads) {
    constexpr std::size_t most = 64;
    if (images == nullptr || outputs == nullptr)
        return null_pointer(images == nullptr ? "images" : "outputs");
    if (count > most)
        return make_error(errc::invalid_argument, "expected at most %zu outputs, found %zu", most, count);
    graph_images input;
    if (images->type == TERN_TYPE_U8)
        TERN_TRY(need_tensor(images, TERN_TYPE_U8, "images", input.bytes));
    else
        TERN_TRY(need_tensor(images, TERN_F32, "images", input.floats));
    tensor_view<float> to[most];
    for (std::size_t i = 0; i < count; ++i)
        TERN_TRY(need_tensor(outputs + i, TERN_F32, "outputs", to[i]));
    return net.plan.run({&input, 1, to, count}, scratch, threads);
}

}  // namespace c_api
TERN_END_NAMESPACE

extern "C" {

TERN_C_API tern_status tern_network_load(const char* path, const tern_network_options* options,
                                         tern_network** network) {
    return tern::c_api::load_network_to(options, network, [&]() -> tern::result<tern::tensor_file> {
        if (path == nullptr)
            return tern::c_api::null_pointer("path");
        return tern::open_tensor_file(path);
    });
}

TERN_C_API tern_status tern_network_load_memory(const void* bytes, size_t size, const tern_network_options* options,
                                                tern_network** network) {
    return tern::c_api::load_network_to(options, network, [&]() -> tern::result<tern::tensor_file> {
        if (bytes == nullptr)
            return tern::c_api::null_pointer("bytes");
        return tern::c_api::file_of(bytes, size);
    });
}

TERN_C_API tern_network* tern_network_retain(tern_network* network) { return tern::c_api::retain(network); }
TERN_C_API void tern_network_release(tern_network* network) { tern::c_api::release(network); }

TERN_C_API size_t tern_network_input_channels(const tern_network* network) {
    return network == nullptr ? 0 : network->value.channels;
}
TERN_C_API size_t tern_network_output_count(const tern_network* network) {
    return network == nullptr ? 0 : network->value.plan.output_count();
}
TERN_C_API int tern_network_reads_u8(const tern_network* network) {
    return network != nullptr && network->value.bytes ? 1 : 0;
}
TERN_C_API const char* tern_network_class_name(const tern_network* network, size_t i) {
    return network == nullptr || i >= network->value.class_names.size() ? nullptr
                                                                        : network->value.class_names[i].c_str();
}

TERN_C_API tern_status tern_network_reshape(const tern_network* network, tern_type type, size_t n, size_t h, size_t w,
                                            size_t output, size_t slices, tern_network_shape* shape) {
    using namespace tern::c_api;
    return guarded([&]() -> tern::status {
        if (network == nullptr)
            return null_pointer("network");
        if (type != TERN_F32 && !(type == TERN_TYPE_U8 && network->value.bytes))
            return tern::make_error(tern::errc::invalid_argument, "type: expected f32%s, found %s (%d)",
                                    network->value.bytes ? " or u8" : " (nothing says what bytes are worth)",
                                    type_name(type), static_cast<int>(type));
        const tern::image_shape images = network->value.inner(type, {n, h, w});
        const auto out = network->value.plan.output_shape(output, images);
        if (!out.ok())
            return out.status();
        tern_network_shape to{};
        to.n = out->n;
        to.h = out->h;
        to.w = out->w;
        to.c = out->c;
        to.workspace_bytes = network->value.plan.workspace_bytes(images, one_of(slices));
        if (to.workspace_bytes == static_cast<std::size_t>(-1))
            return tern::make_error(tern::errc::out_of_memory, "%zu images of %zux%zu need more memory than there is",
                                    n, h, w);
        return write_struct(to, shape, "tern_network_shape");
    });
}

TERN_C_API tern_status tern_network_run(const tern_network* network, const tern_tensor* images,
                                        const tern_tensor* outputs, size_t output_count, tern_workspace workspace,
                                        const tern_executor* threads) {
    using namespace tern::c_api;
    return with_threads(network, threads, [&](const planned_network& value, const tern::executor& run_on) {
        return run_network(value, images, outputs, output_count, workspace_of(workspace), run_on);
    });
}
}

#else

TERN_BEGIN_NAMESPACE
namespace c_api {

inline tern_status without_networks() noexcept {
    return report(make_error(errc::unsupported, "this library was built without networks (CMake's TERN_MODEL)"));
}

}  // namespace c_api
TERN_END_NAMESPACE

extern "C" {

TERN_C_API tern_status tern_network_load(const char*, const tern_network_options*, tern_network**) {
    return tern::c_api::without_networks();
}
TERN_C_API tern_status tern_network_load_memory(const void*, size_t, const tern_network_options*, tern_network**) {
    return tern::c_api::without_networks();
}
TERN_C_API tern_network* tern_network_retain(tern_network* network) { return network; }
TERN_C_API void tern_network_release(tern_network*) {}
TERN_C_API size_t tern_network_input_channels(const tern_network*) { return 0; }
TERN_C_API size_t tern_network_output_count(const tern_network*) { return 0; }
TERN_C_API int tern_network_reads_u8(const tern_network*) { return 0; }
TERN_C_API const char* tern_network_class_name(const tern_network*, size_t) { return nullptr; }
TERN_C_API tern_status tern_network_reshape(const tern_network*, tern_type, size_t, size_t, size_t, size_t, size_t,
                                            tern_network_shape*) {
    return tern::c_api::without_networks();
}
TERN_C_API tern_status tern_network_run(const tern_network*, const tern_tensor*, const tern_tensor*, size_t,
                                        tern_workspace, const tern_executor*) {
    return tern::c_api::without_networks();
}
}

#endif
