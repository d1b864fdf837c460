// Command lines: options --name VALUE or --name=VALUE, flags --name, and everything else by position. "--" ends
// options.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <tern/core/status.hpp>

namespace examples {

struct option {
    const char* name;  ///< with the dashes
    bool has_value;
};

class arguments {
public:
    /// Errors: an unknown option, a value that is missing or not wanted.
    static tern::result<arguments> parse(int argc, char** argv, const std::vector<option>& options) {
        arguments found;
        bool ended = false;
        for (int i = 1; i < argc; ++i) {
            const std::string word = argv[i];
            if (ended || word.size() < 2 || word[0] != '-') {
                found.positional_.push_back(word);
                continue;
            }
            ended = word == "--";
            if (ended)
                continue;
            const std::size_t equals = word.find('=');
            const std::string name = word.substr(0, equals);
            const option* known = nullptr;
            for (const option& o : options)
                known = name == o.name ? &o : known;
            if (known == nullptr)
                return tern::make_error(tern::errc::invalid_argument, "unknown option %.60s", name.c_str());
            std::string value = equals != std::string::npos ? word.substr(equals + 1) : "";
            if (!known->has_value && equals != std::string::npos)
                return tern::make_error(tern::errc::invalid_argument, "option %s takes no value", known->name);
            if (known->has_value && equals == std::string::npos && i + 1 < argc &&
                std::strncmp(argv[i + 1], "--", 2) != 0)
                value = argv[++i];
            if (known->has_value && value.empty())
                return tern::make_error(tern::errc::invalid_argument, "option %s expects a value", known->name);
            found.options_[known->name] = value;
        }
        return found;
    }

    const std::vector<std::string>& positional() const { return positional_; }
    bool has(const char* name) const { return options_.count(name) != 0; }
    /// The value of an option; "" if it was not given.
    std::string value(const char* name) const {
        const auto at = options_.find(name);
        return at == options_.end() ? "" : at->second;
    }
    /// An option's value as a number from `least` to `most`, or `fallback` if it was not given.
    tern::result<std::size_t> number(const char* name, std::size_t fallback, std::size_t least,
                                     std::size_t most) const {
        if (!has(name))
            return fallback;
        const std::string text = value(name);
        const bool digits = text.find_first_not_of("0123456789") == std::string::npos && text.size() < 16;
        const unsigned long long n = digits ? std::strtoull(text.c_str(), nullptr, 10) : 0;
        if (!digits || n < least || n > most)
            return tern::make_error(tern::errc::invalid_argument,
                                    "option %s: expected a number from %zu to %zu, found '%.40s'", name, least, most,
                                    text.c_str());
        return static_cast<std::size_t>(n);
    }

private:
    std::vector<std::string> positional_;
    std::map<std::string, std::string> options_;
};

}  // namespace examples
