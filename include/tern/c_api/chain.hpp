// Stages of C as an epilogue chain.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../op/stage.hpp"
#include "../quantize/activation.hpp"
#include "structs.hpp"

TERN_BEGIN_NAMESPACE
namespace c_api {

inline status read_stage(const tern_stage& s, stage::any& to) {
    switch (s.kind) {
        case TERN_STAGE_SCALE: to = stage::scale(s.a); return {};
        case TERN_STAGE_BIAS: to = stage::bias(s.a); return {};
        case TERN_STAGE_AFFINE: to = stage::affine(s.factor, s.shift); return {};
        case TERN_STAGE_BATCH_NORM: to = stage::batch_norm(s.a, s.b, s.mean, s.variance, s.epsilon); return {};
        case TERN_STAGE_PRELU: to = stage::prelu(s.a); return {};
        case TERN_STAGE_CLAMP: to = stage::clamp(s.lo, s.hi); return {};
        case TERN_STAGE_RESIDUAL:
            to = stage::residual(s.pooled_residual != 0 ? residual_kind::pooled : residual_kind::same, s.a, s.b);
            return {};
        case TERN_STAGE_STORE: to = stage::store(); return {};
        case TERN_STAGE_QUANTIZE: {
            // 0: of a stage of zeros. Further members of a newer caller lie behind the stage and were seen there.
            const std::size_t size = s.levels.struct_size;
            if (size != 0 && (size < first_size<tern_levels> || size > largest_struct))
                return make_error(errc::invalid_argument, "tern_stage.levels: expected a struct_size of %zu, found %zu",
                                  sizeof s.levels, size);
            quantizer_thresholds thresholds;
            TERN_TRY(levels_of(s.levels, "tern_stage.levels", thresholds));
            if (!is_byte_code(thresholds.code))
                TERN_TRY(check_thresholds(thresholds));
            to = stage::quantize(thresholds);
            to.order = s.adds_before_rounding != 0 ? rounding::after_zero_point : rounding::before_zero_point;
            return {};
        }
        default:
            return make_error(errc::invalid_argument, "tern_stage: expected a tern_stage_kind, found %d",
                              static_cast<int>(s.kind));
    }
}

/// The chain of `count` stages, each as long as the first says.
inline status read_chain(const tern_stage* stages, std::size_t count, epilogue& to) {
    if (count != 0 && stages == nullptr)
        return null_pointer("stages");
    if (count > epilogue::capacity)
        return make_error(errc::invalid_argument, "expected at most %zu stages, found %zu", epilogue::capacity, count);
    to = {};
    const auto* at = reinterpret_cast<const unsigned char*>(stages);
    for (std::size_t i = 0; i < count; ++i, at += stages->struct_size) {
        tern_stage s;
        TERN_TRY(read_struct(reinterpret_cast<const tern_stage*>(at), s, "tern_stage"));
        if (reinterpret_cast<const tern_stage*>(at)->struct_size != stages->struct_size)
            return make_error(errc::invalid_argument, "tern_stage: number %zu has another struct_size than the first",
                              i);
        stage::any one;
        TERN_TRY(read_stage(s, one));
        to.add(one);
    }
    return {};
}

}  // namespace c_api
TERN_END_NAMESPACE
