"""Writes torch_mixed.pth.tar, torch_mixed_legacy.pth.tar and torch_mixed.safetensors: a checkpoint with tensors of
every type and of all sorts of strides, among other things that training leaves in one. Needs PyTorch and numpy; the
files here are of PyTorch 1.13.
"""
import argparse
import collections
import ctypes
import json
import struct

import numpy
import torch

torch.manual_seed(1)
big = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8 - 1
conv = torch.nn.Conv2d(2, 3, 3)
optimizer = torch.optim.Adam(conv.parameters(), lr=1e-3)
conv(torch.zeros(1, 2, 3, 3)).sum().backward()
optimizer.step()
state = collections.OrderedDict([
    ("module.conv.weight", conv.weight.detach()),
    ("module.conv.bias", conv.bias.detach()),
    ("module.parameter", conv.bias),
    ("half", torch.tensor([1.5, -0.0, 65504.0, 6e-8], dtype=torch.float16)),
    ("brain", torch.tensor([1.5, -2.0, 3e38], dtype=torch.bfloat16)),
    ("double", torch.tensor([0.1, -1e300], dtype=torch.float64)),
    ("long", torch.tensor(-7)),
    ("int", torch.tensor([[1, -2]], dtype=torch.int32)),
    ("short", torch.tensor([300, -300], dtype=torch.int16)),
    ("char", torch.tensor([-128, 127], dtype=torch.int8)),
    ("byte", torch.tensor([0, 255], dtype=torch.uint8)),
    ("bool", torch.tensor([True, False, True])),
    ("empty", torch.empty(3, 0, 2)),
    ("whole", big),
    ("same", big),
    ("row", big[2]),
    ("column", big[:, 1]),
    ("transposed", big.t()),
    ("steps", big[1::2, 1::3]),
    ("expanded", big[0, :2].expand(3, 2)),
    ("channels_last",
     torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)),
])
checkpoint = {"epoch": 3, "args": argparse.Namespace(lr=0.1, arch="conv"), "best": numpy.float64(0.5),
              "state_dict": state, "optimizer": optimizer.state_dict(), "history": [(1, 0.5), (2, None)],
              "big": 2 ** 80, "complex": torch.zeros(2, dtype=torch.complex64), "set": {1, 2}, "bytes": b"\x00\xff"}
torch.save(checkpoint, "torch_mixed.pth.tar")
torch.save(checkpoint, "torch_mixed_legacy.pth.tar", _use_new_zipfile_serialization=False)

names = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
         torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}
header, data = {}, bytearray()
for name, t in state.items():
    t, begin = t.detach().contiguous(), len(data)
    data += ctypes.string_at(t.data_ptr(), t.numel() * t.element_size()) if t.numel() else b""
    header[name] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [begin, len(data)]}
text = json.dumps(header).encode()
with open("torch_mixed.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
