// tern-bench's own command line flags.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <tern/tern.hpp>

namespace bench {

/// What multiplies what.
struct code_pair {
    tern::code_id weights, activations;

    constexpr bool operator==(const code_pair& o) const { return weights == o.weights && activations == o.activations; }
};

struct options {
    std::string isa;     ///< a level that caps both sides; "": none
    std::string shapes;  ///< a CSV file; "": the standard layers
    std::size_t threads = 1;
    std::vector<code_pair> codes;   ///< beside ternary x ternary and int8 x int8
    std::string tune;               ///< a file of measured choices; "": plans choose by the model
    tern::tuning_store outcomes{};  ///< that file's
    bool choices = false;           ///< the table of choices instead of benchmarks
    bool calibrate = false;         ///< the costs of this machine's core
};

extern const char* const options_help;

/// Takes its own flags out of argv and leaves the others. Throws std::invalid_argument.
options parse_options(int& argc, char** argv);

/// The core that plans choose for; throws std::runtime_error if TERN_CORE is none.
tern::core_kind take_core();

/// Levels to benchmark: built, supported and, under a cap, not preferred to it. Most preferred first.
std::vector<const tern::kernel_table*> levels_to_run(const options& o);

}  // namespace bench
