#include "layers.hpp"

namespace bench {
namespace {

layer grouped(layer l, std::size_t groups) {
    l.groups = groups;
    return l;
}
layer batch(layer l, std::size_t n) {
    l.batch = n;
    return l;
}
layer image(std::size_t h, std::size_t w, std::size_t cin, std::size_t cout, std::size_t kernel) {
    layer l = conv(h, cin, cout, kernel, 1);
    l.w = w;
    return l;
}

}  // namespace

std::vector<layer> common_layers() {
    std::vector<layer> once{
        // ResNet-18, -34, -50; -20 for small images
        conv(56, 64, 64, 3, 1),
        conv(56, 64, 128, 3, 2),
        conv(28, 128, 128, 3, 1),
        conv(28, 128, 256, 3, 2),
        conv(14, 256, 256, 3, 1),
        conv(14, 256, 512, 3, 2),
        conv(7, 512, 512, 3, 1),
        conv(56, 64, 128, 1, 2),
        conv(28, 128, 256, 1, 2),
        conv(14, 256, 512, 1, 2),
        conv(56, 64, 64, 1, 1),
        conv(56, 64, 256, 1, 1),
        conv(56, 256, 64, 1, 1),
        conv(28, 512, 128, 1, 1),
        conv(28, 128, 512, 1, 1),
        conv(28, 256, 256, 1, 1),
        conv(14, 1024, 256, 1, 1),
        conv(14, 256, 1024, 1, 1),
        conv(7, 2048, 512, 1, 1),
        conv(7, 512, 2048, 1, 1),
        conv(32, 16, 16, 3, 1),
        conv(32, 16, 32, 3, 2),
        conv(16, 32, 32, 3, 1),
        conv(16, 32, 64, 3, 2),
        conv(8, 64, 64, 3, 1),
        // VGG-7, AlexNet, LeNet-5
        conv(32, 128, 128, 3, 1),
        conv(16, 128, 256, 3, 1),
        conv(16, 256, 256, 3, 1),
        conv(8, 256, 512, 3, 1),
        conv(8, 512, 512, 3, 1),
        conv(27, 96, 256, 5, 1),
        conv(13, 256, 384, 3, 1),
        conv(13, 384, 384, 3, 1),
        conv(13, 384, 256, 3, 1),
        conv(12, 32, 64, 5, 1),
        gemm(1, 4096, 9216),
        gemm(1, 1024, 8192),
        gemm(1, 512, 3136),
        // MobileNet: 1x1 and depthwise
        conv(112, 32, 64, 1, 1),
        conv(56, 128, 128, 1, 1),
        conv(14, 512, 512, 1, 1),
        conv(7, 1024, 1024, 1, 1),
        conv(28, 32, 192, 1, 1),
        conv(28, 192, 32, 1, 1),
        conv(14, 96, 576, 1, 1),
        grouped(conv(56, 128, 128, 3, 1), 128),
        grouped(conv(14, 512, 512, 3, 1), 512),
        grouped(conv(28, 256, 256, 3, 1), 32),
        // as in YOLO
        conv(104, 64, 128, 3, 1),
        conv(52, 128, 256, 3, 1),
        conv(26, 256, 512, 3, 1),
        conv(13, 512, 1024, 3, 1),
        conv(80, 64, 64, 3, 1),
        conv(40, 128, 128, 3, 1),
        conv(20, 256, 256, 3, 1),
        conv(13, 1024, 512, 1, 1),
        // small maps, wide images
        conv(4, 256, 256, 3, 1),
        conv(4, 64, 64, 3, 1),
        conv(2, 512, 512, 3, 1),
        conv(2, 64, 64, 3, 1),
        conv(1, 512, 512, 1, 1),
        conv(1, 64, 64, 1, 1),
        image(3136, 1, 64, 64, 3),
        image(1, 3136, 64, 64, 1),
    };
    std::vector<layer> all;
    for (const layer& l : once) {
        all.push_back(l);
        all.push_back(l.kind == layer_kind::gemm ? gemm(8 * l.w, l.cout, l.cin) : batch(l, 8));
    }
    for (const std::size_t n : {std::size_t{1}, std::size_t{8}, std::size_t{32}, std::size_t{3136}})
        for (const std::size_t side : {std::size_t{1}, std::size_t{2}, std::size_t{4}}) {
            const layer l = batch(conv(side, 64, 64, side == 1 ? 1 : 3, 1), n);
            if (n == 32 || n == 3136)
                all.push_back(l);
        }
    for (const layer& l : {gemm(512, 512, 512), gemm(1024, 1024, 1024), gemm(3136, 64, 576), gemm(784, 128, 1152),
                           gemm(196, 256, 2304), gemm(49, 512, 4608), gemm(1, 4096, 4096), gemm(2, 4096, 4096),
                           gemm(4, 1024, 1024), gemm(16, 1024, 1024), gemm(1, 256, 256), gemm(1, 1000, 512),
                           gemm(4096, 16, 64), gemm(64, 10, 1024), batch(conv(1, 512, 512, 1, 1), 32)})
        all.push_back(l);
    return all;
}

}  // namespace bench
