// Looks into a run, layer by layer.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include <tern/model.hpp>

#include "dump.hpp"
#include "zeros.hpp"

namespace examples {

/// Takes the time of every layer; if asked to, dumps it and counts the zeros that it reads.
class layer_watch {
public:
    explicit layer_watch(std::size_t layers) : seconds_(layers), zeros_(layers) {}

    /// What else happens after a layer, in no layer's time. The dump outlives the runs.
    void record(dump& to) { recorder_ = &to; }
    void count_zeros() { counts_zeros_ = true; }

    /// Before a run of `images` images.
    void start(std::size_t images) {
        images_ = images;
        total_ = 0;
        mark_ = clock::now();
    }
    tern::layer_observer observer() { return {this, on_layer}; }
    /// Behind a run: what came behind its last layer is part of it, too.
    void stop() { total_ += std::chrono::duration<double>(clock::now() - mark_).count(); }

    /// Per layer, the time of each image so far: an equal share of its run's.
    const std::vector<std::vector<double>>& seconds() const { return seconds_; }
    /// Of the codes that each layer read, if they were counted.
    const std::vector<zero_count>& zeros() const { return zeros_; }
    /// An image's time in the last run.
    double seconds_per_image() const { return total_ / static_cast<double>(images_); }

private:
    using clock = std::chrono::steady_clock;

    static void on_layer(void* ctx, const tern::layer_view& view) {
        auto& self = *static_cast<layer_watch*>(ctx);
        const double time = std::chrono::duration<double>(clock::now() - self.mark_).count();
        self.total_ += time;
        self.seconds_[view.layer].insert(self.seconds_[view.layer].end(), self.images_,
                                         time / static_cast<double>(self.images_));
        if (self.recorder_ != nullptr)
            self.recorder_->add_layer(view);
        if (self.counts_zeros_)
            self.zeros_[view.layer] += examples::count_zeros(view.input);
        self.mark_ = clock::now();
    }

    std::vector<std::vector<double>> seconds_;
    std::vector<zero_count> zeros_;
    dump* recorder_ = nullptr;
    bool counts_zeros_ = false;
    std::size_t images_ = 1;
    clock::time_point mark_{};
    double total_ = 0;
};

}  // namespace examples
