// What tests of the reader of STTN networks share.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "../support/check_refused.hpp"
#include "network_support.hpp"
#include "packed_sttn.hpp"

namespace tern_test {

template <class T>
bool same_values(const tern::buffer<T>& a, const tern::buffer<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.bytes()) == 0);
}
inline bool same_values(const tern::folded_norm& a, const tern::folded_norm& b) {
    return same_values(a.factor, b.factor) && same_values(a.shift, b.shift);
}

/// Bit for bit, but for what the file's metadata says.
inline bool same_network(const tern::sttn_network& a, const tern::sttn_network& b) {
    bool equal = same_values(a.stem, b.stem) && same_values(a.stem_norm, b.stem_norm) &&
                 same_values(a.stem_slope, b.stem_slope) && a.stem_stride == b.stem_stride &&
                 a.stem_padding == b.stem_padding && a.pool == b.pool && a.classes == b.classes &&
                 same_values(a.fc_weight, b.fc_weight) && same_values(a.fc_bias, b.fc_bias) &&
                 a.blocks.size() == b.blocks.size();
    for (std::size_t i = 0; equal && i < a.blocks.size(); ++i) {
        equal = a.blocks[i].name == b.blocks[i].name && a.blocks[i].stride == b.blocks[i].stride;
        for (std::size_t k = 0; equal && k < 2; ++k) {
            const tern::sttn_unit &x = a.blocks[i].units[k], &y = b.blocks[i].units[k];
            equal = same_values(x.before, y.before) && same_values(x.after, y.after) && same_values(x.slope, y.slope) &&
                    same_values(x.weights.planes, y.weights.planes) && same_values(x.weights.scale, y.weights.scale) &&
                    same_values(x.weights.bias, y.weights.bias);
        }
    }
    return equal;
}

/// Reading a file fails with a code, in a sentence that has the words.
inline void refuses_sttn(const edited_file& file, tern::errc code, const std::vector<std::string>& words,
                         const tern::sttn_options& options = {}) {
    const auto net = file.read(options);
    REQUIRE_FALSE(net.ok());
    check_refused(net.status(), code, words);
}

/// The packed form of a file of the test data.
inline edited_file packed_form(const std::string& name, const tern::sttn_options& options = {}) {
    return packed_sttn_writer::write(load(data_path(name), options));
}

}  // namespace tern_test
