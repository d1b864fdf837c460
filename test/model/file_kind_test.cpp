#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "../support/check_refused.hpp"

using namespace std::string_literals;
using tern_test::check_refused;

namespace {

struct sample {
    std::string bytes;
    std::vector<std::string> words;
};

/// First bytes as programs write them, padded as files are.
std::vector<sample> samples() {
    const std::string more(600, '\x07');
    const auto zip = [&](const std::string& name) {
        return "PK\x03\x04\x14\0\0\0\0\0\x72\x9c\x79\x5d\xfb\x51\x16\xdc\x15\0\0\0\x15\0\0\0\x10\0\0\0"s + name + more;
    };
    const std::string recipe = "A checkpoint as safetensors", reader = "open_tensor_file()";
    return {
        {zip("archive/data.pkl"), {"a PyTorch checkpoint (zip)", reader}},
        {zip("mnist_tiny/data.pkl"), {"a PyTorch checkpoint (zip)", reader}},
        {zip("net/data.pkl") + "PK\x01\x02 net/constants.pkl", {"a TorchScript model", "torch.jit.load"}},
        {zip("module.fc.weight.npy"), {"NumPy arrays (npz)"}},
        {zip("document.xml"), {"a zip archive", "unpack"}},
        {"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03." + more,
         {"a PyTorch checkpoint of the old kind (pickle)", reader}},
        {"\x80\x04\x95\x0a\0\0\0\0\0\0\0}\x94\x8c\x01\x61\x94K"s + more, {"a Python pickle", recipe}},
        {"\x08\x07\x12\x07pytorch\x1a\x05"
         "2.0.0" +
             more,
         {"an ONNX model", "PyTorch checkpoint"}},
        {"\x08\x08\x3a\x80\x10\x0a\x05" + more, {"an ONNX model"}},
        {"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0"s + more, {"a GGUF model"}},
        {"\x1c\0\0\0TFL3\x14\0\x20\0"s + more, {"a TensorFlow Lite model"}},
        {"\x89HDF\r\n\x1a\n" + more, {"an HDF5 file", "Keras"}},
        {"\x93NUMPY\x01\0v\0{'descr'"s + more, {"a NumPy array"}},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 1211408\n",
         {"a Git LFS pointer", "git lfs pull"}},
        {"/annex/objects/SHA256E-s12--0123.safetensors\n", {"a git-annex pointer", "git annex get"}},
        {"<!DOCTYPE html>\n<html><head><title>404</title></head></html>\n", {"an HTML page", "download"}},
        {"\xef\xbb\xbf \n<HTML lang=\"en\">", {"an HTML page"}},
        {"{\"metadata\": {\"total_size\": 12}, \"weight_map\": {\"fc.bias\": \"model-00001-of-00002.safetensors\"}}",
         {"index of a model in several files", "index.json"}},
        {"{\n  \"architectures\": [\"ResNet\"]\n}", {"a JSON text"}},
        {"Entry not found", {"a text that begins 'Entry not found'"}},
        {"<?xml version=\"1.0\"?>\n<Error>\n", {"a text that begins '<?xml version=\"1.0\"?>'"}},
        {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"s + more, {"a PNG picture"}},
        {"\xff\xd8\xff\xe0\0\x10JFIF"s + more, {"a JPEG picture"}},
        {"GIF89a\x1c\0\x1c\0"s + more, {"a GIF picture"}},
        {"BM\x36\x04\0\0\0\0\0\0\x36\x04\0\0"s + more, {"a BMP picture"}},
        {"RIFF\x24\0\0\0WEBPVP8 "s + more, {"a WebP picture"}},
        {"II*\0\x08\0\0\0"s + more, {"a TIFF picture"}},
        {"MM\0*\0\0\0\x08"s + more, {"a TIFF picture"}},
        {"\0\0\0\x1c"
         "ftypheic"s +
             more,
         {"a HEIC picture"}},
        {"\0\0\0\x1c"
         "ftypavif"s +
             more,
         {"an AVIF picture"}},
        {"<svg xmlns=\"http://www.w3.org/2000/svg\">", {"an SVG picture"}},
        {"\x1f\x8b\x08\0\0\0\0\0"s + more, {"gzip", "unpack"}},
        {"BZh91AY&SY" + more, {"bzip2", "unpack"}},
        {"\xfd"
         "7zXZ\0\0\x04"s +
             more,
         {"xz", "unpack"}},
        {"\x28\xb5\x2f\xfd\x04\x58" + more, {"zstd", "unpack"}},
        {"7z\xbc\xaf\x27\x1c\0\x04"s + more, {"a 7z archive"}},
        {"Rar!\x1a\x07\x01\0"s + more, {"a RAR archive"}},
        {"sys_info" + std::string(249, '\0') +
             "ustar\0"
             "00"s +
             more,
         {"a tar archive", "unpack"}},
        {std::string(4096, '\0'), {"zero bytes", "download"}},
    };
}

tern::result<tern::safetensors_file> load(const std::string& bytes) {
    return tern::safetensors_file::load(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

}  // namespace

TEST_CASE("files of other formats are told apart, with what to do about them") {
    for (const sample& s : samples()) {
        CAPTURE(s.words[0]);
        const auto file = load(s.bytes);
        REQUIRE_FALSE(file.ok());
        check_refused(file.status(), tern::errc::bad_format, {"expected a safetensors file, found "});
        check_refused(file.status(), tern::errc::bad_format, s.words);
        // What cannot be told from a few bytes is not guessed, and no length is read beyond its end.
        for (std::size_t n = 0; n < s.bytes.size() && n < 300; ++n) {
            const std::vector<unsigned char> cut(s.bytes.begin(), s.bytes.begin() + static_cast<std::ptrdiff_t>(n));
            const tern::file_kind kind = tern::recognise_file(cut.data(), cut.size());
            CHECK((kind.what.size() < 100 && kind.advice.size() < 200));
        }
    }
}

TEST_CASE("safetensors files that are damaged are not taken for something else") {
    tern::safetensors_writer w;
    const float values[2] = {1, 2};
    REQUIRE(w.add("a", tern::data_type::f32, {2}, values).ok());
    std::vector<unsigned char> bytes;
    REQUIRE(w.write(bytes).ok());
    CHECK(tern::recognise_file(bytes.data(), bytes.size()).what == "");
    CHECK(tern::recognise_file(nullptr, 0).what == "");
    std::string cut(bytes.begin(), bytes.begin() + 30);
    check_refused(load(cut).status(), tern::errc::bad_format, {"expected a header of"});
    std::string wrong(bytes.begin(), bytes.end());
    wrong[8] = '[';
    check_refused(load(wrong).status(), tern::errc::bad_format, {"header", "'{'"});
    wrong[7] = '\x7f';
    check_refused(load(wrong).status(), tern::errc::bad_format, {"100000000 bytes", "length of"});
}
