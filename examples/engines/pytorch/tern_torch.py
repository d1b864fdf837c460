"""Ternary convolutions of a PyTorch network, run by tern.

    import torch, tern_torch
    tern_torch.load("tern_torch.so")
    with torch.no_grad():
        swapped = tern_torch.replace_ternary_convolutions(model.eval(), example)

A convolution is ternary if every output channel of its weight holds -s, 0 and +s for one s (merged weights, as
`merge_pair` makes them of STTN's two latent kernels), and if what it reads is.
"""
import torch
from torch import nn


def load(path):
    """Loads the library with the operators; once a process."""
    torch.ops.load_library(path)


def ternarize(x):
    """STTN's activations: +1 from 0.5 on, -1 below -0.5, else 0."""
    return (x >= 0.5).to(x.dtype) - (x < -0.5).to(x.dtype)


class Ternarize(nn.Module):
    """`ternarize` as a module, for networks that are written down to be swapped."""

    def forward(self, x):
        return ternarize(x)


def merge_pair(first, second):
    """One nn.Conv2d with weights m*sign(W1) + m*sign(W2), of an STTN layer's two latent ones (conv_1 and conv_2)."""
    w1, w2 = (c.weight.detach().clamp(-1, 1) for c in (first, second))
    m = (w1.abs().double().mean(dim=(1, 2, 3)) + w2.abs().double().mean(dim=(1, 2, 3))) / 2
    merged = nn.Conv2d(first.in_channels, first.out_channels, first.kernel_size, first.stride, first.padding,
                       first.dilation, first.groups, first.bias is not None or second.bias is not None)
    with torch.no_grad():
        merged.weight.copy_(m.float().view(-1, 1, 1, 1) * (w1.sign() + w2.sign()))
        if merged.bias is not None:
            merged.bias.copy_(sum(c.bias for c in (first, second) if c.bias is not None))
    return merged


def is_ternary_weight(weight, tolerance=1e-6):
    """Whether every output channel holds -s, 0 and +s for one s, up to the rounding that training leaves."""
    w = weight.detach().flatten(1).abs()
    s = w.amax(dim=1, keepdim=True)
    return bool(torch.isfinite(w).all()) and bool(((w == 0) | ((w - s).abs() <= tolerance * s)).all())


class TernConv2d(nn.Module):
    """An nn.Conv2d whose weight is ternary, with tern's plan in place of the weight.

    It makes inputs ternary itself: +1 from `hi` on, -1 below `lo`. Inputs that are -1, 0 and +1 stay as they are.
    """

    def __init__(self, conv, hi=0.5, lo=-0.5):
        super().__init__()
        if conv.padding_mode != "zeros":
            raise ValueError(f"expected padding of zeros, found {conv.padding_mode}")
        self.plan = torch.classes.tern.TernConv2d(conv.weight, conv.bias, list(conv.stride), list(padding_of(conv)),
                                                  list(conv.dilation), conv.groups, hi, lo)

    def forward(self, x):
        return torch.ops.tern.conv2d(x, self.plan)

    def kernel(self, x):
        """What runs for inputs of this shape and layout."""
        return self.plan.kernel(x)


def padding_of(conv):
    """The two numbers behind 'same' and 'valid', too; an error where 'same' needs another one at each end."""
    if not isinstance(conv.padding, str):
        return conv.padding
    if conv.padding == "valid":
        return (0, 0)
    reach = [d * (k - 1) for d, k in zip(conv.dilation, conv.kernel_size)]
    if any(r % 2 for r in reach):
        raise ValueError(f"expected the same padding at both ends, found 'same' of a kernel {conv.kernel_size}")
    return tuple(r // 2 for r in reach)


def replace_ternary_convolutions(model, example, ternarizers=()):
    """Swaps the ternary convolutions of `model`, in place, and returns their names.

    The network is run on `example`, and a convolution is swapped if its weight is ternary and all it reads is -1, 0
    or +1. Modules of the classes `ternarizers` (thresholds 0.5 and -0.5) become nn.Identity right before a swapped
    convolution in an nn.Sequential: tern's operator ternarizes on the way, which saves passes over the floats.
    """
    seen = {}

    def look(name):
        def hook(module, inputs):
            x = inputs[0]
            seen[name] = seen.get(name, True) and bool(((x == 0) | (x.abs() == 1)).all())
        return hook

    modules = dict(model.named_modules())
    candidates = {n: m for n, m in modules.items()
                  if type(m) is nn.Conv2d and m.padding_mode == "zeros" and is_ternary_weight(m.weight)}
    hooks = [m.register_forward_pre_hook(look(n)) for n, m in candidates.items()]
    try:
        with torch.no_grad():
            model(example)
    finally:
        for hook in hooks:
            hook.remove()
    swapped = [n for n in candidates if seen.get(n)]
    for name in swapped:
        set_module(model, name, TernConv2d(candidates[name]))
    if ternarizers:
        for sequence in [m for m in model.modules() if isinstance(m, nn.Sequential)]:
            for before, after in zip(range(len(sequence)), range(1, len(sequence))):
                if isinstance(sequence[before], tuple(ternarizers)) and isinstance(sequence[after], TernConv2d):
                    sequence[before] = nn.Identity()
    return swapped


def set_module(model, name, module):
    """Puts `module` in the place of the one of that dotted name."""
    parent, _, own = name.rpartition(".")
    holder = model.get_submodule(parent)
    if isinstance(holder, (nn.Sequential, nn.ModuleList)) and own.isdigit():
        holder[int(own)] = module
    else:
        setattr(holder, own, module)
