"""Operators that `folding` computes; here where they get something that goes in."""

from __future__ import annotations

from kerastpu.importers.attributes import array, integer, integers, real, reals
from kerastpu.importers.call import Call
from kerastpu.importers.graph import UnsupportedError
from kerastpu.importers.operators.operator import Operator


def _refuse(call: Call) -> None:
    raise UnsupportedError("it depends on what goes in; only shapes can be computed")


OPERATORS = {
    "Constant": Operator(
        _refuse,
        {
            "value": array(),
            "value_float": real(),
            "value_floats": reals(),
            "value_int": integer(),
            "value_ints": integers(),
        },
    ),
    "ConstantOfShape": Operator(_refuse, {"value": array()}),
    "Equal": Operator(_refuse),
    "Expand": Operator(_refuse),
    "Greater": Operator(_refuse),
    "Less": Operator(_refuse),
    "Range": Operator(_refuse),
    "Tile": Operator(_refuse),
    "Where": Operator(_refuse),
}
