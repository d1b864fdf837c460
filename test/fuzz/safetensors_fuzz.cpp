// Any bytes as a safetensors file: an error, or tensors that can be read.
#include <cstddef>
#include <cstdint>

#include <tern/model/safetensors.hpp>

#include "read_all.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (const auto file = tern::safetensors_file::load(data, size); file.ok())
        tern_test::read_all(*file);
    return 0;
}
