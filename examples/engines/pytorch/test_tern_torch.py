"""usage: test_tern_torch.py tern_torch.so

Random layers and a network, bit by bit against torch's own convolution.
"""
import copy
import io
import pathlib
import random
import sys

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tern_torch

LAYERS = 240


def random_conv(rng, generator):
    """A convolution whose float sums are exact in any order: scales are powers of two, biases multiples of theirs."""
    groups = rng.choice([1, 1, 1, 2, 3, 4])
    inputs, outputs = groups * rng.randint(1, 70), groups * rng.randint(1, 40)
    kernel = (rng.randint(1, 5), rng.randint(1, 5))
    conv = nn.Conv2d(inputs, outputs, kernel, stride=(rng.randint(1, 3), rng.randint(1, 3)),
                     padding=(rng.randint(0, 3), rng.randint(0, 3)), dilation=(rng.randint(1, 2), rng.randint(1, 2)),
                     groups=groups, bias=rng.random() < 0.5)
    scale = 2.0 ** torch.randint(-6, 3, (outputs, 1, 1, 1), generator=generator)
    with torch.no_grad():
        conv.weight.copy_(torch.randint(-1, 2, conv.weight.shape, generator=generator) * scale)
        if conv.bias is not None:
            conv.bias.copy_(torch.randint(-99, 100, (outputs,), generator=generator) * scale.flatten() / 4)
    return conv


def random_input(rng, generator, conv):
    """Floats around the thresholds, in NCHW, channels_last, or a part of a larger tensor."""
    least = [d * (k - 1) + 1 for d, k in zip(conv.dilation, conv.kernel_size)]
    n, h, w = rng.randint(1, 3), least[0] + rng.randint(0, 15), least[1] + rng.randint(0, 15)
    layout = rng.choice(["nchw", "channels_last", "part"])
    x = torch.randint(-9, 10, (n, conv.in_channels, h + 1, w + 2), generator=generator) / 8.0
    x = x[:, :, 1:, 1:-1]
    if layout == "nchw":
        x = x.contiguous()
    elif layout == "channels_last":
        x = x.contiguous(memory_format=torch.channels_last)
    return x, layout


def test_layers():
    rng, generator = random.Random(7), torch.Generator().manual_seed(7)
    layouts = {}
    for i in range(LAYERS):
        conv = random_conv(rng, generator)
        x, layout = random_input(rng, generator, conv)
        torch.set_num_threads(rng.randint(1, 4))
        expected = conv(tern_torch.ternarize(x))
        exact = copy.deepcopy(conv).double()(tern_torch.ternarize(x).double())
        assert torch.equal(expected.double(), exact), f"layer {i}: torch's float sums are not exact: {conv}"
        ours = tern_torch.TernConv2d(conv)(x)
        assert torch.equal(ours, expected), f"layer {i}: {conv} on {layout} {tuple(x.shape)}: results differ"
        if layout != "part":
            format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
            assert ours.is_contiguous(memory_format=format), f"layer {i}: layout of the output"
        once = torch.ops.tern.conv2d(x, conv.weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)
        assert torch.equal(once, expected), f"layer {i}: the operator that takes weights differs"
        layouts[layout] = layouts.get(layout, 0) + 1
    print(f"{LAYERS} random layers: bit exact, {layouts}")


class Block(nn.Module):
    """STTN's order: batch norm, ternarization, convolution, shortcut."""

    def __init__(self, channels):
        super().__init__()
        self.path = nn.Sequential(nn.BatchNorm2d(channels), tern_torch.Ternarize(),
                                  nn.Conv2d(channels, channels, 3, padding="same", bias=False))

    def forward(self, x):
        return x + self.path(x)


def make_network():
    """Float stem and head; between them blocks with weights merged from two latent kernels, as in a checkpoint."""
    torch.manual_seed(5)
    network = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), Block(32), Block(32), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                            nn.Linear(32, 10)).eval()
    for block in (network[1], network[2]):
        latent = [nn.Conv2d(32, 32, 3, padding=1, bias=False) for _ in range(2)]
        with torch.no_grad():  # a mean of 1/32: exact sums, for torch as well
            for conv in latent:
                conv.weight.copy_(conv.weight.sign() / 32)
        block.path[2] = tern_torch.merge_pair(*latent)
    return network


@torch.no_grad()
def test_network():
    x = torch.randn(4, 3, 20, 24, generator=torch.Generator().manual_seed(1))
    for ternarizers in ((), (tern_torch.Ternarize,)):
        network = make_network()
        expected = network(x)
        swapped = tern_torch.replace_ternary_convolutions(network, x, ternarizers)
        assert swapped == ["1.path.2", "2.path.2"], swapped
        assert isinstance(network[1].path[1], nn.Identity if ternarizers else tern_torch.Ternarize)
        assert torch.equal(network(x), expected), "the swapped network gives other logits"
        loaded = torch.load(save(network))
        assert torch.equal(loaded(x), expected), "a network that was saved and loaded gives other logits"
        scripted = torch.jit.load(save_script(network))
        assert torch.equal(scripted(x), expected), "TorchScript gives other logits"
    print("a network: swapped, saved, scripted: bit exact")


def save(network):
    file = io.BytesIO()
    torch.save(network, file)
    file.seek(0)
    return file


def save_script(network):
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(network, torch.zeros(1, 3, 20, 24)), file)
    file.seek(0)
    return file


def refuses(what, call):
    try:
        call()
    except (RuntimeError, ValueError) as error:
        assert what in str(error), f"expected an error about '{what}', found: {error}"
        return
    raise AssertionError(f"expected an error about '{what}'")


def test_errors():
    conv = random_conv(random.Random(3), torch.Generator().manual_seed(3))
    layer = tern_torch.TernConv2d(conv)
    refuses("expected a float32 CPU tensor", lambda: layer(torch.zeros(1, conv.in_channels + 1, 30, 30)))
    doubles = torch.zeros(1, conv.in_channels, 30, 30, dtype=torch.double)
    refuses("expected a float32 CPU tensor", lambda: layer(doubles))
    refuses("has no gradient", lambda: layer(torch.zeros(1, conv.in_channels, 30, 30, requires_grad=True)))
    refuses("weight", lambda: tern_torch.TernConv2d(nn.Conv2d(4, 4, 3)))
    refuses("padding of zeros", lambda: tern_torch.TernConv2d(nn.Conv2d(4, 4, 3, padding_mode="reflect")))
    print("errors: said")


if __name__ == "__main__":
    tern_torch.load(str(pathlib.Path(sys.argv[1]).resolve()))
    with torch.no_grad():
        test_layers()
    test_network()
    test_errors()
