#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <tern/core/status.hpp>

using tern::errc;
using tern::result;
using tern::status;

TEST_CASE("a status is ok until it is an error") {
    const status ok;
    CHECK(ok.ok());
    CHECK(bool(ok));
    CHECK(ok.code() == errc::ok);
    CHECK(std::string(ok.message()).empty());
    const status bad = tern::make_error(errc::bad_value, "expected %d, found %s", 3, "four");
    CHECK_FALSE(bad.ok());
    CHECK_FALSE(bool(bad));
    CHECK(bad.code() == errc::bad_value);
    CHECK(std::string(bad.message()) == "expected 3, found four");
    const status copy = bad;
    CHECK(std::string(copy.message()) == "expected 3, found four");
}

TEST_CASE("a long text is cut, never written behind its end") {
    const std::string text(2000, 'x');
    const status s = tern::make_error(errc::io, "%s", text.c_str());
    CHECK(std::strlen(s.message()) == status::text_capacity - 1);
    CHECK(std::string(s.message()) == text.substr(0, status::text_capacity - 1));
}

TEST_CASE("a result has a value or the status that says why not") {
    const result<int> seven = 7;
    CHECK(seven.ok());
    CHECK(*seven == 7);
    CHECK(seven.value() == 7);
    CHECK(seven.status().ok());
    const result<int> none = tern::make_error(errc::not_found, "no number");
    CHECK_FALSE(none.ok());
    CHECK_FALSE(bool(none));
    CHECK(none.status().code() == errc::not_found);
    CHECK(std::string(none.message()) == "no number");

    result<std::unique_ptr<std::string>> owner = std::make_unique<std::string>("kept");
    CHECK((*owner)->size() == 4);
    CHECK(owner->get() != nullptr);
    const std::unique_ptr<std::string> taken = std::move(*owner);
    CHECK(*taken == "kept");
    const std::string moved = result<std::string>(std::string("moved")).value();
    CHECK(moved == "moved");
}

namespace {

status fails_if(bool fail) { return fail ? tern::make_error(errc::io, "failed") : status(); }

result<int> tries(bool fail, int& reached) {
    TERN_TRY(fails_if(fail));
    ++reached;
    return 1;
}

}  // namespace

TEST_CASE("TERN_TRY returns the first error") {
    int reached = 0;
    CHECK(tries(false, reached).ok());
    CHECK(reached == 1);
    const auto failed = tries(true, reached);
    CHECK(reached == 1);
    CHECK(failed.status().code() == errc::io);
    CHECK(std::string(failed.message()) == "failed");
}
