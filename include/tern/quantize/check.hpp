// Checks of float tensors that were loaded from somewhere.
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "../format/weight_shape.hpp"

TERN_BEGIN_VOCABULARY

/// A position in a tensor as text, for messages: "[3,0,2,1]".
struct index_text {
    char text[96];
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// The position of element `flat` in a dense tensor with `rank` extents, last index fastest. With more than four
/// extents, without extents or with one of 0 the flat position, "[27]"; with a rank of 0, an empty text.
TERN_FUNC index_text format_index(const std::size_t* extents, std::size_t rank, std::size_t flat) noexcept;

/// The position of element `flat` of [O][I][kh][kw].
TERN_FUNC index_text format_index(const weight_shape& shape, std::size_t flat) noexcept;

/// The error (bad_value) for a value that is not finite.
TERN_FUNC status not_finite_error(const char* name, const index_text& where, float found) noexcept;

/// An error (bad_value) that names the tensor and the position of the first NaN or infinity in a dense tensor. Looks at
/// bits. `name` is the tensor's name, for the message. Null or misaligned pointers are invalid_argument.
TERN_FUNC status check_finite(const float* data, const std::size_t* extents, std::size_t rank, const char* name);

/// The same for a vector of n floats.
TERN_FUNC status check_finite(const float* data, std::size_t n, const char* name);

/// The same for weights [O][I][kh][kw]; an error too if the shape is empty or too large.
TERN_FUNC status check_finite(const float* data, const weight_shape& shape, const char* name);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "check-inl.hpp"
#endif
