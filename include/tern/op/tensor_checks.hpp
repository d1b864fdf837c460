// What operators check about the caller's tensors before they touch them.
#pragma once

#include <cstddef>

#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/float_tensor.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/argument.hpp"

TERN_BEGIN_VOCABULARY

/// An axis of a view: places apart, in elements and either direction, and number of places.
struct tensor_axis {
    std::size_t step = 0, extent = 0;
};

/// The axes of a view by rising step.
struct tensor_axes {
    tensor_axis axes[4];

    template <class T>
    TERN_INLINE constexpr explicit tensor_axes(const tensor_view<T>& v) noexcept
        : axes{{size_of(v.stride_n), v.n},
               {size_of(v.stride_h), v.h},
               {size_of(v.stride_w), v.w},
               {size_of(v.stride_c), v.c}} {
        for (std::size_t i = 1; i < 4; ++i)
            for (std::size_t k = i; k > 0 && axes[k].step < axes[k - 1].step; --k) {
                const tensor_axis smaller = axes[k];
                axes[k] = axes[k - 1];
                axes[k - 1] = smaller;
            }
    }
    /// Elements that addresses lie away from the first, at most; a step behind the last too.
    TERN_INLINE constexpr checked_size reach() const noexcept {
        checked_size all = 0;
        for (const tensor_axis& a : axes)
            all = all + checked_size(a.extent) * a.step;
        return all;
    }
    /// Whether no two elements share a place, if reach() is one. Axes that interleave are taken to share.
    TERN_INLINE constexpr bool are_apart() const noexcept {
        std::size_t covered = 1;  // by the axes so far
        for (const tensor_axis& a : axes) {
            if (a.extent <= 1)
                continue;
            if (a.step < covered)
                return false;
            covered += (a.extent - 1) * a.step;
        }
        return true;
    }

private:
    TERN_INLINE static constexpr std::size_t size_of(std::ptrdiff_t stride) noexcept {
        return stride < 0 ? std::size_t{0} - static_cast<std::size_t>(stride) : static_cast<std::size_t>(stride);
    }
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// An error unless an array, or null, is aligned for its type. `op` and `what` go into the message.
template <class T>
status check_array(const T* p, const char* op, const char* what) {
    if (!is_aligned(p))
        return make_error(errc::invalid_argument, "%s: %s: expected an address that is a multiple of %zu, found %p", op,
                          what, alignof(T), static_cast<const void*>(p));
    return {};
}

/// An error unless the elements of a view can be addressed: aligned for their type, within what pointers reach.
template <class T>
status check_tensor(const tensor_view<T>& v, const char* op, const char* what) {
    TERN_TRY(check_array(v.data, op, what));
    if (!(tensor_axes(v).reach() * sizeof(T)).ok())
        return make_error(errc::invalid_argument,
                          "%s: %s: strides %td, %td, %td, %td (n, h, w, c) of %zux%zux%zux%zu leave the address space",
                          op, what, v.stride_n, v.stride_h, v.stride_w, v.stride_c, v.n, v.h, v.w, v.c);
    return {};
}

/// The same for a view that is written; its elements must not share memory either.
template <class T>
status check_written_tensor(const tensor_view<T>& v, const char* op, const char* what) {
    TERN_TRY(check_tensor(v, op, what));
    if (!tensor_axes(v).are_apart())
        return make_error(errc::invalid_argument,
                          "%s: %s: expected elements that lie apart, found strides %td, %td, %td, %td (n, h, w, c) of "
                          "%zux%zux%zux%zu",
                          op, what, v.stride_n, v.stride_h, v.stride_w, v.stride_c, v.n, v.h, v.w, v.c);
    return {};
}

/// Both for floats of any width; an error too unless the type is one.
inline status check_float_type(float_type type, const char* op, const char* what) {
    if (!is_float_type(type))
        return make_error(errc::invalid_argument, "%s: %s: expected a type of floats, found number %d", op, what,
                          static_cast<int>(type));
    return {};
}
inline status check_tensor(const const_float_view& v, const char* op, const char* what) {
    TERN_TRY(check_float_type(v.type, op, what));
    return v.is_half() ? check_tensor(v.halves(), op, what) : check_tensor(v.floats(), op, what);
}
inline status check_written_tensor(const float_view& v, const char* op, const char* what) {
    TERN_TRY(check_float_type(v.type, op, what));
    return v.is_half() ? check_written_tensor(v.halves(), op, what) : check_written_tensor(v.floats(), op, what);
}

/// An error unless the channels of a pixel lie side by side.
template <class T>
status check_dense_channels(const tensor_view<T>& v, const char* op, const char* what) {
    if (v.c > 1 && v.stride_c != 1)
        return make_error(errc::invalid_argument, "%s: %s: expected channels side by side, found a stride of %td", op,
                          what, v.stride_c);
    return {};
}

TERN_END_NAMESPACE
