// Tensors of bytes in memory that shows every access beside their elements: inputs between pages that nobody may touch,
// outputs among guard bytes.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include <tern/core/tensor.hpp>

#include "arrays.hpp"

#if __has_include(<sys/mman.h>) && __has_include(<unistd.h>)
#include <sys/mman.h>
#include <unistd.h>
#define TERN_TEST_HAS_PAGES 1
#else
#define TERN_TEST_HAS_PAGES 0
#endif

namespace tern_test {

/// `size` bytes that end in front of a page without access, or begin behind one.
class fenced_bytes {
public:
    fenced_bytes(std::size_t size, bool at_begin) {
#if TERN_TEST_HAS_PAGES
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        const std::size_t inner = (size + page - 1) / page * page;
        bytes_ = inner + 2 * page;
        memory_ = static_cast<unsigned char*>(
            mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        REQUIRE(memory_ != MAP_FAILED);
        REQUIRE(mprotect(memory_, page, PROT_NONE) == 0);
        REQUIRE(mprotect(memory_ + page + inner, page, PROT_NONE) == 0);
        data_ = memory_ + page + (at_begin ? 0 : inner - size);
#else
        (void)at_begin;
        memory_ = data_ = new unsigned char[size];
#endif
        std::memset(data_, 0xdb, size);
    }
    fenced_bytes(const fenced_bytes&) = delete;
    fenced_bytes& operator=(const fenced_bytes&) = delete;
    ~fenced_bytes() {
#if TERN_TEST_HAS_PAGES
        munmap(memory_, bytes_);
#else
        delete[] memory_;
#endif
    }
    unsigned char* data() { return data_; }

private:
    unsigned char *memory_ = nullptr, *data_ = nullptr;
    std::size_t bytes_ = 0;
};

/// Where the elements of a tensor lie: any pitches, rows perhaps from the last to the first.
struct loose_places {
    tern::tensor_view<const std::uint8_t> view{};  ///< without data
    std::size_t first = 0, size = 0;               ///< of element 0, and of all from the lowest to the highest

    loose_places(std::size_t n, std::size_t h, std::size_t w, std::size_t c, bool dense, std::mt19937& random) {
        view = tern::nhwc<const std::uint8_t>(nullptr, n, h, w, c);
        if (!dense) {
            view.stride_w += static_cast<std::ptrdiff_t>(random() % 4);
            view.stride_h = static_cast<std::ptrdiff_t>(w) * view.stride_w + static_cast<std::ptrdiff_t>(random() % 6);
            view.stride_n = static_cast<std::ptrdiff_t>(h) * view.stride_h + static_cast<std::ptrdiff_t>(random() % 8);
        }
        const auto reach = [&](std::size_t extent, std::ptrdiff_t stride) {
            return (extent - 1) * static_cast<std::size_t>(stride);
        };
        size = reach(n, view.stride_n) + reach(h, view.stride_h) + reach(w, view.stride_w) + c;
        if (!dense && random() % 4 == 0) {
            first = reach(h, view.stride_h);
            view.stride_h = -view.stride_h;
        }
    }
    std::size_t place(std::size_t n, std::size_t y, std::size_t x, std::size_t c) const {
        return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(first) + view.offset(n, y, x, c));
    }
    /// Calls visit(place) for elements [n][y][x][c] in their order.
    template <class Visit>
    void each(Visit&& visit) const {
        for (std::size_t n = 0; n < view.n; ++n)
            for (std::size_t y = 0; y < view.h; ++y)
                for (std::size_t x = 0; x < view.w; ++x)
                    for (std::size_t c = 0; c < view.c; ++c)
                        visit(place(n, y, x, c));
    }
};

/// An input of the codes [n][y][x][c], as bytes.
class loose_input {
public:
    loose_input(const std::vector<int>& codes, std::size_t n, std::size_t h, std::size_t w, std::size_t c, bool dense,
                std::mt19937& random)
        : places_(n, h, w, c, dense, random), memory_(places_.size, random() % 2 == 0) {
        std::size_t next = 0;
        places_.each([&](std::size_t at) { memory_.data()[at] = static_cast<unsigned char>(codes[next++]); });
    }
    tern::tensor_view<const std::uint8_t> view() {
        tern::tensor_view<const std::uint8_t> v = places_.view;
        v.data = memory_.data() + places_.first;
        return v;
    }

private:
    loose_places places_;
    fenced_bytes memory_;
};

/// An output at any address.
class loose_output {
public:
    loose_output(std::size_t n, std::size_t h, std::size_t w, std::size_t c, bool dense, std::mt19937& random)
        : places_(n, h, w, c, dense, random), shift_(random() % 64), memory_(places_.size + shift_) {}
    tern::tensor_view<std::uint8_t> view() {
        const tern::tensor_view<const std::uint8_t>& v = places_.view;
        return {memory_.data() + shift_ + places_.first,
                v.n,
                v.h,
                v.w,
                v.c,
                v.stride_n,
                v.stride_h,
                v.stride_w,
                v.stride_c};
    }
    /// How many elements are others than these codes, or one more than all if anything beside them was written.
    std::size_t differences(const std::vector<int>& codes) const {
        std::vector<unsigned char> expected(memory_.size(), guarded_array<unsigned char>::guard);
        std::size_t next = 0;
        places_.each([&](std::size_t at) { expected[shift_ + at] = static_cast<unsigned char>(codes[next++]); });
        if (memory_.guards_intact() && std::memcmp(expected.data(), memory_.data(), expected.size()) == 0)
            return 0;
        std::size_t different = 0;
        places_.each([&](std::size_t at) { different += memory_[shift_ + at] != expected[shift_ + at]; });
        return different != 0 ? different : codes.size() + 1;
    }

private:
    loose_places places_;
    std::size_t shift_;
    guarded_array<unsigned char> memory_;
};

}  // namespace tern_test
