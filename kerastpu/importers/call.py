"""What the function of an operator gets: a node, its inputs, and how to make layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerastpu.importers import layout
from kerastpu.importers.arrays import as_float
from kerastpu.importers.graph import Node, UnsupportedError
from kerastpu.importers.sizes import Sizes
from kerastpu.importers.values import Known, Pending, Tensor, Value, order_of

if TYPE_CHECKING:
    import keras


class Call:
    """One node while its layers are made.

    Attributes:
        node: The node.
        attributes: Its settings, defaults filled in.
        opset: Version of the operators.
        sizes: Sizes of axes for two sizes of the batch.
        inputs: Values; None where an optional one is left out.
        is_used_once: For each input, whether nothing else takes it.
    """

    def __init__(
        self,
        node: Node,
        attributes: Mapping[str, Any],
        opset: int,
        sizes: Sizes,
        inputs: Sequence[Value | None],
        is_used_once: Sequence[bool],
        make_name: Callable[[str], str],
        arranged: dict[Any, Any],
    ) -> None:
        self.node = node
        self.attributes = attributes
        self.opset = opset
        self.sizes = sizes
        self.inputs = inputs
        self.is_used_once = is_used_once
        self._make_name = make_name
        self._arranged = arranged

    def value(self, index: int) -> Value | None:
        """Returns an input; None if it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def tensor(self, index: int = 0) -> Tensor:
        """Returns an input that depends on what goes into the network.

        Raises:
            UnsupportedError: it is left out, or a constant.
        """
        value = self.value(index)
        if isinstance(value, Pending):
            raise AssertionError("the builder makes pending layers first")
        if not isinstance(value, Tensor):
            what = "left out" if value is None else "a constant"
            raise UnsupportedError(f"input {index} is {what}")
        return value

    def constant(self, index: int) -> np.ndarray | None:
        """Returns an input that is the same for all that goes in; None if left out.

        Raises:
            UnsupportedError: it depends on what goes in.
        """
        value = self.value(index)
        if value is None:
            return None
        if not isinstance(value, Known) or not value.is_fixed:
            raise UnsupportedError(f"input {index} must be a constant")
        return value.first

    def weight(self, index: int) -> np.ndarray:
        """Returns a constant that must be there, in float32.

        Raises:
            UnsupportedError: it is left out, or depends on what goes in.
        """
        array = self.constant(index)
        if array is None:
            raise UnsupportedError(f"input {index} is left out")
        return as_float(array)

    def integers(self, index: int, attribute: str | None = None) -> list[int] | None:
        """Returns integers that older operators have as attribute, newer as input.

        Args:
            index: The input.
            attribute: Name of the attribute.

        Returns:
            The integers; None if neither is given.

        Raises:
            UnsupportedError: they depend on what goes in, or are no integers.
        """
        if attribute and self.attributes.get(attribute) is not None:
            return list(self.attributes[attribute])
        array = self.constant(index)
        if array is None:
            return None
        if array.dtype.kind not in "iu" or array.ndim > 1:
            raise UnsupportedError(f"input {index} must be a list of integers")
        return [int(number) for number in np.atleast_1d(array)]

    def name(self, suffix: str = "") -> str:
        """Returns a name for a layer of this node that no other layer has."""
        return self._make_name(f"{self.node.name}_{suffix}" if suffix else "")

    def layer(
        self,
        kind: type[keras.layers.Layer],
        data: Any,
        weights: Sequence[np.ndarray] = (),
        suffix: str = "",
        **options: Any,
    ) -> Any:
        """Makes a layer, calls it and fills it with weights.

        Args:
            kind: Its class.
            data: What it is called with.
            weights: As `set_weights` takes them.
            suffix: Goes behind the node's name, where it makes several layers.
            **options: What the class takes.

        Returns:
            What the layer returns.
        """
        layer = kind(**options, name=self.name(suffix))
        result = layer(data)
        if weights:
            layer.set_weights([as_float(weight) for weight in weights])
        return result

    def arrange(self, tensor: Tensor, order: Sequence[int]) -> keras.KerasTensor:
        """See `layout.arrange`; what another node wanted as well is made once."""
        key = id(tensor.data), tensor.axes, tuple(order)
        if key not in self._arranged:
            data = layout.arrange(tensor, order, self.name)
            # With what it comes from, whose id no other may get meanwhile.
            self._arranged[key] = data, tensor.data
        return self._arranged[key][0]

    def settle(self, tensor: Tensor, axes: Sequence[int]) -> Tensor:
        """Returns a value of which some axes of ONNX are axes of Keras of their own.

        Args:
            tensor: The value.
            axes: Axes of ONNX.
        """
        if all(len(tensor.axes[axis]) == 1 for axis in axes):
            return tensor
        everywhere = Tensor(tensor.data, tuple((axis,) for axis in range(tensor.rank)))
        order = order_of([tensor, everywhere])
        data = self.arrange(tensor, order)
        return Tensor(data, tuple((order.index(i),) for i in range(tensor.rank)))

    def align(self, tensors: Sequence[Tensor]) -> tuple[list[Any], tuple]:
        """Brings values into one order of axes, so that Keras can broadcast them.

        Args:
            tensors: Values that broadcast in ONNX.

        Returns:
            Their data, all of one rank; and the axes that all of them have.
        """
        rank = max(tensor.rank for tensor in tensors)
        padded = [
            tensor.with_axes(((),) * (rank - tensor.rank) + tensor.axes)
            for tensor in tensors
        ]
        if len({tensor.axes for tensor in padded}) == 1:
            return [tensor.data for tensor in padded], padded[0].axes
        padded_first = sorted(padded, key=lambda tensor: -len(tensor.data.shape))
        order = order_of(padded_first)
        axes = tuple(
            (order.index(axis),) if axis in order else () for axis in range(rank)
        )
        return [self.arrange(tensor, order) for tensor in padded], axes
