"""usage: test_swap.py PROGRAM LIBRARY FOLDER

Writes two networks to FOLDER, one of them swapped, and has PROGRAM (tern_onnxruntime_test) compare their outputs.
"""
import pathlib
import subprocess
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import swap


def make_network(rng):
    """A float convolution, two ternary ones behind ternarizations, and one with ternary weights that reads floats."""
    constants = {"hi": numpy.float32(0.5), "lo": numpy.float32(-0.5)}
    nodes = []

    def conv(source, target, codes, groups=1):
        constants["w_" + target] = codes
        nodes.append(helper.make_node("Conv", [source, "w_" + target], [target], pads=[1, 1, 1, 1], group=groups,
                                      kernel_shape=codes.shape[2:]))

    def ternary(shape):
        return (rng.integers(-1, 2, shape) * 2.0 ** rng.integers(-4, 0, (shape[0], 1, 1, 1))).astype(numpy.float32)

    def ternarize(source, target):
        for kind, threshold in (("GreaterOrEqual", "hi"), ("Less", "lo")):
            nodes.append(helper.make_node(kind, [source, threshold], [target + kind]))
            nodes.append(helper.make_node("Cast", [target + kind], [target + kind + "f"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Sub", [target + "GreaterOrEqualf", target + "Lessf"], [target]))

    conv("x", "stem", (rng.integers(-8, 9, (32, 3, 3, 3)) / 8).astype(numpy.float32))
    ternarize("stem", "t1")
    conv("t1", "a", ternary((32, 32, 3, 3)))
    ternarize("a", "t2")
    conv("t2", "b", ternary((32, 8, 3, 3)), groups=4)
    conv("b", "c", ternary((16, 32, 3, 3)))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 20, 24])]
    outputs = [helper.make_tensor_value_info("c", TensorProto.FLOAT, None)]
    initializers = [numpy_helper.from_array(numpy.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "network", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


if __name__ == "__main__":
    program, library, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    network = make_network(numpy.random.default_rng(3))
    onnx.save(network, folder / "network.onnx")
    count = swap.swap(network)
    assert count == 2, f"expected 2 swapped convolutions, found {count}"
    kinds = [node.op_type for node in network.graph.node]
    assert kinds == ["Conv", "TernConv", "TernConv", "Conv"], f"expected no ternarization to stay, found {kinds}"
    onnx.save(network, folder / "swapped.onnx")
    sizes = ["1", "3", "20", "24", "1", "16", "20", "24"]
    subprocess.run([program, library, "--compare", folder / "network.onnx", folder / "swapped.onnx", *sizes], check=True)
