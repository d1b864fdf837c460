"""Writes a checkpoint for every kind of network, with images and the logits that a plain forward pass gives for them.

    make_checkpoints.py FOLDER [KIND...]      KIND.pth, KIND.images.safetensors, KIND.logits.safetensors

Checkpoints are as torch.save() and the papers' training codes leave them: names and their prefixes, shapes, what lies
beside the state dict; blocks, strides and kernel sizes of the official networks, few channels, small images. Needs
neither torch nor numpy. Networks are drawn from a seed, layer by layer, while the images pass through them in double:
norms get statistics of what reaches them, as in training, and shifts for which no value lies so near a quantizer's
threshold that arithmetic in float could see another code.
"""
import argparse
import array
import bisect
import itertools
import math
import operator
import os
import random
import struct
import sys

sys.dont_write_bytecode = True  # beside the sources
from float_maps import Maps, add, convolve, flatten, halved, mean, pool, relu
from torch_archive import Archive, dict_of, items, list_of, number, ordered, text, write_tensor

IMAGES, CLASSES, EPSILON, MARGIN = 3, 10, 1e-5, 2e-5
CIFAR = [.4914, .4822, .4465], [.2470, .2435, .2616]
IMAGENET = [.485, .456, .406], [.229, .224, .225]
MNIST = [.1307], [.3081]
UNITS = {2: 1.0, 3: 0.375, 4: 0.15}  # what an activation code of 1 is worth in STQN, by bits


class Quantizer:
    """Codes lowest, lowest + 1, ..: a step up at each threshold. Those below `least` cannot occur."""

    def __init__(self, at, lowest=0, unit=1.0, least=None):
        self.at, self.lowest, self.unit, self.least = at, lowest, unit, lowest if least is None else least

    def __call__(self, x):
        codes = x.each(lambda v: self.lowest + bisect.bisect(self.at, v))
        found = set(v for rows in codes.images for row in rows for v in row)
        assert found == set(range(self.least, self.lowest + len(self.at) + 1)), found
        return codes.each(lambda v: v * self.unit)

    def is_near(self, values):
        return any(bisect.bisect(values, t - MARGIN) != bisect.bisect(values, t + MARGIN) for t in self.at)


class Network:
    """A state dict in the making."""

    def __init__(self, kind):
        self.random, self.state = random.Random(kind), {}

    def put(self, name, shape, values):
        """Adds a tensor; its values as floats hold them."""
        values = array.array("f", values).tolist()
        assert len(values) == math.prod(shape)
        self.state[name] = tuple(shape), values
        return values

    def uniform(self, low, high):
        return low + (high - low) * self.random.random()

    def draw(self, name, shape, low, high):
        return self.put(name, shape, [self.uniform(low, high) for _ in range(math.prod(shape))])

    def latent(self, name, shape, size=0.3):
        """Bell-shaped, never 0."""
        r = self.random.random
        values = [size * (2 * (r() + r() + r()) - 2.95) for _ in range(math.prod(shape))]
        return self.put(name, shape, [v or size for v in values])

    def bias(self, name, x):
        return x.each(operator.add, self.draw(name, [x.c], -1, 1))

    def prelu(self, name, x):
        return x.each(lambda v, slope: v if v >= 0 else v * slope, self.draw(name + ".weight", [x.c], -.1, .4))

    def norm(self, name, x, quantizers=(), see=lambda v, _: v, beside=None, centre=0.1, epsilon=EPSILON):
        """A batch norm behind which quantizers see see(value, value of `beside` there)."""
        columns = [x.channel(c) for c in range(x.c)]
        spread = sum(v * v for column in columns for v in column) / (len(columns[0]) * x.c)
        parts, factors, shifts = ([], [], [], []), [], []
        for c, column in enumerate(columns):
            average = sum(column) / len(column)
            # Of a few pixels that hardly vary: what spreads them would spread rounding errors, too.
            var = max(sum((v - average) ** 2 for v in column) / len(column), 0.1 * spread) + 0.01
            other = beside.channel(c) if beside else itertools.repeat(0.0)
            fixed = array.array("f", [self.uniform(.6, 1.4) * self.random.choice((1, 1, 1, 1, 1, 1, 1, -1)),
                                      average + self.uniform(-.2, .2) * math.sqrt(var), var * self.uniform(.7, 1.5)])
            factor = fixed[0] / math.sqrt(fixed[2] + epsilon)
            for attempt in itertools.count():
                bias = array.array("f", [centre + self.uniform(-.5, .5)])[0]
                shift = bias - fixed[1] * factor
                seen = quantizers and sorted(see(v * factor + shift, o) for v, o in zip(column, other))
                if not any(q.is_near(seen) for q in quantizers):
                    break
                assert attempt < 200, name
            for part, value in zip(parts, (fixed[0], bias, fixed[1], fixed[2])):
                part.append(value)
            factors.append(factor)
            shifts.append(shift)
        for part, values in zip((".weight", ".bias", ".running_mean", ".running_var"), parts):
            self.put(name + part, [x.c], values)
        self.state[name + ".num_batches_tracked"] = (), [1000]
        return x.each(lambda v, factor, shift: v * factor + shift, factors, shifts)

    def stem(self, name, x, out, k, stride, padding=None):
        w = self.draw(name + ".weight", [out, x.c, k, k], -2 / math.sqrt(x.c * k * k), 2 / math.sqrt(x.c * k * k))
        return convolve(x, w, out, k, stride, k // 2 if padding is None else padding)

    def classify(self, name, x, ends=(), bias=True):
        w = self.draw(name + ".weight", [CLASSES, x.c, *ends], -.3, .3)
        logits = convolve(x, w, CLASSES, 1, 1, 0)
        return self.bias(name + ".bias", logits) if bias else logits

    def write(self, path, prefix):
        archive = Archive()
        state = ordered([(text(prefix + name), archive.tensor(*t)) for name, t in self.state.items()])
        state += dict_of(_metadata=ordered([(text(""), dict_of(version=number(1)))])) + b"b"
        group = dict_of(lr=number(0.1), momentum=number(0.9), nesterov=b"\x89", params=list_of(number(0), number(1)))
        optimizer = dict_of(state=b"}" + items([(number(0), dict_of(momentum_buffer=archive.tensor([2], [.5, -.5])))]),
                            param_groups=list_of(group))
        archive.write(path, dict_of(epoch=number(90), arch=text("resnet"), state_dict=state, best_prec1=number(69.5),
                                    optimizer=optimizer))


# STTN and STQN. A convolution of several kernels: a sum of signs, each worth as much as the one before or twice that.
def kernels(net, name, x, out, stride, count, doubling, side=3, ends=None):
    ends = [side, side] if ends is None else ends
    latent = [net.latent("%s_%d.weight" % (name, k + 1), [out, x.c, *ends], .6) for k in range(count)]
    n, weights = side * side * x.c, []
    for at in range(0, out * n, n):
        m = sum(min(abs(v), 1.0) for w in latent for v in w[at:at + n]) / (n * count)
        steps = [m * 2 ** k if doubling else m for k in range(count)]
        weights += [sum(map(math.copysign, steps, taps)) for taps in zip(*(w[at:at + n] for w in latent))]
    y = convolve(x, weights, out, side, stride, side // 2)
    for k in range(count):
        y = net.bias("%s_%d.bias" % (name, k + 1), y)
    return y


def residual(net, x, widths, blocks, quantizer, count=2, doubling=False, large=True, centre=0.1):
    k, stride = (7, 2) if large else (3, 1)
    x = net.prelu("features.2", net.norm("features.1", net.stem("features.0", x, widths[0], k, stride)))
    x = pool(x, 3, 2, 1) if large else x
    number_of = itertools.count(4 if large else 3)
    for width, repeats in zip(widths, blocks):
        for _ in range(repeats):
            name = "features.%d." % next(number_of)
            for digit in "12":
                stride = 1 if width == x.c else 2
                codes = quantizer(net.norm(name + "bn" + digit, x, [quantizer], centre=centre))
                y = kernels(net, name + "conv" + digit, codes, width, stride, count, doubling)
                y = net.norm(name + "bn_add" + digit, y)
                x = net.prelu(name + "prelu" + digit, add(y, x if stride == 1 else halved(x)))
    return net.classify("fc", mean(x))


def sttn(blocks, large=True):
    widths = [6, 12, 24, 48][:len(blocks)]
    return lambda net, x: residual(net, x, widths, blocks, Quantizer([-.5, .5], -1), large=large)


def alexnet(net, x):
    """XNOR-Net's layers, each with STTN's two kernels."""
    quantizer = Quantizer([-.5, .5], -1)

    def ternarized(name, x):
        return quantizer(net.norm(name + ".bn", x, [quantizer], epsilon=1e-4))

    x = net.bias("features.0.bias", net.stem("features.0", x, 6, 11, 4, 0))
    x = pool(relu(net.norm("features.1", x, epsilon=1e-4)), 3, 2, 0)
    for n, width, side in (4, 12, 5), (6, 16, 3), (7, 16, 3), (8, 12, 3):
        x = pool(x, 3, 2, 0) if n == 6 else x
        name = "features.%d" % n
        x = relu(kernels(net, name + ".conv", ternarized(name, x), width, 1, 2, False, side))
    x = pool(x, 3, 2, 0)
    for n in 0, 1:
        name = "classifier.%d" % n
        codes = flatten(ternarized(name, x))  # norms know the channels of maps
        x = relu(kernels(net, name + ".linear", codes, 40, 1, 2, False, 1, []))
    return net.classify("classifier.4", net.norm("classifier.2", x, epsilon=1e-3))


def stqn(bits, count, doubling, blocks, large=True):
    top, unit = 2 ** bits - 1, UNITS[bits]
    quantizer = Quantizer([(k + .5) * unit for k in range(top)], unit=unit)
    widths = [6, 12, 24, 48][:len(blocks)]
    return lambda net, x: residual(net, x, widths, blocks, quantizer, count, doubling, large, top * unit / 2)


# TWN: weights alone are ternary.
def ternary(net, name, x, out, k, stride=1, padding=0, bias=True):
    w, n, weights = net.latent(name + ".weight", [out, x.c, k, k]), x.c * k * k, []
    for at in range(0, out * n, n):
        delta = 0.75 * sum(map(abs, w[at:at + n])) / n
        above = [abs(v) for v in w[at:at + n] if abs(v) > delta]
        weights += [math.copysign(sum(above) / len(above), v) if abs(v) > delta else 0.0 for v in w[at:at + n]]
    y = convolve(x, weights, out, k, stride, padding)
    return net.bias(name + ".bias", y) if bias else y


def flat_head(net, x, hidden):
    x = relu(net.norm("bn_fc1", ternary(net, "fc1", flatten(x), hidden, 1)))
    return net.classify("fc2", x, (1, 1), False)


def lenet(net, x):
    for name, width in ("conv1", 8), ("conv2", 16):
        x = pool(relu(net.norm("bn_" + name, ternary(net, name, x, width, 5))), 2, 2, 0)
    return flat_head(net, x, 32)


def vgg(net, x):
    for stage, width in enumerate((8, 16, 32)):
        for k in 1, 2:
            name = "conv%d_%d" % (stage + 1, k)
            x = relu(net.norm("bn_" + name, ternary(net, name, x, width, 3, padding=1)))
        x = pool(x, 2, 2, 0)
    return flat_head(net, x, 48)


def twn_resnet(net, x):
    x = pool(relu(net.norm("conv1.1", ternary(net, "conv1.0", x, 6, 7, 2, 3))), 3, 2, 1)
    for stage, width in enumerate((6, 12, 24, 48)):
        for k, stride in enumerate((2, 1)):
            name = "conv%d_x.%d." % (stage + 2, k)
            way = name + "residual_function."
            y = relu(net.norm(way + "1", ternary(net, way + "0", x, width, 3, stride, 1, False)))
            y = net.norm(way + "4", ternary(net, way + "3", y, width, 3, 1, 1, False))
            if stride == 2:
                x = net.norm(name + "shortcut.1", ternary(net, name + "shortcut.0", x, width, 1, stride, 0, False))
            x = relu(add(y, x))
    return net.classify("fc", mean(x), (1, 1), False)


# FATNN: steps of learned width.
def fatnn_weights(net, name, shape, by_filter):
    w, groups = net.latent(name + ".weight", shape), shape[0] if by_filter else 1
    name, part, weights = name + ".quant_weight.", len(w) // groups, []
    extents = [groups, 1, 1, 1] if by_filter else [1]
    a0, a1 = (net.draw(name + alpha, extents, .7, 1.8) for alpha in ("alpha0", "alpha1"))
    gamma = net.draw(name + "gamma", extents, .5, 1.5) if by_filter else [1.0]
    net.put(name + "level_num", [1], [3])
    net.state[name + "iteration"] = (), [1000]
    for g in range(groups):
        group = w[g * part:(g + 1) * part]
        average = sum(group) / part
        deviation = math.sqrt(sum((v - average) ** 2 for v in group) / (part - 1))
        normal = [(v - average) / deviation for v in group]
        weights += [gamma[g] * ((v * a1[g] > .5) - (v * a0[g] < -.5)) for v in normal]
    return weights


def fatnn(full, by_filter, identity_norm):
    def quantizer(net, name):
        name += ".quant_activation."
        a0, a1 = (net.draw(name + alpha, [1], .7, 2.5)[0] for alpha in ("alpha0", "alpha1"))
        net.put(name + "level_num", [1], [3])
        # Blocks end with a ReLU, so of the full range -1 does not occur.
        return Quantizer([-.5 / a0, .5 / a1], -1, least=0) if full else Quantizer([.5 / a0, 1 / a0 + .5 / a1])

    def quantizers(net, block):
        found = [quantizer(net, block[0] + ".conv1")]
        return found + [quantizer(net, block[0] + ".downsample.0")] if block[2] else found

    def conv(net, name, codes, out, k, stride):
        return convolve(codes, fatnn_weights(net, name, [out, codes.c, k, k], by_filter), out, k, stride, k // 2)

    def see(v, beside):
        return max(v + beside, 0.0)

    def forward(net, x):
        blocks = [("layer%d.%d" % (stage + 1, k), width, stage > 0 and k == 0)
                  for stage, width in enumerate((6, 12, 24, 48)) for k in (0, 1)]
        readers = quantizers(net, blocks[0])
        x = pool(relu(net.norm("bn1", net.stem("conv1", x, 6, 7, 2), readers, see)), 3, 2, 1)
        for i, (name, width, down) in enumerate(blocks):
            middle, stride = quantizer(net, name + ".conv2"), 2 if down else 1
            y = conv(net, name + ".conv1", readers[0](x), width, 3, stride)
            y = middle(relu(net.norm(name + ".bn1", y, [middle], see)))
            y = conv(net, name + ".conv2", y, width, 3, 1)
            if down:
                x = net.norm(name + ".downsample.1", conv(net, name + ".downsample.0", readers[1](x), width, 1, 2))
            if identity_norm and i % 3 != 1:
                x = net.norm(name + ".identity_norm", x)
            readers = quantizers(net, blocks[i + 1]) if i + 1 < len(blocks) else []
            x = relu(add(net.norm(name + ".bn2", y, readers, see, x), x))
        return net.classify("fc", mean(x))
    return forward


# What makes a network, prefix of its names, size of its images and what their bytes are worth.
KINDS = {
    "sttn_resnet18": (sttn([2, 2, 2, 2]), "", 64, IMAGENET),
    "sttn_resnet34": (sttn([3, 4, 6, 3]), "module.", 64, IMAGENET),
    "sttn_resnet20": (sttn([3, 3, 3], False), "", 16, CIFAR),
    "sttn_alexnet": (alexnet, "module.", 99, IMAGENET),
    "stqn2_equal": (stqn(2, 3, False, [2, 2, 2, 2]), "module.", 64, IMAGENET),
    "stqn2_powers": (stqn(2, 2, True, [3, 3, 3], False), "", 16, CIFAR),
    "stqn3_equal": (stqn(3, 7, False, [3, 3, 3], False), "module.", 16, CIFAR),
    "stqn3_powers": (stqn(3, 3, True, [2, 2, 2, 2]), "", 64, IMAGENET),
    "stqn4_equal": (stqn(4, 15, False, [3, 3, 3], False), "", 16, CIFAR),
    "stqn4_powers": (stqn(4, 4, True, [3, 3, 3], False), "module.", 16, CIFAR),
    "twn_lenet5": (lenet, "", 28, MNIST),
    "twn_vgg7": (vgg, "module.", 16, CIFAR),
    "twn_resnet18": (twn_resnet, "", 80, IMAGENET),
    "fatnn_half": (fatnn(False, True, False), "module.", 48, IMAGENET),
    "fatnn_full": (fatnn(True, False, True), "", 48, IMAGENET),
}


def make_images(size, channels):
    """Bytes [n][c][h][w]: waves, and noise above them."""
    r, content = random.Random(size), bytearray()
    for _ in range(IMAGES * channels):
        level, height = r.uniform(60, 200), r.uniform(20, 90)
        down, along, phase = r.uniform(-9, 9), r.uniform(-9, 9), r.uniform(0, 7)
        for i in range(size * size):
            wave = math.sin((i // size * down + i % size * along) / size + phase)
            content.append(min(max(int(level + height * wave + r.uniform(-40, 40)), 0), 255))
    return bytes(content)


def write_kind(folder, kind):
    make, prefix, size, (means, deviations) = KINDS[kind]
    channels, plane = len(means), size * size
    content = make_images(size, channels)
    pixels = [[[content[(n * channels + c) * plane + at + i] / 255 for i in range(size) for c in range(channels)]
               for at in range(0, plane, size)] for n in range(IMAGES)]
    net = Network(kind)
    logits = make(net, Maps(channels, pixels).each(lambda v, m, d: (v - m) / d, means, deviations))
    path = os.path.join(folder, kind)
    net.write(path + ".pth", prefix)
    shape = [IMAGES, size, size] if channels == 1 else [IMAGES, channels, size, size]
    write_tensor(path + ".images.safetensors", "images", "U8", shape, content)
    values = [v for rows in logits.images for row in rows for v in row]
    write_tensor(path + ".logits.safetensors", "logits", "F64", [IMAGES, CLASSES],
                 struct.pack("<%dd" % len(values), *values))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    arguments = parser.parse_args()
    for each_kind in arguments.kinds or KINDS:
        write_kind(arguments.folder, each_kind)
