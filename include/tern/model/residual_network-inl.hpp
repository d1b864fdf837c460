// Definitions of model/residual_network.hpp.
#pragma once

#include <algorithm>

#include "decimal.hpp"
#include "residual_network.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC result<preprocessing> parse_preprocessing(std::string_view name) {
    for (const auto p : {preprocessing::none, preprocessing::mnist, preprocessing::cifar10, preprocessing::imagenet})
        if (name == preprocessing_name(p))
            return p;
    return make_error(errc::invalid_argument,
                      "preprocessing '%.*s' is unknown; expected mnist, cifar10, imagenet or none",
                      static_cast<int>(std::min<std::size_t>(name.size(), 40)), name.data());
}

TERN_FUNC result<pool_geometry> parse_pool(std::string_view text) {
    if (text == "none")
        return pool_geometry{0, 1, 0};
    std::string_view rest = text;
    std::size_t kh = 0, kw = 0, stride = 0, padding = 0;
    if (take_number(rest, 4, kh) && take_character(rest, 'x') && take_number(rest, 4, kw) &&
        take_character(rest, 's') && take_number(rest, 4, stride) && take_character(rest, 'p') &&
        take_number(rest, 4, padding) && rest.empty() && kh == kw && kh > 0 && stride > 0 && padding < kh && kh <= 64)
        return pool_geometry{kh, stride, padding};
    return make_error(errc::invalid_argument, "pooling '%.*s': expected 'none' or a square window as in '3x3s2p1'",
                      static_cast<int>(std::min<std::size_t>(text.size(), 40)), text.data());
}

TERN_FUNC std::string to_string(const pool_geometry& pool) {
    if (pool.kernel == 0)
        return "none";
    const std::string k = std::to_string(pool.kernel);
    return k + "x" + k + "s" + std::to_string(pool.stride) + "p" + std::to_string(pool.padding);
}

TERN_END_NAMESPACE
