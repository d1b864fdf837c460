// Environment variables in tests.
#pragma once

#include <cstdlib>
#include <string>

namespace tern_test {

/// Sets a variable (null: removes it) and puts the old value back at its end.
class scoped_variable {
public:
    scoped_variable(const char* name, const char* value) : name_(name) {
        if (const char* old = std::getenv(name)) {
            old_ = old;
            was_set_ = true;
        }
        put(value);
    }
    scoped_variable(const scoped_variable&) = delete;
    scoped_variable& operator=(const scoped_variable&) = delete;
    ~scoped_variable() { put(was_set_ ? old_.c_str() : nullptr); }

private:
    void put(const char* value) {
#if defined(_WIN32)
        _putenv_s(name_, value == nullptr ? "" : value);
#else
        if (value == nullptr)
            unsetenv(name_);
        else
            setenv(name_, value, 1);
#endif
    }

    const char* name_;
    std::string old_;
    bool was_set_ = false;
};

}  // namespace tern_test
