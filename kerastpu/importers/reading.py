"""Reads an ONNX file, or says what is wrong with it, without running anything.

Only the messages are parsed. The checker and the shape inference of ONNX, both native
code, are not needed: what they would find is found here or while layers are made.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerastpu import optional
from kerastpu.errors import KerastpuError
from kerastpu.importers import limits
from kerastpu.importers.arrays import ArrayReader
from kerastpu.importers.graph import SUBGRAPH, Graph, GraphInput, Node
from kerastpu.importers.sorting import sort

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto

OLDEST_OPSET = 7  # older ones broadcast by an attribute of each node
_OWN_DOMAINS = ("", "ai.onnx")
_INPUT_TYPES = (
    *("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "BOOL"),
    *("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"),
)


def read(path: Path) -> Graph:
    """Reads and checks a file.

    Args:
        path: An ONNX file; weights may lie in other files of its folder.

    Returns:
        The graph, its nodes sorted so that each comes after those that it needs.

    Raises:
        KerastpuError: there is no such file, it is damaged, not ONNX, too large, or it
            reads files outside of its folder.
        MissingExtraError: onnx is not installed.
    """
    optional.require("onnx")
    model = _parse(path)
    reader = ArrayReader(path)
    constants = _read_constants(model.graph, reader, path)
    inputs = tuple(
        _read_input(value, path)
        for value in model.graph.input
        if _text(value.name) not in constants
    )
    nodes = [_read_node(node, reader, path) for node in model.graph.node]
    known = {value.name for value in inputs} | set(constants)
    if len(known) != len(inputs) + len(constants):
        raise KerastpuError(f"{path}: two inputs have the same name")
    outputs = tuple(_text(value.name) for value in model.graph.output)
    nodes = sort(nodes, known, path)
    made = known.union(*(node.outputs for node in nodes))
    if not inputs or not outputs or not set(outputs) <= made:
        raise KerastpuError(f"{path}: nothing goes in, or nothing comes out")
    if len(set(outputs)) != len(outputs):
        raise KerastpuError(f"{path}: two outputs have the same name")
    producer = f"{_text(model.producer_name)} {_text(model.producer_version)}".strip()
    return Graph(
        _text(model.graph.name) or path.stem,
        tuple(nodes),
        constants,
        inputs,
        outputs,
        _opset(model, path),
        producer,
    )


def _text(value: str | bytes) -> str:
    """Returns a name; damaged ones come as bytes, as they are no UTF-8."""
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _parse(path: Path) -> ModelProto:
    """Parses the outermost message."""
    import onnx
    from google.protobuf.message import DecodeError

    if path.is_dir():
        raise KerastpuError(f"{path}: is a folder, not an ONNX file")
    if not path.is_file():
        raise KerastpuError(f"{path}: no such ONNX file")
    size = path.stat().st_size
    if size > limits.MAX_FILE_BYTES:
        raise KerastpuError(
            f"{path}: has {size:,} bytes; an ONNX file has at most "
            f"{limits.MAX_FILE_BYTES:,}"
        )
    content = path.read_bytes()
    if content.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        raise KerastpuError(f"{path}: is packed; unpack it first")
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError as error:
        raise KerastpuError(f"{path}: not an ONNX file, or damaged: {error}") from None
    if not model.HasField("graph") or not model.opset_import:
        raise KerastpuError(f"{path}: not an ONNX file: it holds no graph")
    if len(model.graph.node) > limits.MAX_NODES:
        raise KerastpuError(
            f"{path}: has {len(model.graph.node):,} nodes; at most "
            f"{limits.MAX_NODES:,} may be"
        )
    return model


def _opset(model: ModelProto, path: Path) -> int:
    """Returns the version of ONNX's own operators."""
    import onnx

    versions = {one.version for one in model.opset_import if one.domain in _OWN_DOMAINS}
    if len(versions) != 1:
        raise KerastpuError(f"{path}: names {len(versions)} versions of the operators")
    (opset,) = versions
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= opset <= newest:
        raise KerastpuError(
            f"{path}: is of opset {opset}; {OLDEST_OPSET} to {newest} can be read"
        )
    return opset


def _read_constants(
    graph: GraphProto, reader: ArrayReader, path: Path
) -> dict[str, np.ndarray]:
    """Reads all initializers."""
    if graph.sparse_initializer:
        raise KerastpuError(f"{path}: sparse constants are not supported")
    constants = {}
    for tensor in graph.initializer:
        name = _text(tensor.name)
        if not name or name in constants:
            raise KerastpuError(f"{path}: two constants are called {name!r}")
        constants[name] = reader.read(tensor, f"constant {name!r}")
    return constants


def _read_input(value: ValueInfoProto, path: Path) -> GraphInput:
    """Reads what is said of an input."""
    import onnx

    name = _text(value.name)
    what = f"{path}: input {name!r}"
    if not name or not value.type.HasField("tensor_type"):
        raise KerastpuError(f"{what} is not a tensor")
    tensor = value.type.tensor_type
    names = onnx.TensorProto.DataType
    is_known = tensor.elem_type in names.values()
    kind = names.Name(tensor.elem_type) if is_known else str(tensor.elem_type)
    if kind not in _INPUT_TYPES:
        raise KerastpuError(f"{what} has the type {kind}; only numbers can go in")
    if not tensor.HasField("shape"):
        raise KerastpuError(f"{what} does not tell how many axes it has")
    shape = tuple(
        dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim
    )
    if not 1 <= len(shape) <= limits.MAX_RANK:
        raise KerastpuError(
            f"{what} has {len(shape)} axes; 1 to {limits.MAX_RANK} can be"
        )
    if any(size is not None and size < 1 for size in shape):
        raise KerastpuError(f"{what} has the shape {list(shape)}")
    known = [size for size in shape if size is not None]
    limits.num_elements(known, limits.MAX_MAP_ELEMENTS, what)
    return GraphInput(name, kind.lower(), shape)


def _read_node(node: NodeProto, reader: ArrayReader, path: Path) -> Node:
    """Reads an operation."""
    name = _text(node.name) or _text(next(iter(node.output), ""))
    if max(len(node.input), len(node.output)) > limits.MAX_INPUTS_OF_NODE:
        raise KerastpuError(f"{path}: node {name!r} has too many inputs or outputs")
    attributes = {}
    for attribute in node.attribute:
        key = _text(attribute.name)
        if key in attributes:
            raise KerastpuError(f"{path}: node {name!r} has two attributes {key!r}")
        attributes[key] = _read_attribute(attribute, name, reader, path)
    domain = _text(node.domain)
    return Node(
        _text(node.op_type),
        "" if domain in _OWN_DOMAINS else domain,
        name,
        tuple(map(_text, node.input)),
        tuple(map(_text, node.output)),
        attributes,
    )


def _read_attribute(
    attribute: AttributeProto, node: str, reader: ArrayReader, path: Path
) -> Any:
    """Reads a setting of an operation."""
    what = f"{path}: attribute {attribute.name!r} of node {node!r}"
    kinds = attribute.AttributeType
    if attribute.ref_attr_name or attribute.type not in kinds.values():
        raise KerastpuError(f"{what} has no value of a known type")
    kind = kinds.Name(attribute.type)
    if kind in ("GRAPH", "GRAPHS"):
        return SUBGRAPH
    if kind == "TENSOR":
        return reader.read(
            attribute.t, f"attribute {attribute.name!r} of node {node!r}"
        )
    if kind in ("INT", "FLOAT"):
        return attribute.i if kind == "INT" else attribute.f
    if kind in ("INTS", "FLOATS"):
        return tuple(attribute.ints if kind == "INTS" else attribute.floats)
    if kind in ("STRING", "STRINGS"):
        texts = [attribute.s] if kind == "STRING" else attribute.strings
        decoded = tuple(text.decode("utf-8", "replace") for text in texts)
        return decoded[0] if kind == "STRING" else decoded
    raise KerastpuError(f"{what} is of the type {kind}, which is not supported")
