// What the reader of checkpoints says of a zip archive: that it is not whole, or that this program reads none.
#include <cstdio>

#include <tern/model/checkpoint.hpp>

int main() {
    const unsigned char bytes[4] = {'P', 'K', 3, 4};
    const auto file = tern::checkpoint_file::load(bytes, sizeof bytes);
    std::printf("%s\n", file.message());
    return file.ok() ? 1 : 0;
}
