// Walks the public functions of a part with arguments that are wrong: each must say so in a status, and none may be
// left out.
#pragma once

#include <doctest/doctest.h>

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <tern/code/code.hpp>
#include <tern/core/memory.hpp>
#include <tern/core/status.hpp>

namespace tern_test {

/// An extent that no memory has, and with which sizes overflow.
constexpr std::size_t huge = SIZE_MAX / 2;

/// A code behind the last.
constexpr auto no_code = static_cast<tern::code_id>(tern::code_count);

/// An enumerator behind the last one.
template <class Enum>
constexpr Enum behind(Enum last) {
    return static_cast<Enum>(static_cast<int>(last) + 1);
}

/// The same address, one byte on.
template <class T>
T* misaligned(T* p) {
    return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(p) + 1);
}

/// Refuses everything.
inline tern::allocator no_memory() {
    return {nullptr, [](void*, std::size_t, std::size_t) -> void* { return nullptr; },
            [](void*, void*, std::size_t, std::size_t) {}};
}

class argument_walk {
public:
    /// A call of `function` with something spoiled, as `how` says, gave this status.
    void refused(const std::string& function, const std::string& how, const tern::status& s) {
        walked_.insert(function);
        CHECK_MESSAGE(!s.ok(), function, ", ", how, ": expected an error");
        CHECK_MESSAGE(std::string(s.message()) != "", function, ", ", how, ": expected a message");
        CHECK_MESSAGE(std::string(s.message()).find("(null)") == std::string::npos, function, ": ",
                      std::string(s.message()));
    }
    template <class T>
    void refused(const std::string& function, const std::string& how, const tern::result<T>& r) {
        refused(function, how, r.status());
    }
    /// A call with something spoiled that has a meaning all the same, and gives a value.
    template <class T>
    void gives(const std::string& function, const std::string& how, const T& found, const T& expected) {
        walked_.insert(function);
        CHECK_MESSAGE(found == expected, function, ", ", how);
    }
    /// Functions that check nothing: called per element or per row by functions that have checked, or pure arithmetic.
    void unchecked(const std::vector<std::string>& functions) { walked_.insert(functions.begin(), functions.end()); }

    /// That every function and public member function of include/tern/`part` was named. `sources`: that folder's path.
    void check_complete(const std::string& sources) const {
        std::size_t found = 0;
        for (const auto& file : std::filesystem::directory_iterator(sources)) {
            const std::string name = file.path().filename().string();
            if (name.size() < 8 || name.substr(name.size() - 8) == "-inl.hpp")
                continue;
            for (const std::string& function : public_functions(file.path().string())) {
                ++found;
                CHECK_MESSAGE(walked_.count(function) == 1, name, ": ", function, " was not called with bad arguments");
            }
        }
        CHECK(found >= 5);  // else the headers were not understood
    }

private:
    /// Names in front of the first "(" of declarations at namespace scope and in public parts of classes.
    static std::set<std::string> public_functions(const std::string& path) {
        std::set<std::string> names;
        std::ifstream in(path);
        bool detail = false, open_class = false, visible = true;
        std::string class_name;
        for (std::string line; std::getline(in, line);) {
            if (line.rfind("namespace ", 0) == 0)
                detail = true;
            else if (line.rfind("}  // namespace", 0) == 0)
                detail = false;
            else if (line.rfind("class ", 0) == 0 || line.rfind("struct ", 0) == 0) {
                open_class = line.find(';') == std::string::npos && line.find('}') == std::string::npos;
                visible = false;  // members of structs are plain data and what reads it
                class_name = line.substr(6, line.find_first_of(" :{", 6) - 6);
            } else if (line == "};")
                open_class = false;
            else if (line == "public:")
                visible = true;
            else if (line == "private:" || line == "protected:")
                visible = false;
            const std::size_t indent = open_class ? 4 : 0;
            if (detail || (open_class && !visible) || line.size() <= indent || line.find_first_not_of(' ') != indent ||
                std::string("/#}:").find(line[indent]) != std::string::npos)
                continue;
            const std::size_t bracket = line.find('(');
            if (bracket == std::string::npos || bracket == 0)
                continue;
            std::size_t start = bracket;
            while (start > indent &&
                   (std::isalnum(static_cast<unsigned char>(line[start - 1])) != 0 || line[start - 1] == '_'))
                --start;
            const std::string name = line.substr(start, bracket - start);
            const bool declares = start > indent && line[start - 1] == ' ' && line.find('=') > bracket &&
                                  line.rfind("using ", indent) != indent &&
                                  line.rfind("static_assert", indent) != indent;
            if (declares && name != class_name && !name.empty() &&
                std::isupper(static_cast<unsigned char>(name[0])) == 0)
                names.insert(open_class ? class_name + "::" + name : name);
        }
        return names;
    }

    std::set<std::string> walked_;
};

}  // namespace tern_test
