"""Splits: a law of the content alone."""

import hashlib
import os
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.errors import DataError
from data_pipelines.splits import (
    SPLITS,
    Fractions,
    assign,
    check_classes,
    find_duplicates,
    split_of,
)


@dataclass(frozen=True)
class Item:
    name: str
    label: int
    digest: bytes


def make_items(contents):
    return [
        Item(f"{i:05}", label, hashlib.sha256(content).digest())
        for i, (label, content) in enumerate(contents)
    ]


CONTENTS = st.lists(st.tuples(st.integers(0, 2), st.binary(max_size=3)), max_size=40)


@given(contents=CONTENTS)
def test_splits_are_disjoint_and_complete(contents):
    items = make_items(contents)
    members = assign(items)
    names = [item.name for split in SPLITS for item in members[split]]
    assert sorted(names) == [item.name for item in items]


@given(contents=CONTENTS, more=CONTENTS)
def test_adding_files_moves_no_other(contents, more):
    before = assign(make_items(contents))
    after = assign(make_items(contents + more))
    for split in SPLITS:
        assert set(before[split]) <= set(after[split])


@given(contents=CONTENTS)
def test_equal_bytes_are_on_one_side_whatever_their_class(contents):
    members = assign(make_items(contents))
    seen = {split: {item.digest for item in members[split]} for split in SPLITS}
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["validation"]
    assert not seen["validation"] & seen["test"]


def test_thresholds_are_those_that_are_documented():
    def digest(u):
        return int(u * 2**64).to_bytes(8, "big") + os.urandom(24)

    found = [split_of(digest(u)) for u in (0.0, 0.199, 0.201, 0.299, 0.301, 0.9999)]
    assert found == ["test"] * 2 + ["validation"] * 2 + ["train"] * 2
    assert split_of(digest(0.4), Fractions(validation=0.0, test=0.5)) == "test"


def test_shares_are_near_their_fractions_in_every_class():
    items = make_items((i % 2, str(i).encode()) for i in range(4000))
    for label in (0, 1):
        part = assign(item for item in items if item.label == label)
        assert abs(len(part["test"]) / 2000 - 0.2) < 0.03
        assert abs(len(part["validation"]) / 2000 - 0.1) < 0.03


@pytest.mark.parametrize("parts", [(-0.1, 0.2), (0.5, 0.5), (0.1, float("nan"))])
def test_impossible_fractions_are_refused(parts):
    with pytest.raises(DataError, match="fractions must be"):
        Fractions(*parts)


def counts(train, validation, test):
    return {"train": train, "validation": validation, "test": test}


def test_a_class_that_cannot_be_learned_is_refused_by_name():
    with pytest.raises(DataError, match="class 'rare' has 1 images"):
        check_classes(counts((9, 1), (1, 0), (1, 0)), ("many", "rare"))
    with pytest.raises(DataError, match="class 'rare' has no image for training"):
        check_classes(counts((9, 0), (1, 1), (1, 2)), ("many", "rare"))


def test_a_class_that_cannot_be_measured_is_noted():
    notes = check_classes(counts((9, 5), (1, 0), (1, 0)), ("many", "rare"))
    assert [note.split(" image")[0] for note in notes] == [
        "class 'rare' has no validation",
        "class 'rare' has no test",
    ]


def test_duplicates_are_reported_with_the_classes_they_are_filed_under():
    items = make_items([(0, b"x"), (0, b"y"), (1, b"x"), (1, b"z"), (1, b"z")])
    first, second = find_duplicates(items, ("a", "b"))
    assert (first.names, first.class_names) == (("00000", "00002"), ("a", "b"))
    assert first.is_conflict and not second.is_conflict
    assert second.names == ("00003", "00004")
