// Views and packed images spoiled in every way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <tern/core/float_tensor.hpp>
#include <tern/core/tensor.hpp>
#include <tern/format/packed_image.hpp>

#include "../support/spoiled_arguments.hpp"

namespace tern_test {

/// Ways to spoil a view; of an input, whose number of images nothing contradicts, or of an output.
template <class T>
std::vector<std::pair<std::string, tern::tensor_view<T>>> bad_views(const tern::tensor_view<T>& good, bool is_input) {
    using view = tern::tensor_view<T>;
    std::vector<std::pair<std::string, view>> all{{"default-made", {}}};
    const auto add = [&](const std::string& how, auto&& spoil) {
        all.emplace_back(how, good);
        spoil(all.back().second);
    };
    add("null", [](view& v) { v.data = nullptr; });
    if (alignof(T) > 1)
        add("misaligned", [](view& v) { v.data = misaligned(v.data); });
    for (std::size_t view::*extent : {&view::n, &view::h, &view::w, &view::c}) {
        if (!is_input || extent != &view::n) {
            add("an extent of 0", [&](view& v) { v.*extent = 0; });
            add("a smaller extent", [&](view& v) { v.*extent -= 1; });
            add("a larger extent", [&](view& v) { v.*extent += 1; });
        }
        add("a huge extent", [&](view& v) { v.*extent = huge; });
        add("a huge extent", [&](view& v) { v.*extent = SIZE_MAX; });
    }
    for (std::ptrdiff_t view::*stride : {&view::stride_n, &view::stride_h, &view::stride_w, &view::stride_c}) {
        add("a huge stride", [&](view& v) { v.*stride = PTRDIFF_MAX; });
        add("a huge stride backwards", [&](view& v) { v.*stride = PTRDIFF_MIN; });
        if (sizeof(T) > 1)
            add("a huge stride backwards", [&](view& v) { v.*stride = PTRDIFF_MIN / 2 - 1; });
        if (is_input || (stride == &view::stride_n && good.n == 1) || (stride == &view::stride_h && good.h == 1))
            continue;
        add("elements that share memory", [&](view& v) { v.*stride = 0; });
        if (stride != &view::stride_c)
            add("elements that share memory", [&](view& v) { v.*stride = static_cast<std::ptrdiff_t>(v.c) - 1; });
    }
    return all;
}

/// Views of halves as views of floats of any width; types behind the last, too.
template <class View, class T>
std::vector<std::pair<std::string, View>> bad_halves(const tern::tensor_view<T>& good, bool is_input) {
    std::vector<std::pair<std::string, View>> all;
    for (const auto& [how, view] : bad_views(good, is_input))
        all.emplace_back("halves, " + how, View(view, tern::float_type::f16));
    all.emplace_back("no type", View(good, behind(tern::float_type::bf16)));
    all.emplace_back("no type", View(good, static_cast<tern::float_type>(255)));
    return all;
}

inline std::vector<std::pair<std::string, tern::packed_image>> bad_images(const tern::packed_image& good) {
    using image = tern::packed_image;
    std::vector<std::pair<std::string, image>> all{{"default-made", {}}};
    const auto add = [&](const std::string& how, auto&& spoil) {
        all.emplace_back(how, good);
        spoil(all.back().second);
    };
    add("null", [](image& p) { p.data = nullptr; });
    add("misaligned", [](image& p) { p.data += 4; });
    add("no format", [](image& p) { p.layout.format = tern::image_format::none; });
    add("no code", [](image& p) { p.layout.code = no_code; });
    add("another code", [](image& p) { p.layout.code = tern::code_id::u2; });
    add("too few bytes", [](image& p) { p.layout.total_bytes -= 1; });
    for (std::size_t tern::packed_layout::*extent :
         {&tern::packed_layout::h, &tern::packed_layout::w, &tern::packed_layout::c}) {
        add("an extent of 0", [&](image& p) { p.layout.*extent = 0; });
        add("a huge extent", [&](image& p) { p.layout.*extent = huge; });
    }
    add("a huge number of images", [](image& p) { p.layout.n = huge; });
    add("a huge halo", [](image& p) { p.layout.halo.left = SIZE_MAX; });
    return all;
}

}  // namespace tern_test
