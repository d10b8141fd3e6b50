"""Rows of a table: calls of layers, with what belongs to them folded in.

* What changes nothing in inference (dropout, a linear activation, a reshaping that
  adds or drops axes of one position) belongs to the row that it follows.
* What scales the pixels right behind the input belongs to the input.
* Where activations are folded, an activation without weights belongs to the row that
  alone feeds it, if that has none yet; so does BatchNorm to a convolution or a dense
  layer, if it is asked for.
* Where padding is folded, zero padding belongs to the convolution or the pool that
  alone takes it; and `Flatten` to the row that it follows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from kerastpu.summaries import kinds
from kerastpu.summaries.calls import Call

_WINDOWS = (kinds.CONV, kinds.POOL)
_NORMALIZED = (kinds.CONV, kinds.TRANSPOSED, kinds.DENSE)
# Whose activation column says something else, or which have no numbers of their own.
_WITHOUT_ACTIVATION = (kinds.INPUT, kinds.POOL, kinds.RESHAPE, kinds.PADDING)


@dataclasses.dataclass
class Row:
    """A call, and those that are folded into it.

    Attributes:
        call: What the row is called after.
        sources: Positions of the rows that it takes data from.
        activation: Name of the function at its end, "linear" without one.
        folded: The calls beside `call`, in their order.
        is_output: Whether the model gives out what it makes.
    """

    call: Call
    sources: list[int]
    activation: str
    folded: list[Call] = dataclasses.field(default_factory=list)
    is_output: bool = False

    @property
    def kind(self) -> str:
        """A word of `kinds`."""
        return kinds.of(self.call)

    @property
    def calls(self) -> list[Call]:
        """`call` and those folded into it."""
        return [self.call, *self.folded]


def fold(
    calls: Sequence[Call],
    *,
    activations: bool = True,
    padding: bool = True,
    batch_norm: bool = False,
) -> list[Row]:
    """Makes rows of calls; the rules are those of the module.

    Args:
        calls: Of `read_calls`.
        activations: Whether activations are folded.
        padding: Whether zero padding and `Flatten` are.
        batch_norm: Whether BatchNorm is; its activation follows it.

    Returns:
        In the order of `calls`.
    """
    folding = _Folding(calls, activations, padding, batch_norm)
    for position in range(len(calls)):
        folding.take(position)
    return folding.rows


class _Folding:
    """Rows so far, and which of them each call went into."""

    def __init__(
        self, calls: Sequence[Call], activations: bool, padding: bool, batch_norm: bool
    ) -> None:
        self.rows: list[Row] = []
        self._calls = calls
        self._activations, self._padding = activations, padding
        self._batch_norm = batch_norm
        self._places: dict[int, int] = {}  # call -> row that holds what it makes
        self._waiting: dict[int, Call] = {}  # padding, before its window comes
        self._takers: dict[int, list[Call]] = {}
        for call in calls:
            for source in call.sources:
                self._takers.setdefault(source, []).append(call)

    def take(self, position: int) -> None:
        """Folds a call into a row, or makes one of it."""
        call = self._calls[position]
        if self._is_padding_of_window(position):
            self._places[position] = self._places[call.sources[0]]
            self._waiting[position] = call
            return
        place = self._row_for(call)
        if place is None:
            place = len(self.rows)
            waiting = [self._waiting[s] for s in call.sources if s in self._waiting]
            sources = [self._places[source] for source in call.sources]
            self.rows.append(Row(call, sources, kinds.activation(call), waiting))
        else:
            self.rows[place].folded.append(call)
        self._places[position] = place
        self.rows[place].is_output |= call.is_output

    def _is_padding_of_window(self, position: int) -> bool:
        takers = self._takers.get(position, [])
        return (
            self._padding
            and kinds.of(self._calls[position]) == kinds.PADDING
            and self._calls[position].num_uses == 1
            and len(takers) == 1
            and kinds.of(takers[0]) in _WINDOWS
        )

    def _row_for(self, call: Call) -> int | None:
        """Returns the row that a call belongs to; None: one of its own."""
        if len(call.sources) != 1:
            return None
        place = self._places[call.sources[0]]
        row = self.rows[place]
        if call.sources[0] in self._waiting:
            return None
        kind = kinds.of(call)
        is_scaling = kind == kinds.SCALE or call.kind == "Flip"
        if kinds.changes_nothing(call) or (self._padding and call.kind == "Flatten"):
            return place
        if is_scaling and row.kind == kinds.INPUT:
            return place
        is_alone = all(one.num_uses == 1 for one in row.calls)
        if not is_alone or row.activation != "linear":
            return None
        if kind == kinds.ACTIVATION and self._activations and not call.weights:
            if row.kind in _WITHOUT_ACTIVATION:
                return None
            row.activation = kinds.activation(call)
            return place
        is_norm = kind == kinds.BATCH_NORM and self._batch_norm
        return place if is_norm and row.kind in _NORMALIZED else None
