// The frame of a program: usage, one line per error, exit codes.
#pragma once

#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include <tern/core/status.hpp>

namespace examples {

enum exit_code { success = 0, failure = 1, wrong_usage = 2 };

/// "program: text" on stderr, in one line whatever the text holds.
inline void print_error(const char* program, std::string text) {
    for (char& c : text)
        c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    std::fprintf(stderr, "%s: %s\n", program, text.c_str());
}

/// `error` with the file it is about in front, unless the text quotes it already.
inline tern::status in_context(const std::string& path, const tern::status& error) {
    if (error.ok() || std::strstr(error.message(), ("'" + path.substr(0, 200) + "'").c_str()) != nullptr)
        return error;
    return tern::make_error(error.code(), "%.200s: %s", path.c_str(), error.message());
}

/// Parses the command line into Options and runs `body` on them. --help anywhere prints the usage and is a success; a
/// wrong command line prints what is wrong and the usage; what else goes wrong is one line.
template <class Options>
int run_program(const char* name, const char* usage, int argc, char** argv, tern::result<Options> (*parse)(int, char**),
                tern::status (*body)(const Options&)) {
    try {
        for (int i = 1; i < argc && std::strcmp(argv[i], "--") != 0; ++i)
            if (std::strcmp(argv[i], "--help") == 0 || std::strcmp(argv[i], "-h") == 0) {
                std::fputs(usage, stdout);
                return success;
            }
        const auto options = parse(argc, argv);
        if (!options.ok()) {
            print_error(name, options.message());
            std::fputs(usage, stderr);
            return wrong_usage;
        }
        tern::status done = body(*options);
        if (done.ok() && (std::fflush(stdout) != 0 || std::ferror(stdout) != 0))
            done = tern::make_error(tern::errc::io, "cannot write to standard output");
        if (!done.ok()) {
            std::fflush(stdout);
            print_error(name, done.message());
            return failure;
        }
        return success;
    } catch (const std::exception& e) {  // the standard library's, such as std::bad_alloc
        print_error(name, e.what());
        return failure;
    }
}

}  // namespace examples
