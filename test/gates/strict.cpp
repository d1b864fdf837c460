// What a user compiles from headers alone, for strict.sh.
#include <tern/tern.hpp>
#if __has_include(<nlohmann/json.hpp>)
#include <tern/model.hpp>
#endif

int main(int argc, char** argv) {
#if __has_include(<nlohmann/json.hpp>)
    const auto model = tern::load_sttn(argv[argc - 1]);
    if (!model.ok())
        return 1;
    const auto net = tern::network::create(*model, {1, 32, 32});
    return net.ok() ? 0 : 1;
#else
    return tern::cpu_report().text[0] == 0 && argc == 0 && argv == nullptr ? 1 : 0;
#endif
}
