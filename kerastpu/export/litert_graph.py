"""What is in a LiteRT file, as the classes of its schema."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

# The operators that do most of the work and hold most of the weights.
HEAVY = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")

_FLOAT16_VERSION = 3  # of DEQUANTIZE: the first that takes float16
_EMPTY = 0  # the buffer of what is not a constant


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
        self._made: dict[int, int] = {}  # constant -> what is made of its float16
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
        if tensor.type not in dtypes or self.model.buffers[tensor.buffer].data is None:
            return None
        return self._numbers(tensor, dtypes[tensor.type])

    def replace(self, operator: Any, position: int, array: np.ndarray) -> None:
        """Gives an operator another constant than it has; others keep theirs.

        Args:
            operator: Changed in place.
            position: Among its inputs.
            array: Of the same shape and type.
        """
        number = operator.inputs[position]
        tensor = self.tensors[number]
        operators = self.model.subgraphs[0].operators
        takers = [one for one in operators if number in one.inputs]
        if len(takers) > 1:
            tensor = copy.copy(tensor)
            operator.inputs = np.array(operator.inputs)
            operator.inputs[position] = len(self.tensors)
            self.tensors.append(tensor)
        self._set_buffer(tensor, self._add_buffer(array))

    def store_as_float16(self, operator: Any, numbers: Collection[int]) -> None:
        """Stores constants in half the room; they are made float32 when they are used.

        Args:
            operator: Changed in place; others that take the same constants stay.
            numbers: Of float32 tensors among its inputs.
        """
        inputs = [self._halved(n) if n in numbers else n for n in operator.inputs]
        operator.inputs = np.array(inputs, np.int32)
        operators = self.model.subgraphs[0].operators
        for number in numbers:
            if not any(number in one.inputs for one in operators):
                self._set_buffer(self.tensors[number], _EMPTY)

    def to_bytes(self) -> bytes:
        """Returns the file."""
        from tensorflow.lite.tools import flatbuffer_utils

        return bytes(flatbuffer_utils.convert_object_to_bytearray(self.model))

    def _halved(self, number: int) -> int:
        """Returns the number of a tensor that is made of float16 numbers."""
        if number not in self._made:
            schema = self._schema
            made, stored = (copy.copy(self.tensors[number]) for _ in range(2))
            array = self._numbers(stored, np.float32).astype(np.float16)
            stored.name = bytes(stored.name) + b"/float16"
            stored.type = schema.TensorType.FLOAT16
            stored.buffer, made.buffer = self._add_buffer(array), _EMPTY
            operator = schema.OperatorT()
            operator.opcodeIndex = self._code("DEQUANTIZE", _FLOAT16_VERSION)
            self._made[number] = len(self.tensors) + 1
            operator.inputs = [len(self.tensors)]
            operator.outputs = [len(self.tensors) + 1]
            self.tensors += stored, made
            self.model.subgraphs[0].operators.insert(0, operator)
        return self._made[number]

    def _numbers(self, tensor: Any, dtype: npt.DTypeLike) -> np.ndarray:
        data = self.model.buffers[tensor.buffer].data
        return np.frombuffer(bytes(data), dtype).reshape(tensor.shape)

    def _add_buffer(self, array: np.ndarray) -> int:
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        return len(self.model.buffers) - 1

    def _set_buffer(self, tensor: Any, number: int) -> None:
        """Gives a tensor another buffer; the old one is emptied if it was the last."""
        old, tensor.buffer = tensor.buffer, number
        graphs = self.model.subgraphs
        if all(one.buffer != old for graph in graphs for one in graph.tensors):
            self.model.buffers[old].data = None

    def _code(self, kind: str, version: int) -> int:
        """Returns the place of a kind of operator in the file's list, adding it."""
        codes = self.model.operatorCodes
        value = getattr(self._schema.BuiltinOperator, kind)
        for place, code in enumerate(codes):
            if code.builtinCode == value:
                code.version = max(code.version, version)
                return place
        code = self._schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = value
        code.version = version
        codes.append(code)
        return len(codes) - 1
