"""The files that make_checkpoints.py writes: zip archives of torch.save(), without torch, and a safetensors file."""
import math
import os
import struct
import zipfile


# Pickles of protocol 2: each function gives the opcodes that leave one value on the stack.
def text(s):
    return b"X" + struct.pack("<I", len(s)) + s.encode("ascii")


def number(v):
    return b"J" + struct.pack("<i", v) if isinstance(v, int) else b"G" + struct.pack(">d", v)


def tuple_of(*parts):
    return b"(" + b"".join(parts) + b"t"


def numbers(values):
    return tuple_of(*map(number, values))


def list_of(*parts):
    return b"](" + b"".join(parts) + b"e"


def items(pairs):
    return b"(" + b"".join(key + value for key, value in pairs) + b"u"


def dict_of(**entries):
    return b"}" + items((text(key), value) for key, value in entries.items())


def name_of(module, name):
    return ("c%s\n%s\n" % (module, name)).encode("ascii")


def ordered(pairs=()):
    return name_of("collections", "OrderedDict") + b")R" + (items(pairs) if pairs else b"")


class Archive:
    """The zip archive of torch.save()."""

    def __init__(self):
        self.storages = []

    def tensor(self, shape, values):
        whole = isinstance(values[0], int)
        strides = [math.prod(shape[i + 1:]) for i in range(len(shape))]
        storage = tuple_of(text("storage"), name_of("torch", "LongStorage" if whole else "FloatStorage"),
                           text(str(len(self.storages))), text("cpu"), number(len(values))) + b"Q"
        self.storages.append(struct.pack("<%d%s" % (len(values), "q" if whole else "f"), *values))
        return name_of("torch._utils", "_rebuild_tensor_v2") + tuple_of(
            storage, number(0), numbers(shape), numbers(strides), b"\x89", ordered()) + b"R"

    def write(self, path, value):
        folder = os.path.basename(path).split(".")[0]
        with zipfile.ZipFile(path, "w") as file:
            def add(name, content):
                file.writestr(zipfile.ZipInfo(folder + "/" + name), content)
            add("data.pkl", b"\x80\x02" + value + b".")
            add("byteorder", b"little")
            for i, content in enumerate(self.storages):
                add("data/%d" % i, content)
            add("version", b"3\n")


def write_tensor(path, name, kind, shape, content):
    """A safetensors file of one tensor."""
    header = '{"%s":{"dtype":"%s","shape":%s,"data_offsets":[0,%d]}}' % (name, kind, list(shape), len(content))
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header.encode("ascii") + content)
