"""Goes over a graph once, in order, and makes its Keras model."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from kerastpu.errors import KerastpuError
from kerastpu.importers import attributes, folding, inputs, limits
from kerastpu.importers.arrays import product
from kerastpu.importers.call import Call
from kerastpu.importers.graph import Graph, Node, UnsupportedError
from kerastpu.importers.layout import arrange
from kerastpu.importers.operators import OPERATORS
from kerastpu.importers.refusals import (
    REFUSALS,
    UnsupportedModelError,
    is_from_tensorflow,
    words_of,
)
from kerastpu.importers.sizes import Sizes
from kerastpu.importers.values import Known, Pending, Tensor, Value, order_of
from kerastpu.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras

_IN_INTEGERS = (
    *("Cast", "Flatten", "Identity", "Reshape", "Shape", "Squeeze", "Transpose"),
    "Unsqueeze",
)


@dataclasses.dataclass(frozen=True)
class Built:
    """A model, and where ONNX has the axes of what goes in and comes out.

    Attributes:
        model: The model.
        input_orders: For each input, the axes of ONNX in the order of the model.
        output_orders: Likewise for each output.
    """

    model: keras.Model
    input_orders: tuple[tuple[int, ...], ...]
    output_orders: tuple[tuple[int, ...], ...]


def build(graph: Graph, preprocessing: Preprocessing | None = None) -> Built:
    """Makes the model of a graph.

    Args:
        graph: What was read.
        preprocessing: What is done first to the pixels of the one input.

    Raises:
        UnsupportedModelError: lists all that cannot be imported.
    """
    return _Builder(graph, preprocessing).build()


class _Builder:
    """The values made so far; None where something before could not be imported."""

    def __init__(self, graph: Graph, preprocessing: Preprocessing | None) -> None:
        self._graph = graph
        self._preprocessing = preprocessing
        self._consumers = graph.consumers()
        self._values: dict[str, Value | None] = {
            name: Known(array, array) for name, array in graph.constants.items()
        }
        self._names: set[str] = set()
        self._budget = limits.Budget()
        self._problems: list[str] = []
        self._arranged: dict[Any, Any] = {}
        orders = [inputs.order(graph, value) for value in graph.inputs]
        self._orders = tuple(orders)
        self._sizes = Sizes(graph.inputs[0].shape[orders[0][0]])

    def build(self) -> Built:
        import keras

        given = [self._add_input(i) for i in range(len(self._graph.inputs))]
        for node in self._graph.nodes:
            self._add_node(node)
        outputs, orders = [], []
        for name in self._graph.outputs:
            result = self._finish(name)
            if result is not None:
                outputs.append(result[0])
                orders.append(result[1])
        if self._problems:
            count = len(self._problems)
            raise UnsupportedModelError(
                f"{self._graph.name}: {count} part{'s' * (count > 1)} of this network "
                "cannot be imported",
                self._problems,
            )
        model = keras.Model(
            given if len(given) > 1 else given[0],
            outputs if len(outputs) > 1 else outputs[0],
            name=_plain(self._graph.name) or "imported",
        )
        return Built(model, self._orders, tuple(orders))

    def _add_input(self, index: int) -> keras.KerasTensor:
        """Makes an input: float32, which takes integers too."""
        import keras

        value, order = self._graph.inputs[index], self._orders[index]
        shape = [value.shape[axis] for axis in order[1:]]
        data = given = keras.Input(shape, dtype="float32", name=self._name(value.name))
        if self._preprocessing is not None:
            data = self._preprocessing(given)
            self._names.add("preprocessing")
        axes = tuple((order.index(axis),) for axis in range(len(order)))
        is_integer = not value.dtype.startswith(("float", "double", "bfloat"))
        self._values[value.name] = Tensor(data, axes, True, is_integer)
        return given

    def _add_node(self, node: Node) -> None:
        """Makes the layers of a node, or notes why not."""
        for name in filter(None, node.outputs):
            self._values[name] = None
        operator = None if node.domain else OPERATORS.get(node.op)
        if operator is None:
            domain = f"{node.domain}." if node.domain else ""
            self._note(node, f"there is no layer for {domain}{node.op}")
            return
        settings, problems = attributes.check(node, operator.attributes)
        for problem in problems:
            self._note(node, problem)
        if len(node.inputs) > operator.most_inputs:
            self._note(node, f"it has {len(node.inputs)} inputs")
            return
        if problems or any(name and self._values[name] is None for name in node.inputs):
            return
        try:
            results = self._convert(node, operator.convert, settings)
            self._keep(node, results)
        except (UnsupportedError, KerastpuError) as error:
            self._note(node, str(error))
        except REFUSALS as error:
            self._note(node, f"it does not fit: {words_of(error)}")
        except Exception as error:
            if not is_from_tensorflow(error):
                raise
            self._note(node, f"it does not fit: {words_of(error)}")

    def _convert(self, node: Node, convert: Any, settings: dict[str, Any]) -> Any:
        """Calls the function of an operator; constants are computed at once."""
        values = [self._values[name] if name else None for name in node.inputs]
        known = [value for value in values if isinstance(value, Known)]
        is_known = len(known) == len([v for v in values if v is not None])
        if is_known and folding.can_fold(node.op):
            return folding.fold(node, values, settings, self._graph.opset, self._budget)
        once = [
            len(self._consumers[name]) == 1 and name not in self._graph.outputs
            if name
            else False
            for name in node.inputs
        ]
        for index, value in enumerate(values):
            takes_pending = node.op in ("Add", "Sub", "Mul", "Div") and once[index]
            if isinstance(value, Pending) and not takes_pending:
                values[index] = self._made(node.inputs[index])
            is_integer = isinstance(value, Tensor) and value.is_integer
            if is_integer and node.op not in _IN_INTEGERS:
                raise UnsupportedError("it computes with integers")
        return convert(
            Call(
                node,
                settings,
                self._graph.opset,
                self._sizes,
                values,
                once,
                lambda name: self._name(name or node.name),
                self._arranged,
            )
        )

    def _keep(self, node: Node, results: Any) -> None:
        """Notes what came out, if it is small enough."""
        results = results if isinstance(results, tuple) else (results,)
        for name, result in zip(node.outputs, results, strict=False):
            if isinstance(result, Tensor):
                _check_size(result)
            self._values[name] = result
        for name in node.outputs[len(results) :]:
            if name and (name in self._consumers or name in self._graph.outputs):
                raise UnsupportedError(f"its output {name!r} is used")

    def _made(self, name: str) -> Value | None:
        """Returns a value; a pending layer is made now."""
        value = self._values[name]
        if isinstance(value, Pending):
            value = value.value()
            self._values[name] = value
        return value

    def _finish(self, name: str) -> tuple[keras.KerasTensor, tuple[int, ...]] | None:
        """Returns an output and the order of its axes; None: it cannot be made."""
        node = Node("output", "", name, (name,), (), {})
        if self._values[name] is None:
            return None
        try:
            value = self._made(name)
            if not isinstance(value, Tensor):
                raise UnsupportedError("it does not depend on what goes in")
            everywhere = Tensor(value.data, tuple((i,) for i in range(value.rank)))
            order = order_of([value, everywhere])
            return arrange(
                value, order, lambda suffix: self._name(f"{name}_{suffix}")
            ), order
        except UnsupportedError as error:
            self._note(node, str(error))
        except REFUSALS as error:
            self._note(node, f"it does not fit: {words_of(error)}")
        return None

    def _note(self, node: Node, reason: str) -> None:
        self._problems.append(f"{node.name} ({node.op}): {reason}")

    def _name(self, wanted: str) -> str:
        """Returns a name that Keras allows and that was not given before."""
        plain = _plain(wanted) or "layer"
        name, count = plain, 1
        while name in self._names:
            count += 1
            name = f"{plain}_{count}"
        self._names.add(name)
        return name


def _plain(name: str) -> str:
    """Returns a name without what Keras or a file system could not take in a name."""
    return re.sub(r"[^\w.\-]+", "_", name).strip("_.")[:120]


def _check_size(tensor: Tensor) -> None:
    """Refuses what would not fit into memory for a single example."""
    shape = tuple(tensor.data.shape[1:])
    if product(shape) is not None:
        limits.num_elements(
            [size for size in shape if size is not None],
            limits.MAX_MAP_ELEMENTS,
            "what comes out",
        )
