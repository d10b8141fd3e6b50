"""The calls of layers that a model is made of, in the order of its data.

The order is that of ONNX files and of SAS: depth first from the outputs, the first
input of a layer before its second. Keras has no public way to read its graph.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kerastpu.errors import UsageError

if TYPE_CHECKING:
    import keras

# None: a size that is not known before the data comes.
Shape = tuple[int | None, ...]


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a layer, or of a function of `keras.ops`.

    Attributes:
        name: Of the layer; within a model inside the model, "backbone/conv1".
        kind: Its class, such as "Conv2D".
        layer: What is called.
        node: The call in Keras's graph.
        sources: Positions of the calls whose outputs it takes, one for each tensor.
        input_shapes: Without the batch, likewise.
        output_shapes: Without the batch, one for each tensor.
        output_dtypes: Likewise, such as "float32".
        is_first: Whether the layer was not called before: its weights count here.
        num_uses: How many tensors taken by calls or given out by the model are its.
        is_output: Whether the model gives out what it makes.
    """

    name: str
    kind: str
    layer: keras.Operation
    node: Any
    sources: tuple[int, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    output_dtypes: tuple[str, ...]
    is_first: bool
    num_uses: int = 0
    is_output: bool = False

    @property
    def weights(self) -> list[keras.Variable]:
        """What is stored of the layer, BatchNorm statistics included."""
        return list(getattr(self.layer, "weights", ())) if self.is_first else []

    @property
    def is_stock(self) -> bool:
        """Whether Keras itself has the layer, so that its class says what it does."""
        return type(self.layer).__module__.startswith("keras.")


def read_calls(model: keras.Model) -> tuple[Call, ...]:
    """Lists the calls of a model; models inside it are taken apart.

    Args:
        model: Functional or Sequential, built.

    Returns:
        The calls, each after those whose outputs it takes.

    Raises:
        UsageError: the model has no graph to read.
    """
    if not getattr(model, "inputs", None):
        raise UsageError(
            "model must be functional or Sequential with a known input shape; "
            f"got {getattr(model, 'name', model)!r}"
        )
    calls: list[Call] = []
    places = _read(model, "", {}, calls, set())
    ends = [places[id(tensor)] for tensor in model.outputs]
    uses = Counter([place for call in calls for place in call.sources] + ends)
    return tuple(
        dataclasses.replace(call, num_uses=uses[position], is_output=position in ends)
        for position, call in enumerate(calls)
    )


def _read(
    model: keras.Model,
    prefix: str,
    places: dict[int, int],
    calls: list[Call],
    seen: set[int],
) -> dict[int, int]:
    """Appends the calls of a model.

    Args:
        model: Built.
        prefix: Of the names.
        places: Of inputs that come from outside: id of the tensor -> position.
        calls: Gets the calls.
        seen: Ids of the layers that were called before.

    Returns:
        `places` with all tensors of the model.
    """
    places = dict(places)
    for node in _nodes(model.outputs):
        sources = [] if node.is_input else node.input_tensors
        layer, outputs = node.operation, node.output_tensors
        if node.is_input and id(outputs[0]) in places:
            continue
        inner = _graph_of(layer)
        if inner is not None:
            inside = {
                id(ours): places[id(theirs)]
                for ours, theirs in zip(inner.inputs, sources, strict=True)
            }
            inside = _read(inner, f"{prefix}{layer.name}/", inside, calls, seen)
            for ours, theirs in zip(inner.outputs, outputs, strict=True):
                places[id(theirs)] = inside[id(ours)]
            continue
        places |= {id(tensor): len(calls) for tensor in outputs}
        calls.append(
            Call(
                name=prefix + layer.name,
                kind=type(layer).__name__,
                layer=layer,
                node=node,
                sources=tuple(places[id(tensor)] for tensor in sources),
                input_shapes=_shapes(sources),
                output_shapes=_shapes(outputs),
                output_dtypes=tuple(str(tensor.dtype) for tensor in outputs),
                is_first=id(layer) not in seen,
            )
        )
        seen.add(id(layer))
    return places


def _graph_of(layer: keras.Operation) -> keras.Model | None:
    """Returns the model that a layer is, if its inside can be read."""
    import keras

    is_model = isinstance(layer, keras.Model) and bool(getattr(layer, "inputs", None))
    return layer if is_model else None


def _shapes(tensors: Sequence[Any]) -> tuple[Shape, ...]:
    return tuple(tuple(tensor.shape[1:]) for tensor in tensors)


def _nodes(outputs: Sequence[Any]) -> Iterator[Any]:
    """Yields the nodes that lead to `outputs`, each after its sources.

    Keras itself makes graphs as deep as Python lets a function call itself.
    """
    done: set[int] = set()
    stack = [(_node_of(tensor), False) for tensor in reversed(outputs)]
    while stack:
        node, is_ready = stack.pop()
        if id(node) in done:
            continue
        if is_ready or node.is_input:
            done.add(id(node))
            yield node
            continue
        stack.append((node, True))
        sources = [_node_of(tensor) for tensor in node.input_tensors]
        stack += [(source, False) for source in reversed(sources)]


def _node_of(tensor: Any) -> Any:
    operation, place, _ = tensor._keras_history
    return operation._inbound_nodes[place]
