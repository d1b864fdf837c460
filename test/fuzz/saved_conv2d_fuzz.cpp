// Any bytes as a saved convolution, with the size and the checksum that they should have: an error in little memory, or
// what is saved as the same bytes again and can be run.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include <tern/core/crc32.hpp>
#include <tern/op/saved_conv2d.hpp>

#include "../support/plan_outputs.hpp"

namespace {

void* allocate(void* ctx, std::size_t bytes, std::size_t alignment) {
    *static_cast<std::size_t*>(ctx) += bytes;
    return ::operator new (bytes, std::align_val_t{alignment}, std::nothrow);
}
void deallocate(void*, void* p, std::size_t, std::size_t alignment) {
    ::operator delete (p, std::align_val_t{alignment});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)tern::read_saved_conv2d(data, size).ok();
    if (size < 24)
        return 0;
    std::vector<unsigned char> bytes(data, data + size);
    const std::uint64_t all = size;
    std::memcpy(bytes.data() + 16, &all, sizeof all);
    const std::uint32_t sum = tern::crc32_of(bytes.data() + 16, size - 16);
    std::memcpy(bytes.data() + 12, &sum, sizeof sum);

    std::size_t asked = 0;
    const auto saved = tern::read_saved_conv2d(bytes.data(), size, {&asked, allocate, deallocate});
    if (asked > 90 * size)
        std::abort();
    if (!saved.ok())
        return 0;
    std::vector<unsigned char> again(tern::saved_bytes(saved->description()));
    if (!tern::save_conv2d(saved->description(), again.data(), again.size()).ok() || again != bytes)
        std::abort();
    const auto plan = tern::create_conv2d(saved->description());
    tern::status s;
    if (plan.ok() && !tern_test::plan_outputs(*plan, saved->chain, {1, 5, 5}, 1, s).empty() && !s.ok() &&
        s.message()[0] == '\0')
        std::abort();
    return 0;
}
