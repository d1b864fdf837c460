// The tiles of the level TERN_TARGET, and their facts where objects.py reads them. Compiled by bench/model. Not by way of
// kernel/target_tu.hpp: its table would need the code of all other kernels, too.
#include <tern/kernel/all.hpp>

namespace tern {
namespace kernel {

// All of 64 bits but the name: objects.py knows this layout.
struct tile_facts {
    void (*tile)(const dot_tile_args&);
    char name[16];
    std::uint64_t pixels, channels, step_channels, step_bytes, panel_step_bytes;
    std::uint64_t period;  // steps between two emptyings of narrow sums; 0: sums are wide
};

constexpr tile_facts facts_of(const dot_family& f) {
    tile_facts facts = {
        f.tile, {}, f.tile_pixels, f.tile_channels, f.step_channels(), f.step_bytes(), f.panel_step_bytes(), 0};
    for (int i = 0; f.name != nullptr && f.name[i] != 0 && i < 15; ++i)
        facts.name[i] = f.name[i];
    if (f.format == dot_format::planes)
        facts.period = simd::dot_counter::period;
    else if (f.format == dot_format::bits)
        facts.period = simd::bit_counter::period;
    else if (f.format == dot_format::twin_bits)
        facts.period = 255 / 64;
    else if (f.takes_bytes())
        facts.period = f.pairs > 1 ? 64 / f.pairs : 0;  // of ternary weights x int8
    else
        facts.period =
            127 / facts.step_channels;  // a signed byte holds 127 products; a twin's 4-bit fields come to the same
    return facts;
}

struct all_facts {
    static constexpr std::size_t lookups = sizeof level_table.lookup / sizeof(dot_family);
    tile_facts popcount = facts_of(level_table.popcount), popcount_single = facts_of(level_table.popcount_single);
    tile_facts lookup[lookups] = {};
    tile_facts dot = facts_of(level_table.dot);
    tile_facts bits[bit_forms] = {}, lookup_bits = facts_of(level_table.lookup_bits);
    static constexpr std::size_t small_dots = sizeof level_table.small_dot / sizeof(dot_family);
    tile_facts small_dot[small_dots] = {};

    constexpr all_facts() {
        for (std::size_t i = 0; i < lookups; ++i)
            lookup[i] = facts_of(level_table.lookup[i]);
        for (std::size_t i = 0; i < bit_forms; ++i) {
            bits[i] = facts_of(level_table.bits[i]);
            bits[i].name[4] = ' ';
            bits[i].name[5] = "^xw"[i];  // signs; the mask of the activations; of the weights
        }
        for (std::size_t i = 0; i < 7 && lookup_bits.name[0] != 0; ++i)
            lookup_bits.name[i] = "bits ^#"[i];  // signs by table
        for (std::size_t i = 0; i < small_dots; ++i)
            small_dot[i] = facts_of(level_table.small_dot[i]);
    }
};

extern const all_facts model_facts;
__attribute__((section("tern_model"), used)) constexpr all_facts model_facts;

}  // namespace kernel
}  // namespace tern
