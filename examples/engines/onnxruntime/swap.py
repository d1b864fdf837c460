"""usage: swap.py network.onnx swapped.onnx

Turns the convolutions behind STTN's ternarization into tern.TernConv: a Conv whose weights are ternary per output
channel and whose input is Cast(x >= hi) - Cast(x < lo), as torch.onnx.export writes it. TernConv reads x itself.
Needs `onnx`.
"""
import sys

import numpy
import onnx
from onnx import helper, numpy_helper


def is_ternary(w, tolerance=1e-6):
    """Whether w is a constant whose every output channel holds -s, 0 and +s for one s, up to training's rounding."""
    if w is None or w.ndim != 4:
        return False
    w = numpy.abs(w.reshape(w.shape[0], -1))
    s = w.max(axis=1, keepdims=True)
    return bool(numpy.isfinite(w).all() and ((w == 0) | (numpy.abs(w - s) <= tolerance * s)).all())


class Graph:
    def __init__(self, graph):
        self.graph = graph
        self.constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        self.makers = {name: node for node in graph.node for name in node.output}

    def compared(self, name, kinds):
        """x and t of Cast(x >= t) or the like, else None."""
        cast = self.makers.get(name)
        compare = self.makers.get(cast.input[0]) if cast is not None and cast.op_type == "Cast" else None
        if compare is None or compare.op_type not in kinds:
            return None
        threshold = self.constants.get(compare.input[1])
        return None if threshold is None or threshold.size != 1 else (compare.input[0], float(threshold.reshape(())))

    def ternarized(self, name):
        """x, hi and lo if the value is x made ternary, else None."""
        difference = self.makers.get(name)
        if difference is None or difference.op_type != "Sub":
            return None
        high, low = self.compared(difference.input[0], ["GreaterOrEqual"]), self.compared(difference.input[1], ["Less"])
        return (*high, low[1]) if high and low and high[0] == low[0] else None

    def swapped(self, node):
        """The TernConv in place of a Conv, or None."""
        if node.op_type != "Conv" or not is_ternary(self.constants.get(node.input[1])):
            return None
        if any(name and name not in self.constants for name in node.input[1:]):
            return None
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute if a.name != "kernel_shape"}
        source = self.ternarized(node.input[0])
        if source is None or attributes.pop("auto_pad", b"NOTSET") != b"NOTSET":
            return None
        return helper.make_node("TernConv", [source[0], *node.input[1:]], node.output, node.name, domain="tern",
                                hi=source[1], lo=source[2], **attributes)

    def drop_unread(self):
        while True:
            read = {name for node in self.graph.node for name in node.input} | {o.name for o in self.graph.output}
            unread = [node for node in self.graph.node if not read.intersection(node.output)]
            if not unread:
                return
            for node in unread:
                self.graph.node.remove(node)


def swap(model):
    """Swaps in place; returns the number of convolutions."""
    graph, count = Graph(model.graph), 0
    for i, node in enumerate(model.graph.node):
        made = graph.swapped(node)
        if made is not None:
            model.graph.node[i].CopyFrom(made)
            count += 1
    graph.drop_unread()
    if count and all(o.domain != "tern" for o in model.opset_import):
        model.opset_import.append(helper.make_opsetid("tern", 1))
    return count


if __name__ == "__main__":
    network = onnx.load(sys.argv[1])
    print(f"{swap(network)} convolutions swapped")
    onnx.save(network, sys.argv[2])
