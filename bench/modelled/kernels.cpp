// The kernels of the level TERN_TARGET, and facts of its families where objects.py reads them. Compiled by bench/model.
#include <tern/kernel/target_tu.hpp>

namespace tern {
namespace kernel {

// All of 64 bits but the name: objects.py knows this layout.
struct product_facts {
    strip_kernel sums;
    char name[16];
    std::uint64_t pixels, channels, step_channels, step_bytes, panel_step_bytes;
    std::uint64_t period;  // steps between two emptyings of narrow sums; 0: sums are wide
};

constexpr bool begins_with(const char* name, const char* first) {
    for (; *first != 0; ++first, ++name)
        if (*name != *first)
            return false;
    return true;
}

constexpr std::uint64_t period_of(const product_family& f) {
    if (begins_with(f.name, "popcount"))
        return simd::dot_counter::period;
    if (begins_with(f.name, "bits"))
        return simd::bit_counter::period;
    if (begins_with(f.name, "dot")) {
#if TERN_CAN_DOT_BYTES_SHORT
        if (begins_with(f.name, "dot_narrow") || begins_with(f.name, "dot_2bit"))
            return 64 / simd::narrow_dot::pairs;  // of ternary weights x int8
#endif
        return 0;
    }
    if (begins_with(f.name, "lookup_bits"))
        return 255 / 64;
    return 127 / f.step_channels;  // a signed byte holds 127 products; a twin's 4-bit fields come to the same
}

constexpr product_facts facts_of(const product_family& f, const char* name) {
    product_facts facts = {f.strips[0],     {},           f.tile_pixels,      f.tile_channels,
                           f.step_channels, f.step_bytes, f.panel_step_bytes, period_of(f)};
    for (int i = 0; name[i] != 0 && i < 15; ++i)
        facts.name[i] = name[i];
    return facts;
}

/// The families, and the products of Winograd's points.
struct all_facts {
    static constexpr std::size_t points = winograd_form_count == 0 ? 0 : 1;
    product_facts of[families.count + points] = {};

    constexpr all_facts() {
        for (std::size_t i = 0; i < families.count; ++i)
            of[i] = facts_of(families.of[i], families.of[i].name);
        for (std::size_t i = 0; i < points; ++i)
            of[families.count + i] = facts_of(winograd_forms_of_level[i].product, "dot_points");
    }
};

extern const all_facts model_facts;
__attribute__((section("tern_model"), used)) constexpr all_facts model_facts;

}  // namespace kernel
}  // namespace tern
