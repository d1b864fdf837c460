// Definitions of model/tensor_source.hpp.
#pragma once

#include <cmath>

#include "../format/argument.hpp"
#include "../quantize/check.hpp"
#include "tensor_source.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC result<const tensor_info*> tensor_source::get(std::string_view name) {
    const std::string full = full_name(name);
    const tensor_info* t = file_->find(full);
    if (t == nullptr)
        return make_error(errc::not_found, "tensor %.200s is missing", full.c_str());
    used_[static_cast<std::size_t>(t - file_->tensors().data())] = true;
    return t;
}

TERN_FUNC status tensor_source::claim(checked_size bytes, const std::string& name) {
    claimed_ = claimed_ + bytes;
    if (!allowed_.ok() || (claimed_.ok() && claimed_.value <= allowed_.value))
        return {};
    return make_error(
        errc::unsupported,
        "tensor %.200s: expected at most %zu bytes of memory for this file (%zu times its tensors, and %zu "
        "MiB), found more with this tensor: planes take whole words of 64 channels",
        name.c_str(), allowed_.value, load_limits::factor, load_limits::slack >> 20);
}

TERN_FUNC result<weight_shape> tensor_source::conv_shape(std::string_view name, bool matrix) {
    const auto t = get(name);
    if (!t.ok())
        return t.status();
    const tensor_dims& d = (*t)->shape;
    const bool flat = matrix && d.rank() == 2;
    if (d.rank() != 4 && !flat)
        return make_error(errc::bad_format, "tensor %.200s: expected 4 dimensions (out, in, kh, kw), found %s",
                          (*t)->name.c_str(), to_string(d).c_str());
    const weight_shape s{static_cast<std::size_t>(d[0]), static_cast<std::size_t>(d[1]),
                         flat ? 1 : static_cast<std::size_t>(d[2]), flat ? 1 : static_cast<std::size_t>(d[3])};
    if (status bad = check_weight_shape(s); !bad.ok())
        return make_error(errc::bad_format, "tensor %.200s: %s", (*t)->name.c_str(), bad.message());
    return s;
}

TERN_FUNC status tensor_source::check_shape(const tensor_info& t, std::initializer_list<std::size_t> shape) const {
    bool same = t.shape.rank() == shape.size();
    std::size_t i = 0;
    std::string expected = "[";
    for (const std::size_t extent : shape) {
        same = same && t.shape[i] == extent;
        expected += (i++ == 0 ? "" : ", ") + std::to_string(extent);
    }
    if (!same)
        return make_error(errc::bad_format, "tensor %.200s: expected shape %s], found %s", t.name.c_str(),
                          expected.c_str(), to_string(t.shape).c_str());
    return {};
}

TERN_FUNC result<buffer<float>> tensor_source::floats(std::string_view name, std::initializer_list<std::size_t> shape) {
    const auto t = get(name);
    if (!t.ok())
        return t.status();
    TERN_TRY(check_shape(**t, shape));
    TERN_TRY(claim(checked_size((*t)->count()) * sizeof(float), (*t)->name));
    auto values = make_buffer<float>((*t)->count(), memory_);
    if (!values.ok())
        return values;
    TERN_TRY(read_floats(**t, values->data(), values->size()));
    TERN_TRY(check_finite(values->data(), shape.begin(), shape.size(), (*t)->name.c_str()));
    return values;
}

TERN_FUNC result<buffer<double>> tensor_source::doubles(std::string_view name,
                                                        std::initializer_list<std::size_t> shape) {
    const auto t = get(name);
    if (!t.ok())
        return t.status();
    TERN_TRY(check_shape(**t, shape));
    TERN_TRY(claim(checked_size((*t)->count()) * sizeof(double), (*t)->name));
    auto values = make_buffer<double>((*t)->count(), memory_);
    if (!values.ok())
        return values;
    TERN_TRY(read_doubles(**t, values->data(), values->size()));
    for (std::size_t i = 0; i < values->size(); ++i)
        if (!std::isfinite((*values)[i]))
            return make_error(errc::bad_value, "tensor %.200s[%zu]: expected a finite value, found %g",
                              (*t)->name.c_str(), i, (*values)[i]);
    return values;
}

TERN_FUNC status tensor_source::check_all_used(const char* what) const {
    for (std::size_t i = 0; i < used_.size(); ++i)
        if (!used_[i])
            return make_error(errc::bad_format, "tensor %.200s %s is not part of %s", file_->tensor(i).name.c_str(),
                              to_string(file_->tensor(i).shape).c_str(), name_or(what, "the network"));
    return {};
}

TERN_END_NAMESPACE
