// A line on stderr that says how far the work is, if stderr is a terminal and the work takes more than a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace examples {

class progress {
public:
    explicit progress(std::size_t total) : total_(total), next_(clock::now() + std::chrono::seconds(1)) {
#if defined(__unix__) || defined(__APPLE__)
        terminal_ = isatty(STDERR_FILENO) != 0;
        shared_ = isatty(STDOUT_FILENO) != 0;
#endif
    }
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    ~progress() { clear(); }

    /// After every image.
    void update(std::size_t done) {
        if (!terminal_ || (clock::now() < next_ && !removed_))
            return;
        next_ = clock::now() + std::chrono::milliseconds(100);
        std::fprintf(stderr, "\r%zu of %zu images (%zu%%)", done, total_, done * 100 / total_);
        std::fflush(stderr);
        shown_ = true;
        removed_ = false;
    }
    /// Before a line on stdout: makes room for it if that is a terminal too, until the next update.
    void make_room() {
        removed_ = shown_ && shared_;
        if (removed_)
            clear();
    }
    /// Removes the line.
    void clear() {
        if (shown_)
            std::fputs("\r\033[K", stderr);
        shown_ = false;
    }

private:
    using clock = std::chrono::steady_clock;

    std::size_t total_;
    clock::time_point next_;
    bool terminal_ = false, shared_ = false;  // stderr, and stdout too
    bool shown_ = false, removed_ = false;
};

}  // namespace examples
