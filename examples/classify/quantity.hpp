// Numbers for people: a prefix that fits, few digits.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace examples {

/// With that many digits behind the point.
inline std::string fixed(double v, int decimals) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", decimals, v);
    return text;
}

/// A prefix of SI for numbers of up to `largest`.
struct si_prefix {
    double factor = 1;  ///< what to multiply by
    const char* name = "";
};
inline si_prefix prefix_of(double largest) {
    constexpr si_prefix from_small[] = {{1e9, "n"},  {1e6, "\xC2\xB5"}, {1e3, "m"},  {1, ""},
                                        {1e-3, "k"}, {1e-6, "M"},       {1e-9, "G"}, {1e-12, "T"}};
    si_prefix found = from_small[3];
    for (const si_prefix& p : from_small)
        if (largest > 0 && largest * p.factor >= 1)
            found = p;
    return found;
}

/// Three digits where there is a point: "118", "11.8", "1.18", "0.118", "0".
inline std::string digits(double v) { return fixed(v, v <= 0 || v >= 100 ? 0 : v >= 10 ? 1 : v >= 1 ? 2 : 3); }

/// As "1.18 MB" or "45.0 ms".
inline std::string quantity(double v, const char* unit) {
    const si_prefix p = prefix_of(v);
    return digits(v * p.factor) + " " + p.name + unit;
}
inline std::string bytes_text(std::size_t bytes) {
    return bytes < 1000 ? std::to_string(bytes) + " B" : quantity(static_cast<double>(bytes), "B");
}
inline std::string percent(double share) { return fixed(share * 100, 1) + " %"; }

}  // namespace examples
