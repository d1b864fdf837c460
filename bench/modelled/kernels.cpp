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
    // Bits by the masks they have: of the activations, of the weights; signs by table.
    const char* forms[] = {"bits ^", "bits x", "bits w"};
    const char* name = f.format == dot_format::twin_bits ? "bits ^#"
                       : f.counts_bits()                 ? forms[static_cast<int>(f.form)]
                                                         : f.name;
    for (int i = 0; name[i] != 0 && i < 15; ++i)
        facts.name[i] = name[i];
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

constexpr std::size_t count_families() {
    std::size_t count = 0;
    for_each_family(level_table, [&](const dot_family&) { ++count; });
    return count;
}

struct all_facts {
    tile_facts tiles[count_families()] = {};

    constexpr all_facts() {
        std::size_t count = 0;
        for_each_family(level_table, [&](const dot_family& f) { tiles[count++] = facts_of(f); });
    }
};

extern const all_facts model_facts;
__attribute__((section("tern_model"), used)) constexpr all_facts model_facts;

}  // namespace kernel
}  // namespace tern
