// Test data: aligned arrays of small whole numbers, the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>

#include <tern/tern.hpp>

namespace bench {

/// The value of a result, or its message as an exception.
template <class T>
T take(tern::result<T> r) {
    if (!r.ok())
        throw std::runtime_error(r.message());
    return std::move(*r);
}

inline void check(const tern::status& s) {
    if (!s.ok())
        throw std::runtime_error(s.message());
}

/// Zeros, aligned to a cache line.
template <class T>
tern::buffer<T> zeros(std::size_t n) {
    return take(tern::make_buffer<T>(n));
}

/// Whole numbers in [low, high].
template <class T>
tern::buffer<T> numbers(std::size_t n, int low, int high, unsigned seed) {
    auto a = zeros<T>(n);
    std::mt19937 random(seed);
    const auto count = static_cast<unsigned>(high - low + 1);
    for (T& v : a)
        v = static_cast<T>(low + static_cast<int>(random() % count));
    return a;
}

}  // namespace bench
