"""Small ONNX files, and the comparison of their import with ONNX Runtime."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from kerastpu.importers import importing, parity, runtime

OPSET = 18


def normal(*shape, seed=0):
    """Returns float32 numbers of mean 0 and variance 1."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape, np.float32)


def network(nodes, inputs, outputs=("y",), weights=None, opset=OPSET):
    """Returns a serialized network.

    Args:
        nodes: (operator, inputs, outputs, attributes) each; names separated by spaces.
        inputs: Name -> shape; None and text are sizes that are not known; a pair of
            shape and NumPy type for other types than float32.
        outputs: Names.
        weights: Name -> array.
        opset: Version of the operators.
    """
    made = []
    for index, (op, taken, given, attributes) in enumerate(nodes):
        # A lone "-" stands for an input that is left out.
        taken = ["" if name == "-" else name for name in taken.split()]
        made.append(
            helper.make_node(
                op, taken, given.split(), name=f"{op.lower()}_{index}", **attributes
            )
        )
    values = []
    for name, shape in inputs.items():
        dtype = np.float32
        if shape and isinstance(shape[0], (tuple, list)):
            shape, dtype = shape
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        values.append(helper.make_tensor_value_info(name, kind, shape))
    graph = helper.make_graph(
        made,
        "network",
        values,
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in outputs
        ],
        [
            numpy_helper.from_array(np.asarray(array), name)
            for name, array in (weights or {}).items()
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9
    )
    return model.SerializeToString()


def write(folder, content):
    """Writes a file and returns its path."""
    path = folder / "network.onnx"
    path.write_bytes(content)
    return path


def check(folder, content, seed=0, tolerance=1e-4, **options):
    """Imports a network and asserts that it does what ONNX Runtime does.

    Returns:
        What was imported.
    """
    path = write(folder, content)
    imported = importing.convert(path, **options)
    given = parity.draw(imported, seed)
    made = imported.model(given if len(given) > 1 else given[0], training=False)
    made = made if isinstance(made, (list, tuple)) else [made]
    wanted = runtime.outputs_of(content, parity.to_onnx(imported, given))
    found = parity.compare(imported, [np.asarray(array) for array in made], wanted)
    assert found.largest > 0
    assert found.difference <= tolerance * max(1.0, found.largest)
    return imported


def kinds(imported):
    """Returns the names of the classes of all layers but the inputs."""
    return [type(layer).__name__ for layer in imported.model.layers][
        len(imported.model.inputs) :
    ]


def one(op, shape, weights=None, outputs="y", opset=OPSET, **attributes):
    """Returns a network of one operator: x and its weights, in the order given."""
    weights = weights or {}
    taken = " ".join(["x", *weights])
    arrays = {name: array for name, array in weights.items() if name != "-"}
    return network(
        [(op, taken, outputs, attributes)],
        {"x": shape},
        tuple(outputs.split()),
        arrays,
        opset,
    )


def load(content):
    """Parses a serialized network."""
    return onnx.ModelProto.FromString(content)
