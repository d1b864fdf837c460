// Any bytes as a network file or a safetensors state dict: an error, or a graph that passes its check and can be
// printed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <tern/model/graph/print.hpp>
#include <tern/model/graph/shapes.hpp>
#include <tern/model/network_reader.hpp>
#include <tern/model/safetensors.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto file = tern::safetensors_file::load(data, size);
    if (!file.ok())
        return 0;
    const auto model = tern::read_network(*file);
    if (!model.ok())
        return 0;
    if (!tern::check_network_model(*model).ok() || tern::to_text(model->g).empty())
        std::abort();
    (void)tern::infer_shapes(model->g, {{1, 16, 16}}).ok();
    return 0;
}
