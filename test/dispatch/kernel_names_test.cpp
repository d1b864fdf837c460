// docs/kernel_names.md lists the families of all tables that are built, whether this CPU can run them or not.
#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <tern/dispatch/select.hpp>
#include <tern/kernel/table.hpp>

namespace {

struct documented_family {
    std::string name, variants, group, levels;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string quoted(const std::string& word) { return "`" + word + "`"; }

/// The rows of the table below "## Families".
std::vector<documented_family> documented_families() {
    std::ifstream file(TERN_TEST_DATA "/../../docs/kernel_names.md");
    std::vector<documented_family> rows;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("## ", 0) == 0)
            inside = line.rfind("## Families", 0) == 0;
        if (!inside || line.rfind("| `", 0) != 0)
            continue;
        std::vector<std::string> cells;
        for (std::size_t at = 1, end = 0; (end = line.find('|', at)) != std::string::npos; at = end + 1)
            cells.push_back(line.substr(at, end - at));
        REQUIRE(cells.size() == 6);
        rows.push_back({cells[0], cells[1], cells[2], cells[5]});
    }
    return rows;
}

const char* group_of(const tern::product_family& f) {
    switch (f.group) {
        case tern::kernel_family::popcount: return "popcount";
        case tern::kernel_family::lookup: return "lookup";
        case tern::kernel_family::dot: return "dot";
        default: return "";
    }
}

bool lists(const documented_family& row, const tern::product_family& f) {
    const std::string variant = f.variant;
    // No variant: an empty cell, or one that begins with "none".
    const bool named =
        variant.empty() ? has(row.variants, "none") || row.variants == " " : has(row.variants, quoted(variant));
    return named && has(row.name, quoted(f.name)) && has(row.group, quoted(group_of(f)));
}

}  // namespace

TEST_CASE("the page of kernel names has a row for each family of each table, and no row for none") {
    const std::vector<documented_family> rows = documented_families();
    REQUIRE(!rows.empty());
    std::set<std::string> names;
    std::string levels;
    for (std::size_t i = 0; i < tern::isa_count; ++i) {
        const tern::kernel_table* table = tern::built_kernels(static_cast<tern::isa>(i));
        if (table == nullptr)
            continue;
        levels += quoted(table->level);
        CAPTURE(std::string(table->level));
        for (std::size_t k = 0; k < table->family_count; ++k) {
            const tern::product_family& f = table->families[k];
            names.insert(f.name);
            int found = 0;
            for (const documented_family& row : rows)
                found += lists(row, f) ? 1 : 0;
            CHECK_MESSAGE(found == 1, std::string(f.name), ".", std::string(f.variant), " has ", found, " rows");
        }
    }
    const bool built_all = has(levels, "`avx2`") && has(levels, "`avx512_icl`");  // of x86
    for (const documented_family& row : rows)
        if (has(row.levels, "all") || (has(row.levels, "x86") && built_all))
            CHECK_MESSAGE(names.count(row.name.substr(2, row.name.size() - 4)) == 1, row.name, " is in no table");
}
