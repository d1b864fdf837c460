// Definitions of op/conv2d.hpp: explain.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "conv/choice.hpp"
#include "conv2d.hpp"

TERN_BEGIN_NAMESPACE
namespace explain_detail {

// Text that is cut where its memory ends, and counted beyond.
class text_writer {
public:
    text_writer(char* text, std::size_t size) : text_(text), size_(text == nullptr ? 0 : size) {
        if (size_ != 0)
            text_[0] = '\0';
    }
    TERN_PRINTF(2, 3) void add(const char* format, ...) {
        std::va_list args;
        va_start(args, format);
        const bool room = length_ < size_;
        const int n = std::vsnprintf(room ? text_ + length_ : nullptr, room ? size_ - length_ : 0, format, args);
        va_end(args);
        length_ += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    std::size_t length() const noexcept { return length_; }

private:
    char* text_;
    std::size_t size_, length_ = 0;
};

}  // namespace explain_detail

TERN_FUNC std::size_t conv2d::explain(const image_shape& in, char* text, std::size_t size) const {
    explain_detail::text_writer out(text, size);
    if (!plan_.is_made()) {
        out.add("no plan\n");
        return out.length();
    }
    const choice_query q = plan_.whole_query();
    const char* const chosen = plan_.form_for(in).kernel;
    out.add("level %s, core %s, input %zux%zux%zu (n, h, w)\n", q.kernels->level, core_name(q.core), in.n, in.h, in.w);
    const std::size_t count = candidate_limit(*q.kernels);
    const auto print = [&](const product_candidate& c) {
        out.add("%-30s %12.0f cycles", c.name, c.cycles);
        for (const measured_kernel& m : plan_.measured)
            if (m.in == in && std::strcmp(m.name, c.name) == 0)
                out.add(", measured %.1f us", m.seconds * 1e6);
        out.add("%s\n", std::strcmp(c.name, chosen) == 0 ? ", chosen" : "");
    };
    // The next slower one each time; those of equal cycles in the order in which plans consider them.
    double last_cycles = -1.0;
    for (std::size_t last = count;;) {
        std::size_t next = count;
        product_candidate best;
        for (std::size_t i = 0; i < count; ++i) {
            const product_candidate c = candidate_of(q, in, i);
            const bool behind = c.cycles > last_cycles || (c.cycles == last_cycles && i > last);
            if (c.why_not == nullptr && behind && (next == count || c.cycles < best.cycles)) {
                next = i;
                best = c;
            }
        }
        if (next == count)
            break;
        print(best);
        last = next;
        last_cycles = best.cycles;
    }
    for (std::size_t i = 0; i < count; ++i)
        if (const product_candidate c = candidate_of(q, in, i); c.why_not != nullptr)
            out.add("%-30s no: %s\n", c.name, c.why_not);
    return out.length();
}

TERN_END_NAMESPACE
