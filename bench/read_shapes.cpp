#include <charconv>
#include <fstream>
#include <stdexcept>
#include <string>

#include "layers.hpp"

namespace bench {
namespace {

constexpr const char* header = "h,w,cin,cout,kh,kw,stride,pad,dilation,groups,batch";
constexpr std::size_t columns = 11, most = 1 << 20;
constexpr double most_elements = 1 << 30;

/// Why the line is no shape, or "".
std::string parse(const std::string& line, layer& l) {
    std::size_t* fields[columns] = {&l.h,      &l.w,   &l.cin,      &l.cout,   &l.kh,   &l.kw,
                                    &l.stride, &l.pad, &l.dilation, &l.groups, &l.batch};
    const char *p = line.data(), *end = p + line.size();
    const auto skip_blanks = [&] {
        while (p != end && (*p == ' ' || *p == '\t'))
            ++p;
    };
    for (std::size_t i = 0; i < columns; ++i) {
        skip_blanks();
        const auto [next, error] = std::from_chars(p, end, *fields[i]);
        const bool may_be_zero = fields[i] == &l.pad;
        if (error != std::errc{} || *fields[i] > most || (*fields[i] == 0 && !may_be_zero))
            return "column " + std::to_string(i + 1) + ": expected a whole number from " + (may_be_zero ? "0" : "1") +
                   " to " + std::to_string(most);
        p = next;
        skip_blanks();
        if (i + 1 < columns && (p == end || *p++ != ','))
            return "expected " + std::to_string(columns) + " columns (" + header + "), found " + std::to_string(i + 1);
    }
    if (p != end)
        return "unexpected text behind the last column: " + std::string(p, end);
    if (l.cin % l.groups != 0 || l.cout % l.groups != 0)
        return std::to_string(l.groups) + " groups do not divide " + std::to_string(l.cin) + " and " +
               std::to_string(l.cout) + " channels";
    if (l.dilation * (l.kh - 1) + 1 > l.h + 2 * l.pad || l.dilation * (l.kw - 1) + 1 > l.w + 2 * l.pad)
        return "the kernel does not fit the padded image";
    const auto product = [](auto... n) { return (static_cast<double>(n) * ...); };
    if (product(l.batch, l.h + 2 * l.pad, l.w + 2 * l.pad, l.cin) > most_elements ||
        product(l.batch, l.out_h(), l.out_w(), l.cout) > most_elements ||
        product(l.cout, l.cin, l.kh, l.kw) > most_elements)
        return "more than 2^30 elements in a tensor";
    return {};
}

}  // namespace

std::vector<layer> read_shapes(const std::string& path) {
    std::ifstream file(path);
    if (!file)
        throw std::runtime_error(path + ": cannot be read");
    std::vector<layer> layers;
    std::string line;
    bool first = true;
    for (std::size_t number = 1; std::getline(file, line); ++number) {
        while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
            line.pop_back();
        if (line.empty() || line[0] == '#')
            continue;
        if (first && line == header) {
            first = false;
            continue;
        }
        first = false;
        layer l;
        if (const std::string why = parse(line, l); !why.empty())
            throw std::runtime_error(path + ":" + std::to_string(number) + ": " + why);
        layers.push_back(l);
    }
    if (file.bad())
        throw std::runtime_error(path + ": cannot be read");
    if (layers.empty())
        throw std::runtime_error(path + ": no shapes");
    return layers;
}

}  // namespace bench
