// The model reader links and refuses what is no model.
#include <cstdio>

#include <tern/model.hpp>

int main() {
    const unsigned char bytes[9] = {1, 0, 0, 0, 0, 0, 0, 0, '['};
    const auto file = tern::safetensors_file::load(bytes, sizeof bytes);
    std::printf("%s\n", file.message());
    return file.ok() ? 1 : 0;
}
