"""The help of `kerastpu train`: complete, and as wide as the terminal."""

import json
import re

import pytest

from kerastpu import presets
from kerastpu.cli import preset
from kerastpu.cli.main import main
from kerastpu.cli.train import TrainArguments
from kerastpu.config import TrainingConfig
from kerastpu.errors import UsageError
from kerastpu.presets import cards
from kerastpu.runs import flatten


@pytest.fixture
def help_of(capsys, monkeypatch):
    def show(*words, columns=80):
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as stop:
            main(["train", *words, "--help"])
        assert stop.value.code == 0
        return capsys.readouterr().out

    return show


def flags_of(text):
    """Returns flag -> what is said of it, in one line."""
    text = re.sub("[│╭╮╰╯─]", " ", text)  # not drawn where they cannot be encoded
    flags = {}
    for box in re.split(r"^ *(?:[a-z.]+ )?options *$", text, flags=re.M)[1:]:
        for entry in re.split(r"^ *(?=--[a-z])", box, flags=re.M)[1:]:
            said = " ".join(entry.split())
            flags[re.match(r"[^\s,]+", said)[0]] = said
    return flags


def test_without_a_preset_it_lists_them_a_line_each(help_of):
    lines = help_of().splitlines()
    assert max(map(len, lines)) <= 80
    for name in presets.PRESETS:
        assert f"  {name:<18} {presets.describe(name)[0]}" in lines


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", presets.PRESETS)
def test_the_card_is_on_top_and_nothing_is_too_wide(help_of, name, columns):
    text = help_of(name, columns=columns)
    assert max(map(len, text.splitlines())) <= columns
    top = " ".join(text.partition("usage: ")[0].split())
    assert top.startswith(presets.describe(name)[0])
    card = cards.get(name)
    assert top.endswith(" ".join(card.text().split()) if card else "Not measured yet.")


def test_every_setting_is_a_flag_with_its_default_from_the_preset(help_of):
    flags = flags_of(help_of("mnist-cnn"))
    config = presets.get("mnist-cnn")
    for key, value in flatten(config.to_dict()).items():
        if key == "preset":
            continue
        said = flags[f"--{key.replace('_', '-')}"]
        values = value if isinstance(value, list | tuple) else [value]
        shown = re.search(r"\(default: (.*)\)$", said)[1].replace("'", "")
        assert shown.split() == " ".join(map(str, values)).split(), said


def test_every_number_says_its_range(help_of):
    for said in flags_of(help_of("flowers")).values():
        if re.search(r"\b(INT|FLOAT)\b", said):
            assert re.search(r"\.\.|above \d|at least \d", said), said


def test_the_help_of_a_flag_flows(help_of):
    # Nothing of how the source's lines end.
    lines = help_of("flowers", columns=200).splitlines()
    assert any("on GPUs with tensor cores, else float32." in line for line in lines)


def test_an_estimate_trains_nothing(capsys, flower_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = main(["train", "tiny", "--data", str(flower_folder), "--estimate", "--json"])
    assert code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["seconds"]["total"] > 0
    assert found["counts"]["epochs"] == presets.get("tiny").training.epochs
    assert not list(tmp_path.iterdir())


def config_of(*words):
    arguments = ("flowers", "--training.mode", "end_to_end", *words)
    return preset.parse(TrainArguments, arguments, "train").config


def test_a_preset_in_another_mode_keeps_nothing_of_its_own():
    config = config_of()
    config.validate()
    flowers = presets.get("flowers")
    assert config.training.views == TrainingConfig().views != flowers.training.views
    assert config.training.epochs == flowers.training.epochs
    assert config.model == flowers.model


@pytest.mark.parametrize("flag", ["--training.views=4", "--training.engine=onnx"])
def test_what_is_said_of_another_mode_is_refused(flag):
    with pytest.raises(UsageError, match="is of kept features: in end_to_end it must"):
        config_of(flag).validate()
