// CRC-32, the checksum of zip and PNG files (polynomial 0xedb88320, bits reflected, start and end inverted).
#pragma once

#include <cstddef>
#include <cstdint>

#include "config.hpp"

TERN_BEGIN_NAMESPACE

namespace crc32_detail {

struct byte_table {
    std::uint32_t at[256] = {};

    constexpr byte_table() noexcept {
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t rest = i;
            for (int bit = 0; bit < 8; ++bit)
                rest = (rest & 1u) != 0 ? rest >> 1 ^ 0xedb88320u : rest >> 1;
            at[i] = rest;
        }
    }
};

}  // namespace crc32_detail

/// The checksum of `size` bytes, at any address; 0 of none. As zlib's crc32(0, data, size).
inline std::uint32_t crc32_of(const void* data, std::size_t size) noexcept {
    static constexpr crc32_detail::byte_table table{};
    const auto* const bytes = static_cast<const unsigned char*>(data);
    std::uint32_t sum = 0xffffffffu;
    for (std::size_t i = 0; i < size; ++i)
        sum = sum >> 8 ^ table.at[(sum ^ bytes[i]) & 0xffu];
    return ~sum;
}

TERN_END_NAMESPACE
