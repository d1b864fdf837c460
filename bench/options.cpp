#include "options.hpp"

#include <charconv>
#include <cstring>
#include <sstream>
#include <stdexcept>

namespace bench {

const char* const options_help =
    "tern-bench: ternary convolutions and matrix products beside int8 and fp32\n"
    "\n"
    "  --isa LEVEL        caps both sides: ours runs LEVEL and the levels below it, oneDNN the like of LEVEL\n"
    "                     (scalar, sse42: SSE41; avx2: AVX2; avx2_vnni: AVX2_VNNI; avx512: AVX512_CORE;\n"
    "                     avx512_vnni: AVX512_CORE_VNNI; avx512_icl: no cap)\n"
    "  --shapes FILE.csv  convolutions to run instead of the standard layers, one a line:\n"
    "                     h,w,cin,cout,kh,kw,stride,pad,dilation,groups,batch (bench/example.csv)\n"
    "  --threads N        threads of both sides (default 1)\n"
    "  --codes LIST       more pairs of weights and activations, as b:b,t:s8, on four layers or those of --shapes; "
    "all:\n"
    "                     every pair worth a look. b binary, t ternary, h {0,1,2}, u1 to u4 unsigned bits, o1 to o4 "
    "odd\n"
    "                     numbers, s8, u8 (activations)\n"
    "  --tune FILE        choose kernels by running them, where plans are free to choose; FILE keeps what was found\n"
    "  --choices          instead: which kernels plans choose by model and by measuring, beside the best, for the "
    "layers of\n"
    "                     common networks or of --shapes, at the best level allowed\n"
    "  --calibrate        instead: the costs of all kernels on this core, as rows for dispatch/cores/, at the best "
    "level allowed\n"
    "\n"
    "Names are conv|gemm|stem|pack/<implementation>/<layer>/<output>. Every case is checked against plain loops before "
    "it is\n"
    "timed; the exit code is 1 if one was wrong. For a table and a chart:\n"
    "\n"
    "  tern-bench --benchmark_repetitions=5 --benchmark_out=bench.json && bench/report bench.json\n"
    "\n"
    "The flags below are Google Benchmark's.\n"
    "\n";

namespace {

std::string level_names() {
    std::string names;
    for (std::size_t i = 0; i < tern::isa_count; ++i)
        names += (i == 0 ? "" : ", ") + std::string(tern::isa_name(static_cast<tern::isa>(i)));
    return names;
}

void check_level(const std::string& name) {
    for (std::size_t i = 0; i < tern::isa_count; ++i)
        if (name == tern::isa_name(static_cast<tern::isa>(i)))
            return;
    throw std::invalid_argument("--isa: unknown level '" + name + "'; levels are: " + level_names());
}

std::size_t parse_threads(const std::string& text) {
    std::size_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size() || n == 0 || n > 1024)
        throw std::invalid_argument("--threads: expected a number from 1 to 1024, found '" + text + "'");
    return n;
}

tern::code_id parse_code(const std::string& name) {
    tern::code_id code{};
    if (tern::find_code(name.c_str(), code))
        return code;
    std::string names;
    for (std::size_t i = 0; i < tern::code_count; ++i)
        names += (i == 0 ? "" : ", ") + std::string(tern::code_name(static_cast<tern::code_id>(i)));
    throw std::invalid_argument("--codes: unknown code '" + name + "'; codes are: " + names);
}

std::vector<code_pair> parse_codes(const std::string& text) {
    std::vector<code_pair> pairs;
    std::istringstream list(text == "all" ? "b:b,t:b,b:t,t:h,t:u2,o2:u2,o2:u4,o4:u4,t:s8,s8:u8" : text);
    for (std::string pair; std::getline(list, pair, ',');) {
        const std::size_t colon = pair.find(':');
        if (colon == std::string::npos)
            throw std::invalid_argument("--codes: expected 'all' or pairs such as t:s8, found '" + pair + "'");
        pairs.push_back({parse_code(pair.substr(0, colon)), parse_code(pair.substr(colon + 1))});
        if (tern::code_max(pairs.back().weights) > 127)
            throw std::invalid_argument("--codes: '" + pair + "': weights are at most 127");
    }
    return pairs;
}

}  // namespace

options parse_options(int& argc, char** argv) {
    options o;
    int kept = 1;
    for (int i = 1; i < argc; ++i) {
        std::string value;
        const auto is = [&](const char* flag) {
            const std::size_t n = std::strlen(flag);
            if (std::strncmp(argv[i], flag, n) != 0 || (argv[i][n] != '\0' && argv[i][n] != '='))
                return false;
            if (argv[i][n] == '=')
                value = argv[i] + n + 1;
            else if (i + 1 < argc)
                value = argv[++i];
            if (value.empty())
                throw std::invalid_argument(std::string(flag) + ": expected a value");
            return true;
        };
        if (is("--isa"))
            check_level(o.isa = value);
        else if (is("--shapes"))
            o.shapes = value;
        else if (std::strcmp(argv[i], "--choices") == 0)
            o.choices = true;
        else if (std::strcmp(argv[i], "--calibrate") == 0)
            o.calibrate = true;
        else if (is("--threads"))
            o.threads = parse_threads(value);
        else if (is("--tune"))
            o.tune = value;
        else if (is("--codes"))
            o.codes = parse_codes(value);
        else
            argv[kept++] = argv[i];
    }
    argc = kept;
    argv[argc] = nullptr;
    return o;
}

tern::core_kind take_core() {
    const auto core = tern::select_core();
    if (!core.ok())
        throw std::runtime_error(core.message());
    return *core;
}

std::vector<const tern::kernel_table*> levels_to_run(const options& o) {
    const tern::cpu_levels report = tern::cpu_report();
    std::vector<const tern::kernel_table*> tables;
    bool allowed = o.isa.empty();
    for (std::size_t i = 0; i < tern::isa_count; ++i) {
        const tern::isa level = tern::preferred_isa(i);
        allowed = allowed || o.isa == tern::isa_name(level);
        const tern::level_report& r = report.levels[static_cast<std::size_t>(level)];
        if (allowed && r.built && r.supported)
            tables.push_back(tern::built_kernels(level));
    }
    return tables;
}

}  // namespace bench
