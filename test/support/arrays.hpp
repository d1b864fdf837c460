// Arrays for kernel tests: inputs that end where their allocation ends, outputs between guard bytes, floats of every
// kind.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <random>
#include <vector>

namespace tern_test {

/// A list of numbers to loop over.
using sizes = std::initializer_list<std::size_t>;

/// Exactly `size` elements on the heap, so that a sanitizer sees the first read behind them.
template <class T>
class exact_array {
public:
    explicit exact_array(std::size_t size) : data_(new T[size]()), size_(size) {}
    template <class Make>
    exact_array(std::size_t size, Make&& make) : exact_array(size) {
        for (std::size_t i = 0; i < size; ++i)
            data_[i] = make();
    }
    T* data() { return data_.get(); }
    const T* data() const { return data_.get(); }
    std::size_t size() const { return size_; }
    T& operator[](std::size_t i) { return data_[i]; }
    const T& operator[](std::size_t i) const { return data_[i]; }

private:
    std::unique_ptr<T[]> data_;
    std::size_t size_;
};

/// `size` elements, aligned to 64 bytes, that all hold `guard` bytes at first, with more guard bytes before and behind.
template <class T>
class guarded_array {
public:
    static constexpr unsigned char guard = 0xa5;

    explicit guarded_array(std::size_t size)
        : size_(size), bytes_(size * sizeof(T) + 2 * margin),
          memory_(static_cast<unsigned char*>(::operator new (bytes_, std::align_val_t{64}))) {
        std::memset(memory_, guard, bytes_);
    }
    guarded_array(const guarded_array&) = delete;
    guarded_array& operator=(const guarded_array&) = delete;
    ~guarded_array() { ::operator delete (memory_, std::align_val_t{64}); }

    T* data() { return reinterpret_cast<T*>(memory_ + margin); }
    const T* data() const { return reinterpret_cast<const T*>(memory_ + margin); }
    std::size_t size() const { return size_; }
    T& operator[](std::size_t i) { return data()[i]; }
    const T& operator[](std::size_t i) const { return data()[i]; }
    bool guards_intact() const {
        for (std::size_t i = 0; i < margin; ++i)
            if (memory_[i] != guard || memory_[bytes_ - 1 - i] != guard)
                return false;
        return true;
    }
    /// Whether element i was never written (or written with guard bytes).
    bool untouched(std::size_t i) const {
        const unsigned char* p = memory_ + margin + i * sizeof(T);
        for (std::size_t k = 0; k < sizeof(T); ++k)
            if (p[k] != guard)
                return false;
        return true;
    }
    bool same_bytes(const guarded_array& other) const {
        return bytes_ == other.bytes_ && std::memcmp(memory_, other.memory_, bytes_) == 0;
    }

private:
    static constexpr std::size_t margin = 256;
    std::size_t size_, bytes_;
    unsigned char* memory_;
};

/// The same bits, or both NaN: which of two NaNs survives an addition is the compiler's choice.
inline bool same_float(float a, float b) {
    return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

template <class A, class B>
bool same_floats(const A& a, const B& b, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
        if (!same_float(a[i], b[i]))
            return false;
    return true;
}

/// Floats around the default thresholds, with many ties, both zeros, subnormals, infinities and NaN.
inline float awkward_float(std::mt19937& random) {
    constexpr float inf = std::numeric_limits<float>::infinity();
    static const float special[] = {0.0f,
                                    -0.0f,
                                    0.5f,
                                    -0.5f,
                                    std::nextafter(0.5f, 0.0f),
                                    std::nextafter(-0.5f, 0.0f),
                                    inf,
                                    -inf,
                                    1e-40f,
                                    -1e-40f,
                                    std::numeric_limits<float>::quiet_NaN(),
                                    std::nextafter(0.5f, 1.0f),
                                    std::nextafter(-0.5f, -1.0f)};
    const auto r = static_cast<std::uint32_t>(random());
    if (r % 4 == 0)
        return special[(r >> 8) % (sizeof special / sizeof special[0])];
    return static_cast<float>(static_cast<std::int32_t>(r >> 8) - (1 << 23)) * 0x1p-22f;  // [-2, 2)
}

/// Finite floats in [-2, 2).
inline float plain_float(std::mt19937& random) {
    return static_cast<float>(static_cast<std::int32_t>(static_cast<std::uint32_t>(random()) >> 8) - (1 << 23)) *
           0x1p-22f;
}

inline int random_code(std::mt19937& random) { return static_cast<int>(random() % 3) - 1; }

/// Channel counts around the borders of bytes, vectors and words.
inline const std::vector<std::size_t>& channel_counts() {
    static const std::vector<std::size_t> counts{1,  2,  3,  6,  7,  8,  9,  15,  16,  17,  21, 31,
                                                 32, 42, 63, 64, 65, 84, 96, 127, 128, 129, 200};
    return counts;
}

}  // namespace tern_test
