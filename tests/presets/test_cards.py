"""Cards say what the tables say of the recipe as it is now; they are up to date."""

import dataclasses

import pytest

from bench import cards as making
from bench import record
from kerastpu import presets
from kerastpu.presets import cards

TINY = cards.recipe(presets.get("tiny"))


def row(**changes):
    """A row of a table of runs."""
    made = {
        **{"date": "2026-01-01", "commit": "aaa", "command": "kerastpu train tiny"},
        **{"preset": "tiny", "recipe": TINY, "data": "$KERASTPU_DATA/flowers"},
        **{"is_synthetic": "False", "hardware": "cpu", "accelerator": "1 CPU"},
        **{"seed": "0", "test": "100", "accuracy": "0.5", "low": "0.4"},
        **{"high": "0.6", "seconds": "10"},
    }
    return made | {key: str(value) for key, value in changes.items()}


def test_cards_and_tables_are_up_to_date():
    made, advice = making.make_cards(), "run `make cards`"
    assert making.FILE.read_text("utf-8") == making.as_json(made), advice
    for path in making.DOCUMENTS:
        text = path.read_text("utf-8")
        assert making.as_table(made) in text, f"{path.name}: {advice}"


def test_a_card_is_the_median_over_seeds_of_the_newest_commit():
    rows = [
        row(accuracy=0.99, commit="old"),
        *(
            row(seed=seed, accuracy=accuracy, command=f"kerastpu train tiny --seed {n}")
            for n, (seed, accuracy) in enumerate([(0, 0.7), (1, 0.8), (2, 0.75)])
        ),
    ]
    card = making.make_card("tiny", rows)
    assert (card.accuracy, card.runs, card.images) == (0.75, 3, 100)
    assert card.command == "kerastpu train tiny" and card.commit == "aaa"


@pytest.mark.parametrize(
    "changes",
    [
        {"preset": "flowers"},
        {"recipe": "00000000"},
        {"is_synthetic": "True"},
        {"data": "$KERASTPU_DATA/mnist"},
        {"seconds": ""},
    ],
)
def test_other_runs_make_no_card(changes):
    assert making.make_card("tiny", [row(**changes)]) is None


def test_a_recipe_is_what_is_computed_not_where():
    tiny = presets.get("tiny")
    for same in ({"seed": 3}, {"data": "photos"}, {"backend": "jax"}):
        assert cards.recipe(dataclasses.replace(tiny, **same)) == TINY
    training = dataclasses.replace(tiny.training, epochs=11)
    assert cards.recipe(dataclasses.replace(tiny, training=training)) != TINY


def test_recipes_of_presets_differ():
    recipes = {cards.recipe(presets.get(name)) for name in presets.PRESETS}
    assert len(recipes) == len(presets.PRESETS)


def test_a_row_names_what_was_changed():
    tiny = presets.get("tiny")
    assert record.changed(dataclasses.replace(tiny, seed=7, data="photos")) == ""
    training = dataclasses.replace(tiny.training, epochs=3)
    changed = record.changed(dataclasses.replace(tiny, training=training))
    assert changed == "training.epochs=3"


@pytest.mark.parametrize("words", [["--workdir", "/my runs/1"], ["--workdir=/my/1"]])
def test_a_row_says_the_command_without_folders_of_the_machine(words, monkeypatch):
    monkeypatch.setenv("KERASTPU_DATA", "/disk/data/")
    command = ["kerastpu", "train", *words, "--data", "/disk/data/flowers"]
    expected = "kerastpu train --data $KERASTPU_DATA/flowers"
    assert record.command(command) == expected
