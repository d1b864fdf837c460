// One benchmark case: made when its turn comes, checked once, then timed.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace bench {

/// Something to time, with its data. Constructors and members throw std::exception when something does not work.
class experiment {
public:
    virtual ~experiment() = default;
    virtual void run() = 0;
    /// Checks what `run` has written against plain loops.
    virtual void verify() = 0;

    std::string label;   ///< what runs, in the words of the implementation
    double items = 0.0;  ///< per run
    const char* per_cycle = "MAC_per_cycle";
    double weights_bytes = 0.0;  ///< 0: none
    double bytes = 0.0;          ///< read and written per run, if that is the measure
    int choice = -1;             ///< 1, 0: whether a plan left alone would run the same; -1: does not apply
};

using factory = std::function<std::unique_ptr<experiment>()>;

/// Adds a benchmark. With several threads wall-clock time counts, else the thread's CPU time.
void add_case(const std::string& name, std::size_t threads, factory make);

/// Cases that could not run or gave wrong results so far.
std::size_t failed_cases();

}  // namespace bench
