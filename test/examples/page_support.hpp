// Reads pages of classify: a strict parser of the XML that they are, and questions to what it found.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tern_test {

struct page_element {
    std::string name{}, text{};  ///< all text inside, in order
    std::map<std::string, std::string> attributes{};
    std::vector<page_element> children{};

    bool has_class(const std::string& word) const {
        const auto at = attributes.find("class");
        return at != attributes.end() && (" " + at->second + " ").find(" " + word + " ") != std::string::npos;
    }
    std::string attribute(const std::string& key) const {
        const auto at = attributes.find(key);
        REQUIRE_MESSAGE(at != attributes.end(), name, " has no ", key);
        return at->second;
    }
    template <class Wanted>
    void find(const Wanted& wanted, std::vector<const page_element*>& to) const {
        for (const page_element& c : children) {
            if (wanted(c))
                to.push_back(&c);
            c.find(wanted, to);
        }
    }
    std::vector<const page_element*> of_name(const std::string& word) const {
        std::vector<const page_element*> all;
        find([&](const page_element& e) { return e.name == word; }, all);
        return all;
    }
    std::vector<const page_element*> of_class(const std::string& word) const {
        std::vector<const page_element*> all;
        find([&](const page_element& e) { return e.has_class(word); }, all);
        return all;
    }
    const page_element& only(const std::string& word) const {
        const auto all = of_class(word);
        REQUIRE_MESSAGE(all.size() == 1, word, " in ", name);
        return *all[0];
    }
    const page_element& of_id(const std::string& id) const {
        std::vector<const page_element*> all;
        find([&](const page_element& e) { return e.attributes.count("id") != 0 && e.attributes.at("id") == id; }, all);
        REQUIRE_MESSAGE(all.size() == 1, "id ", id);
        return *all[0];
    }
    /// The number that a cell of this class holds for programs.
    double number(const std::string& word) const {
        const auto data = only(word).of_name("data");
        REQUIRE_MESSAGE(data.size() == 1, word);
        return std::stod(data[0]->attribute("value"));
    }
};

/// What is not well-formed fails the test.
class page_parser {
public:
    explicit page_parser(const std::string& page) : s_(page) {}

    page_element parse() {
        const std::string type = "<!DOCTYPE html>\n";
        REQUIRE(s_.compare(0, type.size(), type) == 0);
        at_ = type.size();
        page_element root = element();
        REQUIRE(s_.substr(at_) == "\n");
        return root;
    }

private:
    bool next_is(const char* words) const { return s_.compare(at_, std::strlen(words), words) == 0; }
    void expect(const char* words) {
        REQUIRE_MESSAGE(next_is(words), "expected ", words, " at: ", s_.substr(at_, 60));
        at_ += std::strlen(words);
    }
    std::string until(const char* stops) {
        const std::size_t end = s_.find_first_of(stops, at_);
        REQUIRE(end != std::string::npos);
        const std::size_t begin = std::exchange(at_, end);
        return s_.substr(begin, end - begin);
    }
    static std::string unescaped(const std::string& from) {
        static const std::pair<const char*, char> entities[] = {
            {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
        std::string out;
        for (std::size_t i = 0; i < from.size();) {
            std::size_t size = 1;
            char c = from[i];
            for (const auto& [entity, stands_for] : entities)
                if (from.compare(i, std::strlen(entity), entity) == 0) {
                    size = std::strlen(entity);
                    c = stands_for;
                }
            REQUIRE_MESSAGE((from[i] != '&' || size > 1), from.substr(i, 20));
            out += c;
            i += size;
        }
        return out;
    }
    page_element element() {
        expect("<");
        page_element e;
        e.name = until(" />");
        REQUIRE(e.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos);
        while (next_is(" ")) {
            expect(" ");
            const std::string key = until("=");
            expect("=\"");
            const std::string value = until("\"");
            REQUIRE(value.find('<') == std::string::npos);
            expect("\"");
            CHECK_MESSAGE(e.attributes.emplace(key, unescaped(value)).second, key, " twice");
        }
        if (next_is("/>")) {
            expect("/>");
            return e;
        }
        expect(">");
        while (!next_is("</"))
            if (next_is("<")) {
                e.children.push_back(element());
                e.text += e.children.back().text;
            } else {
                e.text += unescaped(until("<"));
            }
        expect("</");
        CHECK(until(">") == e.name);
        expect(">");
        return e;
    }

    const std::string& s_;
    std::size_t at_ = 0;
};

inline page_element parse_page(const std::string& page) { return page_parser(page).parse(); }

}  // namespace tern_test
