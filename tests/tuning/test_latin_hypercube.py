"""Every axis is covered evenly, for any number of points and settings."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerastpu.errors import UsageError
from kerastpu.tuning import latin_hypercube
from kerastpu.tuning.dimensions import Choice, Float, Int, boolean, values_at


def _dimension(draw, name, parents):
    conditions = ()
    if parents and draw(st.booleans()):
        parent = draw(st.sampled_from(parents))
        values = parent.choices
        conditions = ((parent.name, values[: max(1, len(values) // 2)]),)
    kind = draw(st.sampled_from(["float", "log", "int", "logint", "choice", "bool"]))
    if kind in ("float", "log"):
        return Float(name, conditions, low=1e-5, high=2.0, log=kind == "log")
    if kind in ("int", "logint"):
        high = draw(st.integers(2, 300))
        return Int(name, conditions, low=1, high=high, log=kind == "logint")
    if kind == "choice":
        return Choice(
            name, conditions, choices=tuple("abcdefg"[: draw(st.integers(1, 7))])
        )
    return boolean(name, conditions)


@st.composite
def spaces(draw):
    space = []
    for number in range(draw(st.integers(1, 8))):
        parents = [one for one in space if isinstance(one, Choice)]
        space.append(_dimension(draw, f"x{number}", parents))
    return space


@settings(max_examples=150, deadline=None)
@given(space=spaces(), num_points=st.integers(1, 40), seed=st.integers(0, 2**31 - 1))
def test_every_projection_is_stratified(space, num_points, seed):
    units = latin_hypercube.sample(space, num_points, np.random.default_rng(seed))
    assert units.shape == (num_points, len(space))
    rows = [values_at(space, np.nan_to_num(row)) for row in units]
    for column, dimension in zip(units.T, space, strict=True):
        counts = ~np.isnan(column)
        assert counts.tolist() == [dimension.name in row for row in rows]
        drawn = column[counts]
        assert ((drawn >= 0) & (drawn < 1)).all()
        num_active = len(drawn)
        if dimension.num_values is None:
            strata = sorted(np.floor(drawn * num_active + 1e-9).astype(int))
            assert strata == list(range(num_active))
        else:
            values = [dimension.value(unit) for unit in drawn]
            times = [values.count(value) for value in set(values)]
            share = num_active / dimension.num_values
            assert max(times, default=0) <= math.ceil(share)
            assert len(times) == min(num_active, dimension.num_values)
            assert min(times, default=1) >= math.floor(share)


@given(
    unit=st.floats(0, 1, exclude_max=True), low=st.integers(1, 50), log=st.booleans()
)
def test_a_value_lies_where_its_unit_says(unit, low, log):
    for dimension in (
        Int("x", low=low, high=low + 40, log=log),
        Choice("x", choices=("a", "b", "c")),
        boolean("x"),
    ):
        value = dimension.value(unit)
        assert dimension.value(dimension.unit(value)) == value
    number = Float("x", low=low / 10, high=low + 1.0, log=log)
    assert number.unit(number.value(unit)) == pytest.approx(unit, abs=1e-9)


def test_the_same_seed_draws_the_same():
    space = [Float("x", low=0, high=1), boolean("y")]
    one, two, other = (
        latin_hypercube.sample(space, 9, np.random.default_rng(seed))
        for seed in (0, 0, 1)
    )
    assert (one == two).all()
    assert (one != other).any()


def test_ranges_that_make_no_sense_are_refused():
    with pytest.raises(UsageError, match="low must be below high"):
        Float("rate", low=1, high=1)
    with pytest.raises(UsageError, match="above 0 with log"):
        Float("rate", low=0, high=1, log=True)
    with pytest.raises(UsageError, match="choices must be one or more"):
        Choice("name", choices=())
