"""usage: benchmark.py tern_torch.so [THREADS]

Layers of a ResNet: torch's fp32 and int8 convolutions beside tern's operator. Prints ratios of medians of runs that
take turns. torch's convolutions get what suits them: fp32 the faster layout, int8 a tensor that is quantized already.
tern reads floats and writes floats, NHWC. "overhead" is what the operator takes beyond its plan.
"""
import pathlib
import statistics
import sys
import time

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tern_torch

LAYERS = [(64, 56), (128, 28), (256, 14), (512, 7)]
ROUNDS, TURN = 7, 0.05


def seconds(call):
    """Of one call, the median of a turn."""
    times, end = [], time.perf_counter() + TURN
    while not times or time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def ternary_layer(channels):
    conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    conv.weight.copy_(torch.randint(-1, 2, conv.weight.shape) / 16.0)
    return conv


def quantized_layer(conv):
    layer = nn.quantized.Conv2d(conv.in_channels, conv.out_channels, 3, padding=1, bias=False)
    scales, zeros = torch.full((conv.out_channels,), 1 / 16.0), torch.zeros(conv.out_channels, dtype=torch.long)
    layer.set_weight_bias(torch.quantize_per_channel(conv.weight, scales, zeros, 0, torch.qint8), None)
    layer.scale, layer.zero_point = 0.25, 128
    return layer


def time_layer(channels, size):
    conv, last = ternary_layer(channels), torch.channels_last
    x = torch.randn(1, channels, size, size)
    x_last, conv_last = x.contiguous(memory_format=last), ternary_layer(channels).to(memory_format=last)
    swapped = tern_torch.TernConv2d(conv)
    q, int8 = torch.quantize_per_tensor(x_last, 1 / 32.0, 128, torch.quint8), quantized_layer(conv)
    calls = {"fp32": lambda: conv(x), "fp32 last": lambda: conv_last(x_last), "int8": lambda: int8(q),
             "tern": lambda: swapped(x_last), "tern nchw": lambda: swapped(x)}
    times = {name: [] for name in [*calls, "plan"]}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            times[name].append(seconds(call))
        repeats = max(1, int(TURN / times["tern"][-1]))
        times["plan"].append(torch.ops.tern.seconds_of_plan(x_last, swapped.plan, repeats))
    return {name: statistics.median(t) for name, t in times.items()}, swapped.kernel(x_last)


@torch.no_grad()
def main():
    tern_torch.load(str(pathlib.Path(sys.argv[1]).resolve()))
    torch.set_num_threads(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    torch.manual_seed(1)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, int8 by {torch.backends.quantized.engine}")
    print("layer (3x3)      fp32/tern  int8/tern  nchw/tern  overhead  kernels")
    for channels, size in LAYERS:
        t, kernel = time_layer(channels, size)
        fp32 = min(t["fp32"], t["fp32 last"])
        print(f"{channels:4}, {size:2}x{size:<2}      {fp32 / t['tern']:9.2f}  {t['int8'] / t['tern']:9.2f}  "
              f"{t['tern nchw'] / t['tern']:9.2f}  {100 * (t['tern'] / t['plan'] - 1):7.1f}%  {kernel}")


if __name__ == "__main__":
    main()
