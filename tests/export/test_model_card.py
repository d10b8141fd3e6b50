"""The card says what is on record, and that the rest is not known."""

import dataclasses
import re

import pytest

from kerastpu import evaluation
from kerastpu.export import model_card


@pytest.fixture(scope="module")
def card(exported):
    return (exported.folder / "model_card.md").read_text("utf-8")


def tables(text):
    """Returns the rows of all tables, without the lines below their heads."""
    lines = re.findall(r"^\|(.*)\|$", text, re.M)
    rows = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    return [row for row in rows if set(row) != {"---"}]


def test_it_holds_what_the_run_recorded(card, sure_run):
    result = sure_run.result
    data, test = result["data"], result["test"]
    assert data["content_sha256"] in card and data["fingerprint"] in card
    assert "Fewer than 30 test images" in card  # of each: there are few of all
    for split, count in data["counts"].items():
        assert f"{split} {count:,}" in card
    rows = {row[0]: row[1:] for row in tables(card) if len(row) == 5}
    for index, one in enumerate(test["classes"]):
        hits = test["confusion"][index][index]
        low, high = evaluation.wilson_interval(hits, one["count"])
        wanted = f"{one['recall']:.3f} ({low:.3f} to {high:.3f})"
        assert rows[one["name"]][2] == wanted
    assert "* Settings other than the preset's: " in card
    assert f"training.epochs={sure_run.config.training.epochs}" in card.replace(
        "\\", ""
    )
    for name in ("kerastpu", "tensorflow", "keras", "onnxruntime"):
        assert re.search(rf"{name} \d", card)


def test_it_has_a_row_for_each_export(card, exported):
    names = [row[0] for row in tables(card)]
    for check in exported.checks:
        assert names.count(check.file.replace("_", "\\_")) == 1


def test_licences_are_those_on_record(exported, sure_run):
    def licences(data="x", name="x", is_synthetic=False, weights=None, network="vgg16"):
        config = dataclasses.replace(
            sure_run.config,
            data=data,
            model=dataclasses.replace(
                sure_run.config.model, weights=weights, name=network
            ),
        )
        facts = sure_run.result["data"]
        facts = facts | {"name": name, "is_synthetic": is_synthetic}
        result = sure_run.result | {"data": facts}
        run = dataclasses.replace(sure_run, config=config, result=result)
        text = model_card.write(exported, run).partition("## Licences")[2]
        return text.partition("* Data: ")[::2]

    weights, data = licences()
    assert "none, they were random" in weights
    assert data.startswith("not known")
    assert "Creative Commons" in licences("flowers", "/photos/flowers")[1]
    assert licences("flowers", "flowers")[1].startswith("not known")  # a folder
    assert "MIT" in licences("fashion-mnist", "/data")[1]
    assert licences("cifar10", "/data")[1].startswith("not known")
    assert "Apache-2.0" in licences("auto", "rendered-flowers", True)[1]
    lite = licences(weights="imagenet", network="efficientnet_lite0")[0]
    assert "Apache-2.0" in lite
    assert "not known; they came from the file a.h5" in licences(weights="a.h5")[0]


def test_names_do_not_break_the_tables(exported, sure_run):
    odd = ("a|b", "line\nbreak", "<b>`x`[x](y)")
    result = sure_run.result
    pairs = zip(result["test"]["classes"], odd, strict=True)
    classes = [one | {"name": name} for one, name in pairs]
    made = result | {
        "test": result["test"] | {"classes": classes},
        "data": result["data"] | {"class_names": list(odd)},
    }
    text = model_card.write(exported, dataclasses.replace(sure_run, result=made))
    widths = {len(row) for row in tables(text.replace("\\|", ""))}
    assert widths == {4, 5, 9}
    assert "<b>" not in text.replace("\\<b>", "")
