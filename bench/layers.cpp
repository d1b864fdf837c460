#include "layers.hpp"

namespace bench {
namespace {

std::string number(std::size_t n) { return std::to_string(n); }

}  // namespace

layer gemm(std::size_t m, std::size_t n, std::size_t k) {
    layer l;
    l.kind = layer_kind::gemm;
    l.w = m;
    l.cin = k;
    l.cout = n;
    return l;
}

layer conv(std::size_t size, std::size_t cin, std::size_t cout, std::size_t kernel, std::size_t stride) {
    layer l;
    l.h = l.w = size;
    l.cin = cin;
    l.cout = cout;
    l.kh = l.kw = kernel;
    l.stride = stride;
    l.pad = kernel / 2;
    return l;
}

std::string layer::name() const {
    if (kind == layer_kind::gemm)
        return number(w) + "x" + number(cout) + "x" + number(cin);
    std::string s = number(h) + "x" + number(w) + "_" + number(cin) + "_" + number(cout) + "_" + number(kh) + "x" +
                    number(kw) + "s" + number(stride);
    if (pad != kh / 2 || pad != kw / 2)
        s += "p" + number(pad);
    if (dilation != 1)
        s += "d" + number(dilation);
    if (groups != 1)
        s += "g" + number(groups);
    return s;
}

std::string case_name(const layer& l, const std::string& impl, const std::string& out, std::size_t threads,
                      const std::string& variant) {
    const char* kinds[] = {"conv", "gemm", "stem"};
    std::string s = std::string(kinds[static_cast<int>(l.kind)]) + "/" + impl + "/" + l.name() + "/" + out + variant;
    if (l.batch != 1)
        s += "/b" + number(l.batch);
    if (threads != 1)
        s += "/t" + number(threads);
    return s;
}

std::vector<layer> standard_layers() {
    return {
        conv(56, 64, 64, 3, 1),   conv(56, 64, 128, 3, 2),  conv(28, 128, 128, 3, 1), conv(28, 128, 256, 3, 2),
        conv(14, 256, 256, 3, 1), conv(14, 256, 512, 3, 2), conv(7, 512, 512, 3, 1),  conv(56, 64, 64, 1, 1),
        conv(28, 256, 256, 1, 1), conv(27, 96, 256, 5, 1),  gemm(512, 512, 512),      gemm(1024, 1024, 1024),
        gemm(3136, 64, 576),      gemm(784, 128, 1152),     gemm(196, 256, 2304),     gemm(49, 512, 4608),
        gemm(1, 4096, 4096),
    };
}

bool is_for_codes(const layer& l) {
    for (const layer& chosen :
         {conv(56, 64, 64, 3, 1), conv(14, 256, 256, 3, 1), gemm(512, 512, 512), gemm(1, 4096, 4096)})
        if (l.name() == chosen.name())
            return true;
    return false;
}

std::vector<layer> standard_stems() {
    std::vector<layer> stems{conv(224, 3, 64, 7, 2), conv(224, 3, 32, 3, 2), conv(224, 3, 64, 3, 1),
                             conv(32, 3, 16, 3, 1), conv(224, 3, 64, 11, 4)};
    stems.back().pad = 2;
    for (layer& l : stems)
        l.kind = layer_kind::stem;
    return stems;
}

}  // namespace bench
