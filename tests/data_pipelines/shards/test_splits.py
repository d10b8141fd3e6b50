"""Splits: a law of the content alone."""

import hashlib
import os
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.errors import DataError
from data_pipelines.shards.splits import (
    SPLITS,
    Fractions,
    assign,
    check_classes,
    describe_leaks,
    find_duplicates,
    split_of,
)


@dataclass(frozen=True)
class Item:
    name: str
    label: int
    digest: bytes
    split: str | None = None


def make_items(contents, split=None):
    return [
        Item(f"{i:05}", label, hashlib.sha256(content).digest(), split)
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


GIVEN = st.lists(st.tuples(st.binary(max_size=3), st.sampled_from(SPLITS)), max_size=40)


@given(contents=GIVEN)
def test_what_a_source_gives_for_a_split_is_all_of_it(contents):
    digests = [hashlib.sha256(content).digest() for content, _ in contents]
    items = [
        Item(str(i), 0, digest, split)
        for i, (digest, (_, split)) in enumerate(zip(digests, contents, strict=True))
    ]
    members = assign(items)
    for split in ("validation", "test"):
        given = [item for item in items if item.split == split]
        taken = [item for item in items if item in members[split]]
        assert all(item in members[split] for item in given)
        assert taken == given or all(item.split == "train" for item in taken)


@pytest.mark.parametrize(
    ("given", "validation", "test"),
    [
        (("test",), 0.1 / 0.8, 0),
        (("validation",), 0, 0.2 / 0.9),
        (("validation", "test"), 0, 0),
        ((), 0.1, 0.2),
    ],
)
def test_what_a_split_source_lacks_is_taken_from_its_training_images(
    given, validation, test
):
    contents = [(0, str(number).encode()) for number in range(4000)]
    items = make_items(contents, split="train")
    for split in given:
        items += make_items([(0, split.encode())], split=split)
    members = assign(items)
    taken = {split: len(members[split]) - (split in given) for split in members}
    assert abs(taken["validation"] / 4000 - validation) < 0.02
    assert abs(taken["test"] / 4000 - test) < 0.02


def test_a_split_that_there_is_not_is_refused_by_name():
    with pytest.raises(DataError, match=r"^00000: split 'dev'; allowed are train,"):
        assign(make_items([(0, b"x")], split="dev"))


def counts(train, validation, test):
    return {"train": train, "validation": validation, "test": test}


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        (((9, 1), (1, 0), (1, 0)), "class 'rare' has 1 images"),
        (((9, 0), (1, 1), (1, 2)), "class 'rare' has no image for training"),
        (((0, 0), (0, 0), (9, 9)), "no image is for training"),
    ],
)
@pytest.mark.parametrize("comes_split", [True, False])
def test_what_cannot_be_learned_is_refused_by_name(shares, message, comes_split):
    with pytest.raises(DataError, match=message) as caught:
        check_classes(counts(*shares), ("many", "rare"), comes_split=comes_split)
    if "training" in message:
        who = "the source" if comes_split else "its content"
        assert f"{who} says which split" in str(caught.value)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        (
            ((9, 5), (1, 0), (1, 0)),
            [
                "class 'rare' has no validation image (5 for tra",
                "class 'rare' has no test image (5 for train, 0 ",
            ],
        ),
        (
            ((9, 5), (0, 0), (1, 0)),
            [
                "there are no validation images",
                "class 'rare' has no test image (5 for train, 0 ",
            ],
        ),
        (((9, 5), (1, 1), (2, 1)), []),
    ],
)
def test_what_cannot_be_measured_is_noted(shares, expected):
    notes = check_classes(counts(*shares), ("many", "rare"))
    assert [note[:47] for note in notes] == expected


def test_duplicates_are_reported_with_their_classes_and_splits():
    items = make_items([(0, b"x"), (0, b"y"), (1, b"x"), (1, b"z"), (1, b"z")])
    members = {"train": items[:4], "test": items[4:]}
    first, second = find_duplicates(members, ("a", "b"))
    assert (first.names, first.class_names) == (("00000", "00002"), ("a", "b"))
    assert first.is_conflict and not second.is_conflict
    assert (second.names, second.splits) == (("00003", "00004"), ("train", "test"))
    assert second.is_leak and not first.is_leak
    (note,) = describe_leaks([first, second])
    assert "several splits 1 times, first as 00003 and 00004" in note
    assert describe_leaks([first]) == ()
