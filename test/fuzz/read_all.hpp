// Reads every element of a file's tensors, so that sanitizers see each of its bytes.
#pragma once

#include <cstdint>
#include <vector>

#include <tern/model/safetensors.hpp>

namespace tern_test {

inline void read_all(const tern::tensor_file& file) {
    for (const tern::tensor_info& t : file.tensors()) {
        std::vector<double> doubles(t.count());
        std::vector<std::int64_t> ints(t.count());
        // Either may refuse the type or the values.
        (void)tern::read_doubles(t, doubles.data(), doubles.size()).ok();
        (void)tern::read_ints(t, ints.data(), ints.size()).ok();
    }
}

}  // namespace tern_test
