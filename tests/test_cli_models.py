"""`kerastpu models`: the registry in words, figures and JSON; docs/models.md has it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kerastpu import models
from kerastpu.cli.main import main

DOCUMENT = Path(__file__).parents[1] / "docs" / "models.md"
SECONDS = 15  # the list must be instant; imports alone take a second


def succeed(capsys, *arguments):
    assert main(["models", *arguments]) == 0
    return capsys.readouterr().out


def rows(text):
    """Returns the words of each line that a network has: name -> words."""
    lines = [line.split() for line in text.splitlines() if line.startswith("  ")]
    return {words[0]: words for words in lines if words[0] in models.REGISTRY}


def test_the_list_tells_cost_and_weights_of_every_network(capsys):
    text = succeed(capsys)
    assert max(map(len, text.splitlines())) <= 100
    found = rows(text)
    assert list(found) == list(models.REGISTRY)
    for name, entry in models.REGISTRY.items():
        _, parameters, giga, size, *rest = found[name]
        assert parameters == f"{entry.num_parameters:,}"
        assert float(giga) == pytest.approx(entry.flops / 1e9, rel=0.05)
        assert size == f"{entry.image_size}x{entry.image_size}x{entry.channels}"
        line = " ".join(rest)
        for key, source in entry.weights.items():
            mark = "[x]" if source.availability().is_here else "[ ]"
            assert f"{mark} {key}, {source.licence}" in line
    for family in {entry.family for entry in models.REGISTRY.values()}:
        assert f"\n{family}\n" in text


def test_json_says_the_same_to_programs(capsys):
    facts = json.loads(succeed(capsys, "--json"))["models"]
    assert [one["name"] for one in facts] == list(models.REGISTRY)
    for one in facts:
        entry = models.REGISTRY[one["name"]]
        assert one["flops"] == entry.flops
        assert one["preprocessing"] == entry.preprocessing.text
        assert {w["name"] for w in one["weights"]} == set(entry.weights)


def test_the_list_loads_neither_keras_nor_an_engine():
    script = (
        "import sys\nfrom kerastpu.cli.main import main\n"
        "main(['models', '--json'])\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    assert not {"keras", "tensorflow", "jax", "h5py"} & set(done.stderr.split())


@pytest.mark.parametrize("name", ["firenet", "efficientnet_lite0"])
def test_one_network_is_told_with_options_and_stages(capsys, name):
    entry = models.REGISTRY[name]
    facts = json.loads(succeed(capsys, name, "--json"))
    stages = facts["stages"]
    assert sum(stage["num_parameters"] for stage in stages) == entry.num_parameters
    assert all(option["text"] for option in facts["options"])
    options = {option["name"]: option["default"] for option in facts["options"]}
    assert options["include_preprocessing"] is True
    text = succeed(capsys, name)
    assert max(map(len, text.splitlines())) <= 100
    for word in (entry.source, entry.preprocessing.text, *options, stages[0]["name"]):
        assert word in " ".join(text.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sqeezenet",), ["unknown model 'sqeezenet'", "did you mean squeezenet"]),
        (("zzz",), ["unknown model 'zzz'; `kerastpu models` lists all"]),
        (("firenet", "--markdown"), ["--markdown"]),
        (("--json", "--markdown"), ["--markdown"]),
        (("--jsn",), ["--jsn"]),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(capsys, arguments, words):
    assert main(["models", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    for word in words:
        assert word in captured.err


def test_the_document_has_the_tables_that_the_command_prints(capsys):
    tables = succeed(capsys, "--markdown")
    assert tables in DOCUMENT.read_text("utf-8"), "run: kerastpu models --markdown"


def test_code_in_the_document_runs(capsys):
    blocks = re.findall(
        r"^```python\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.M | re.S
    )
    assert len(blocks) == 3
    exec("\n".join(blocks), {})
    assert "240 63" in capsys.readouterr().out
