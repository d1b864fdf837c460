// Every kernel that could run a layer, run on the same data: what choices are judged by and costs are fitted to.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <tern/op/conv/cost.hpp>
#include <tern/tern.hpp>

#include "layers.hpp"
#include "options.hpp"

namespace bench {

/// One kernel for one layer.
struct candidate {
    tern::product_candidate kernel;
    tern::work_counts work;  ///< what the cost model counts
    double cycles = 0.0;     ///< of its fastest run
};

/// A layer with its weights and inputs. Its output is fp32, by a scale and a bias.
class candidate_layer {
public:
    candidate_layer(const layer& l, const code_pair& codes, const tern::kernel_table& level, tern::core_kind core);
    ~candidate_layer();

    /// The possible candidates, by the model best first; none beyond `factor` times the best.
    std::vector<candidate> list(double factor) const;
    /// Runs all of them in turns for about `seconds` each, and keeps the cycles of the fastest runs. Throws
    /// std::runtime_error if the outputs of two differ.
    void measure(std::vector<candidate>& candidates, double seconds) const;
    /// The name of what a plan takes whose choice is measured.
    std::string measured_choice() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// Prints for each of them which kernels the model and measuring choose, and how much slower that is than the best.
/// Returns the number of layers on which the modelled choice takes more than 1.25 times the best.
int print_choices(const options& o);

/// Fits the costs of each family of each level to measured layers, and prints the rows of dispatch/cores/.
void print_calibration(const options& o);

}  // namespace bench
