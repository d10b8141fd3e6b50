"""`kerastpu summary`: runs, files, names; text, JSON, pictures; docs/summary.md."""

import json
import re
import shlex
from pathlib import Path

import keras
import pytest
from keras import layers

from kerastpu import models, summaries
from kerastpu.cli import parsing
from kerastpu.cli.summary import SummaryArguments
from kerastpu.cli.weights import WeightsArguments
from tests import commands

DOCUMENT = (Path(__file__).parents[2] / "docs" / "summary.md").read_text("utf-8")


def test_a_network_is_built_by_its_name_at_the_size_of_its_source_or_another(capsys):
    entry = models.REGISTRY["firenet"]
    facts = json.loads(commands.succeed(capsys, "summary", "firenet", "--json"))
    assert facts["num_parameters"] == entry.num_parameters
    assert facts["flops"] == entry.flops
    small = json.loads(
        commands.succeed(capsys, "summary", "firenet", "--image-size", 96, "--json")
    )
    assert small["num_parameters"] == entry.num_parameters
    assert small["flops"] < entry.flops / 3
    assert small["layers"][0]["output_shapes"] == [[96, 96, 3]]


@pytest.mark.parametrize("style", summaries.STYLES)
def test_a_run_and_its_file_have_the_same_summary(capsys, tiny_run, style):
    of_run = commands.succeed(capsys, "summary", tiny_run.workdir, "--style", style)
    assert of_run == commands.succeed(
        capsys, "summary", tiny_run.model_path, "--style", style
    )
    assert of_run.strip()
    model = tiny_run.load_model()
    facts = json.loads(
        commands.succeed(
            capsys, "summary", tiny_run.workdir, "--style", style, "--json"
        )
    )
    if style == "keras":
        assert facts["num_parameters"] == model.count_params()
    if style == "dl4j":
        assert facts["num_parameters"] == model.count_params()


def test_a_network_counted_by_hand_has_these_lines(capsys, tmp_path):
    image = keras.Input((6, 6, 2), name="image")
    x = layers.Conv2D(4, 3, name="conv")(image)
    x = layers.Flatten(name="flat")(x)
    keras.Model(image, layers.Dense(5, name="last")(x), name="toy").save(
        tmp_path / "toy.keras"
    )
    lines = [
        line.split()
        for line in commands.succeed(
            capsys, "summary", tmp_path / "toy.keras", "--batch-size", 10
        ).splitlines()
    ]
    conv = 2 * 4 * 4 * (9 * 2) * 4
    assert ["conv", "(Conv2D)", "4x4x4", "76", "image", f"{conv:,}", "3", "1", "0"] in [
        line[:-1] for line in lines
    ]
    dense = 2 * 64 * 5
    assert ["last", "(Dense)", "5", "325", "flat", str(dense), "all", "200"] in lines
    text = " ".join(" ".join(line) for line in lines)
    assert "Total params: 401 (1.6 kB)" in text
    assert (
        f"FLOPs: {conv + dense:,} for one example, which is {(conv + dense) // 2:,}"
        in text
    )
    kept = 10 * 4 * (72 + 64)  # image and map
    assert f"inference, batch 10: {(401 * 4 + kept) / 1e3:.1f} kB" in text


def test_what_cannot_be_counted_is_a_note_and_no_error(capsys, tmp_path):
    a, b = keras.Input((4, 4)), keras.Input((4, 4))
    model = keras.Model([a, b], layers.Dot(axes=2, name="product")([a, b]))
    model.save(tmp_path / "dot.keras")
    for style in ("keras", "sas"):
        text = commands.succeed(
            capsys, "summary", tmp_path / "dot.keras", "--style", style
        )
        assert "note: cannot count the operations of layer 'product' (Dot)" in text
    facts = json.loads(
        commands.succeed(capsys, "summary", tmp_path / "dot.keras", "--json")
    )
    assert facts["flops"] is None and len(facts["notes"]) == 1


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_diagram_is_drawn_beside_the_table(capsys, tmp_path, ending):
    path = tmp_path / f"model.{ending}"
    out = commands.succeed(capsys, "summary", "mnist_mlp", "--diagram", path)
    assert out.endswith(f"diagram: {path}\n")
    assert path.stat().st_size > 5_000
    json.loads(
        commands.succeed(capsys, "summary", "mnist_mlp", "--diagram", path, "--json")
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("sqeezenet",), 2, ["'sqeezenet'", "did you mean squeezenet"]),
        (("absent.keras",), 1, ["no model at absent.keras"]),
        (("firenet", "--image-size", "3"), 2, ["at least 4", "(3, 3, 3)"]),
        (("firenet", "--batch-size", "0"), 2, ["--batch-size", "got 0"]),
        (("firenet", "--diagram", "x.pdf"), 2, [".png or .svg", "x.pdf"]),
        (("firenet", "--style", "torch"), 2, ["--style", "'torch'"]),
        ((".",), 2, ["not a run folder"]),
    ],
)
def test_wrong_usage_is_one_line(capsys, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    found, error = commands.fail(capsys, "summary", *arguments)
    assert found == code
    for word in words:
        assert word in error
    assert not any(tmp_path.iterdir())


def test_a_file_that_is_no_model_and_a_size_for_a_file_are_refused(capsys, tmp_path):
    path = tmp_path / "text.keras"
    path.write_text("hello")
    code, error = commands.fail(capsys, "summary", path)
    assert code == 1 and f"{path} is not a .keras file" in error
    code, error = commands.fail(capsys, "summary", path, "--image-size", 32)
    assert code == 2 and "image_size" in error


COMMANDS = re.findall(r"^kerastpu (summary|weights) (.*)$", DOCUMENT, re.M)
KINDS = {"summary": SummaryArguments, "weights": WeightsArguments}


@pytest.mark.parametrize(("command", "words"), COMMANDS)
def test_commands_of_the_document_are_understood(command, words):
    parsing.parse(KINDS[command], shlex.split(words, comments=True), command)


def test_code_in_the_document_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.S | re.M)
    assert blocks
    exec("\n".join(blocks), {})
    assert "126" in capsys.readouterr().out
