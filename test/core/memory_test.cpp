#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include <tern/core/memory.hpp>

#include "../support/arrays.hpp"
#include "../support/failing_allocator.hpp"

namespace {

/// Hands out one piece of memory full of garbage and remembers what it was asked for.
struct recording_allocator {
    alignas(64) unsigned char memory[4096];
    std::size_t bytes = 0, alignment = 0, freed_bytes = 0, freed_alignment = 0, frees = 0;

    tern::allocator get() {
        std::memset(memory, 0xa5, sizeof memory);
        return {this,
                [](void* ctx, std::size_t wanted_bytes, std::size_t wanted_alignment) -> void* {
                    auto& self = *static_cast<recording_allocator*>(ctx);
                    self.bytes = wanted_bytes;
                    self.alignment = wanted_alignment;
                    return self.memory;
                },
                [](void* ctx, void* p, std::size_t its_bytes, std::size_t its_alignment) {
                    auto& self = *static_cast<recording_allocator*>(ctx);
                    CHECK(p == self.memory);
                    self.freed_bytes = its_bytes;
                    self.freed_alignment = its_alignment;
                    ++self.frees;
                }};
    }
};

}  // namespace

static_assert(!std::is_copy_constructible_v<tern::buffer<int>>);
static_assert(!std::is_copy_assignable_v<tern::buffer<int>>);
static_assert(std::is_nothrow_move_constructible_v<tern::buffer<int>>);

TEST_CASE("a buffer is aligned, filled with zeros and as large as it says") {
    for (const std::size_t size : tern_test::sizes{1, 3, 64, 1000}) {
        auto b = tern::make_buffer<std::int32_t>(size);
        REQUIRE(b.ok());
        CHECK(b->size() == size);
        CHECK(b->bytes() == 4 * size);
        CHECK_FALSE(b->empty());
        CHECK(reinterpret_cast<std::uintptr_t>(b->data()) % tern::buffer_alignment == 0);
        CHECK(b->end() - b->begin() == static_cast<std::ptrdiff_t>(size));
        bool zero = true;
        for (const std::int32_t v : *b)
            zero = zero && v == 0;
        CHECK(zero);
        (*b)[size - 1] = 7;
        CHECK(std::as_const(*b)[size - 1] == 7);
    }
}

TEST_CASE("a caller's allocator gets sizes and alignments, for both calls alike") {
    recording_allocator memory;
    {
        auto b = tern::make_buffer<std::uint64_t>(100, memory.get());
        REQUIRE(b.ok());
        CHECK(memory.bytes == 800);
        CHECK(memory.alignment == 64);
        CHECK((*b)[99] == 0);
        CHECK(b->memory().ctx == &memory);
    }
    CHECK(memory.frees == 1);
    CHECK(memory.freed_bytes == 800);
    CHECK(memory.freed_alignment == 64);
}

TEST_CASE("an empty buffer needs no memory") {
    test::failing_allocator memory(0);
    const auto b = tern::make_buffer<float>(0, memory.get());
    REQUIRE(b.ok());
    CHECK(b->empty());
    CHECK(b->data() == nullptr);
    CHECK(tern::buffer<float>{}.empty());
}

TEST_CASE("moved buffers free their memory once") {
    test::failing_allocator memory(2);
    {
        auto a = tern::make_buffer<char>(10, memory.get());
        auto b = tern::make_buffer<char>(20, memory.get());
        REQUIRE(b.ok());
        CHECK(memory.held() == 2);
        char* const first = a->data();
        tern::buffer<char> moved(std::move(*a));
        CHECK(moved.data() == first);
        CHECK(a->data() == nullptr);
        CHECK(a->empty());
        moved = std::move(*b);
        CHECK(moved.size() == 20);
        CHECK(b->data() == nullptr);
        CHECK(b->empty());
        CHECK(memory.held() == 1);
        tern::buffer<char>& same = moved;
        moved = std::move(same);
        CHECK(moved.size() == 20);
    }
    CHECK(memory.held() == 0);
}

TEST_CASE("memory that cannot be had is a status") {
    test::failing_allocator memory(0);
    const auto refused = tern::make_buffer<float>(10, memory.get());
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.status().code() == tern::errc::out_of_memory);
    CHECK(std::string(refused.message()) == "the allocator returned null for 40 bytes");

    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    for (const tern::checked_size size :
         {tern::checked_size(most / 4 + 1), tern::checked_size(most), tern::checked_size(1, false)}) {
        const auto large = tern::make_buffer<float>(size);
        REQUIRE_FALSE(large.ok());
        CHECK(large.status().code() == tern::errc::out_of_memory);
        CHECK(std::string(large.message()).find("overflows") != std::string::npos);
    }
}

TEST_CASE("allocators with one function, and memory that is not aligned, are refused and nothing is kept") {
    test::failing_allocator memory(2);
    for (const bool frees : {false, true}) {
        tern::allocator half = memory.get();
        if (frees)
            half.allocate = nullptr;
        else
            half.deallocate = nullptr;
        CHECK(tern::make_buffer<int>(3, half).status().code() == tern::errc::invalid_argument);
        CHECK(memory.held() == 0);
    }
    alignas(64) static unsigned char bytes[64];
    static int held = 0;
    const tern::allocator odd{nullptr,
                              [](void*, std::size_t, std::size_t) -> void* {
                                  ++held;
                                  return bytes + 4;
                              },
                              [](void*, void*, std::size_t, std::size_t) { --held; }};
    const auto refused = tern::make_buffer<int>(3, odd);
    CHECK(refused.status().code() == tern::errc::invalid_argument);
    CHECK(std::string(refused.message()).find("aligned to 64") != std::string::npos);
    CHECK(held == 0);
}

TEST_CASE("copies") {
    const int values[3] = {1, 2, 3};
    const auto copy = tern::copy_to_buffer(values, 3);
    REQUIRE(copy.ok());
    CHECK(std::memcmp(copy->data(), values, sizeof values) == 0);
    CHECK(tern::copy_to_buffer<int>(nullptr, 0).ok());
    CHECK(tern::copy_to_buffer<int>(nullptr, 3).status().code() == tern::errc::invalid_argument);
    test::failing_allocator memory(0);
    CHECK_FALSE(tern::copy_to_buffer(values, 3, memory.get()).ok());
}
