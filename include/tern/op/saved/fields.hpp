// Fields of saved operators, one behind the other: a writer, which counts where it has no memory, and a reader, which
// never leaves what it was given. Both have the same members, so that a format is written down once.
#pragma once

#include <cstddef>
#include <cstring>

#include "../../core/checked.hpp"
#include "../../core/config.hpp"
#include "../../core/status.hpp"

TERN_BEGIN_NAMESPACE
namespace saved_detail {

inline constexpr std::size_t field_alignment = 8;  // of arrays and sections, from the first byte on

class field_writer {
public:
    explicit field_writer(unsigned char* to) noexcept : to_(to) {}

    checked_size size() const noexcept { return size_; }

    template <class T>
    status number(const T& value) noexcept {
        return array(&value, 1);
    }
    /// `count` elements.
    template <class T>
    status array(const T* values, std::size_t count) noexcept {
        if (unsigned char* const at = room(checked_size(count) * sizeof(T)); at != nullptr && count != 0)
            std::memcpy(at, values, count * sizeof(T));
        return {};
    }
    /// Zeros up to the alignment.
    status pad() noexcept {
        const std::size_t bytes = round_up(size_.value, field_alignment) - size_.value;
        if (unsigned char* const at = room(bytes); at != nullptr)
            std::memset(at, 0, bytes);
        return {};
    }
    /// The place of the next bytes; null if they are only counted.
    unsigned char* room(checked_size bytes) noexcept {
        unsigned char* const at = to_ != nullptr ? to_ + size_.value : nullptr;
        size_ = size_ + bytes;
        return at;
    }

private:
    unsigned char* to_;
    checked_size size_ = 0;
};

class field_reader {
public:
    /// `before`: bytes that lie in front of these, for messages.
    field_reader(const unsigned char* bytes, std::size_t size, std::size_t before = 0) noexcept
        : at_(bytes), left_(size), place_(before) {}

    std::size_t place() const noexcept { return place_; }
    std::size_t left() const noexcept { return left_; }

    template <class T>
    status number(T& value) {
        const unsigned char* from = nullptr;
        TERN_TRY(take(sizeof value, from));
        std::memcpy(&value, from, sizeof value);
        return {};
    }
    /// Points at `count` elements, which are aligned if the reader's bytes are.
    template <class T>
    status array(const T*& values, std::size_t count) {
        const unsigned char* from = nullptr;
        TERN_TRY(take(checked_size(count) * sizeof(T), from));
        values = static_cast<const T*>(static_cast<const void*>(from));
        return {};
    }
    status pad() {
        const unsigned char* from = nullptr;
        const std::size_t bytes = round_up(place_, field_alignment) - place_;
        TERN_TRY(take(bytes, from));
        for (std::size_t i = 0; i < bytes; ++i)
            if (from[i] != 0)
                return make_error(errc::bad_format, "saved conv2d: byte %zu: expected a zero of padding, found %d",
                                  place_ - bytes + i, from[i]);
        return {};
    }
    status take(checked_size bytes, const unsigned char*& from) {
        if (!bytes.ok() || bytes.value > left_)
            return make_error(errc::bad_format, "saved conv2d: byte %zu: expected %zu%s bytes, found %zu", place_,
                              bytes.value, bytes.ok() ? "" : " (overflown)", left_);
        from = at_;
        at_ += bytes.value;
        left_ -= bytes.value;
        place_ += bytes.value;
        return {};
    }

private:
    const unsigned char* at_;
    std::size_t left_, place_;
};

}  // namespace saved_detail
TERN_END_NAMESPACE
