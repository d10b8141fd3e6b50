"""What is in a LiteRT file, as the classes of its schema."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np


class Graph:
    """The main graph of a file.

    Args:
        data: The bytes of the file.

    Attributes:
        model: The whole, a `ModelT`; its graph can be changed.
        tensors: Those of the graph, `TensorT`.
    """

    def __init__(self, data: bytes):
        from tensorflow.lite.python import schema_py_generated as schema

        self.model = schema.ModelT.InitFromPackedBuf(data, 0)
        self.tensors = self.model.subgraphs[0].tensors
        self._schema = schema
        self._kinds = {
            number: kind for kind, number in vars(schema.BuiltinOperator).items()
        }

    def operators(self, kinds: Collection[str]) -> Iterator[Any]:
        """Yields the operators, `OperatorT`, of some kinds: "CONV_2D" say."""
        for operator in self.model.subgraphs[0].operators:
            if self.kind(operator) in kinds:
                yield operator

    def kind(self, operator: Any) -> str:
        """Returns what an operator does, "CONV_2D" say."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        return self._kinds[code.builtinCode]

    def name(self, operator: Any) -> bytes:
        """Returns the name of an operator's first output."""
        return self.tensors[operator.outputs[0]].name

    def constant(self, operator: Any, position: int) -> np.ndarray | None:
        """Returns the numbers, as they are stored, of an input that is a constant.

        Args:
            operator: Of this graph.
            position: Among its inputs.

        Returns:
            float32, int8 or int32; None where there is no such input, where it is
            computed, or where it has numbers of another type.
        """
        types = self._schema.TensorType
        dtypes = {
            types.FLOAT32: np.float32,
            types.INT8: np.int8,
            types.INT32: np.int32,
        }
        if position >= len(operator.inputs) or operator.inputs[position] < 0:
            return None
        tensor = self.tensors[operator.inputs[position]]
        data = self.model.buffers[tensor.buffer].data
        if data is None or tensor.type not in dtypes:
            return None
        return np.frombuffer(bytes(data), dtypes[tensor.type]).reshape(tensor.shape)

    def replace(self, operator: Any, position: int, array: np.ndarray) -> None:
        """Gives an operator another constant than it has; others keep theirs.

        Args:
            operator: Changed in place.
            position: Among its inputs.
            array: Of the same shape and type.
        """
        graphs = self.model.subgraphs
        number = operator.inputs[position]
        tensor = self.tensors[number]
        takers = [one for one in graphs[0].operators if number in one.inputs]
        if len(takers) > 1:
            tensor = copy.copy(tensor)
            operator.inputs = np.array(operator.inputs)
            operator.inputs[position] = len(self.tensors)
            self.tensors.append(tensor)
        old, tensor.buffer = tensor.buffer, len(self.model.buffers)
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        if all(one.buffer != old for graph in graphs for one in graph.tensors):
            self.model.buffers[old].data = None

    def to_bytes(self) -> bytes:
        """Returns the file."""
        from tensorflow.lite.tools import flatbuffer_utils

        return bytes(flatbuffer_utils.convert_object_to_bytearray(self.model))
