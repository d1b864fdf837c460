// The recipe of README.md that makes a safetensors file of a checkpoint, as it stands there.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "programs_support.hpp"

using namespace tern_test;

namespace {

/// The Python block behind a heading of README.md.
std::string python_block(const std::string& heading) {
    const std::string readme = read_text(TERN_TEST_DATA "/../../README.md"), fence = "```";
    const std::size_t at = readme.find(heading);
    REQUIRE(at != std::string::npos);
    const std::size_t begin = readme.find(fence + "python\n", at);
    REQUIRE(begin != std::string::npos);
    const std::size_t start = readme.find('\n', begin) + 1;
    return readme.substr(start, readme.find(fence, start) - start);
}

/// Runs a script in that folder; whether it succeeded. `modules` is a folder with modules of its own, or "".
bool run_python(const std::string& folder, const std::string& script, const std::string& modules) {
    const std::string path = folder + "/script.py";
    std::ofstream(path, std::ios::binary) << script;
    const std::string environment = modules.empty() ? "" : "PYTHONDONTWRITEBYTECODE=1 PYTHONPATH='" + modules + "' ";
    const std::string command =
        "cd '" + folder + "' && " + environment + "'" + TERN_TEST_PYTHON + "' script.py > said 2>&1";
    return std::system(command.c_str()) == 0;
}

/// Both files have the same tensors, bit for bit.
void check_same_tensors(const tern::safetensors_file& found, const tern::safetensors_file& expected) {
    CHECK(found.size() == expected.size());
    for (const tern::tensor_info& e : expected.tensors()) {
        CAPTURE(e.name);
        const tern::tensor_info& f = tensor(found, e.name);
        CHECK(f.dtype == e.dtype);
        CHECK(f.shape == e.shape);
        REQUIRE(f.bytes == e.bytes);
        CHECK((e.bytes == 0 || std::memcmp(f.data, e.data, e.bytes) == 0));
    }
}

/// A checkpoint with tensors of other types and shapes, too.
edited_file checkpoint() {
    edited_file file(data_path("mnist_tiny_raw"));
    file.set("half", tern::data_type::f16, {2, 1}, std::vector<std::uint16_t>{0x3C00, 0x8001});
    file.set("brain", tern::data_type::bf16, {3}, std::vector<std::uint16_t>{1, 2, 3});
    file.set("double", tern::data_type::f64, {1}, std::vector<double>{0.1});
    file.set("none", tern::data_type::f32, {0, 3}, std::vector<float>{});
    file.set("a name with \xC3\xA4, \" and \\", tern::data_type::f32, {1}, std::vector<float>{1});
    return file;
}

}  // namespace

TEST_CASE("the README's recipe makes a safetensors file of a checkpoint, with torch or a stand-in") {
    const temporary_folder folder;
    const std::string recipe = python_block("## A checkpoint as safetensors");
    CHECK(!contains(recipe, "import safetensors"));
    CHECK(!contains(recipe, "numpy"));
    const std::string source = folder / "source.safetensors", made = folder / "network.safetensors",
                      saved = folder / "checkpoint.pth.tar", stand_in = TERN_TEST_DATA "/../examples/stand_in";
    // Twice: as the stand-in reads it, and through torch's own file where there is torch.
    const bool torch = run_python(folder / "", "import torch\ntorch.save\n", "");
    const std::string where = torch ? "torch and a stand-in" : "a stand-in, as torch is not installed";
    MESSAGE("the recipe runs on ", where);
    for (const bool real : {false, true}) {
        if (real && !torch)
            continue;
        CAPTURE(real);
        for (const bool network : {true, false}) {
            const edited_file expected = network ? edited_file(data_path("mnist_tiny_raw")) : checkpoint();
            expected.write(source);
            if (real)  // what the stand-in reads, as torch's tensors in torch's file
                REQUIRE(run_python(
                    folder / "",
                    "import importlib.util, torch\n"
                    "spec = importlib.util.spec_from_file_location('stand_in', '" +
                        stand_in +
                        "/torch.py')\n"
                        "s = importlib.util.module_from_spec(spec)\n"
                        "spec.loader.exec_module(s)\n"
                        "kinds = {v: getattr(torch, k) for k, v in vars(s).items() if isinstance(v, s.dtype)}\n"
                        "c = s.load('source.safetensors')\n"
                        "c['state_dict'] = {n: (torch.frombuffer(t._memory, dtype=kinds[t.dtype]) if t.numel()\n"
                        "                       else torch.empty(0)).reshape(t.shape).clone()\n"
                        "                   for n, t in c['state_dict'].items()}\n"
                        "torch.save(c, 'checkpoint.pth.tar')\n",
                    ""));
            else
                std::filesystem::copy_file(source, saved, std::filesystem::copy_options::overwrite_existing);
            std::filesystem::remove(made);
            const bool done = run_python(folder / "", recipe, real ? "" : stand_in);
            REQUIRE_MESSAGE(done, read_text(folder / "said"));
            check_same_tensors(open_file(made), open_file(source));
        }
    }
    // And the network in it runs.
    edited_file(data_path("mnist_tiny_raw")).write(saved);
    REQUIRE(run_python(folder / "", recipe, stand_in));
    succeeded(convert({made, folder / "packed.safetensors", "--preprocess", "mnist"}));
    CHECK(contains(succeeded(classify({folder / "packed.safetensors", data_path("mnist_tiny_reference")})).out,
                   "accuracy"));
    // A pickle that is no checkpoint says what to do about it.
    std::ofstream(saved, std::ios::binary) << "\x80\x04\x95\x0a" << std::string(99, 'x');
    failed(convert({saved, folder / "packed"}), {"a Python pickle", "A checkpoint as safetensors"});
}
