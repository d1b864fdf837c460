// Definitions of model/sttn.hpp.
#pragma once

#include <cstdio>
#include <cstring>

#include "sttn.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC result<preprocessing> parse_preprocessing(const char* name) {
    for (const auto p : {preprocessing::none, preprocessing::mnist, preprocessing::cifar10, preprocessing::imagenet})
        if (std::strcmp(name, preprocessing_name(p)) == 0)
            return p;
    return make_error(errc::invalid_argument,
                      "preprocessing '%.40s' is unknown; expected mnist, cifar10, imagenet or none", name);
}

TERN_FUNC result<pool_geometry> parse_pool(const char* text) {
    if (std::strcmp(text, "none") == 0)
        return pool_geometry{0, 1, 0};
    unsigned kh = 0, kw = 0, stride = 0, padding = 0;
    int used = 0;
    if (std::sscanf(text, "%4ux%4us%4up%4u%n", &kh, &kw, &stride, &padding, &used) == 4 && text[used] == '\0' &&
        kh == kw && kh > 0 && stride > 0 && padding < kh && kh <= 64)
        return pool_geometry{kh, stride, padding};
    return make_error(errc::invalid_argument, "pooling '%.40s': expected 'none' or a square window as in '3x3s2p1'",
                      text);
}

TERN_FUNC std::string to_string(const pool_geometry& pool) {
    if (pool.kernel == 0)
        return "none";
    const std::string k = std::to_string(pool.kernel);
    return k + "x" + k + "s" + std::to_string(pool.stride) + "p" + std::to_string(pool.padding);
}

TERN_END_NAMESPACE
