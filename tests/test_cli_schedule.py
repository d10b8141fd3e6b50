"""`kerastpu schedule` as its user meets it: figures, pictures, one-line errors."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerastpu import schedules
from kerastpu.cli.main import main
from kerastpu.cli.schedule import COMMANDS
from tests.test_schedules import CODELAB

RAMP = (
    *("--schedule.name", "ramp", "--schedule.warmup", "5 epochs"),
    *("--schedule.floor", "1e-5", "--optimizer.learning-rate", "5e-5"),
    *("--replicas", "8", "--epochs", "12"),
)


def run(capsys, *arguments):
    """Returns the exit code and what went to each stream."""
    code = main(["schedule", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def assert_picture(path):
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert min(image.size) > 300
        assert np.asarray(image.convert("L")).std() > 5  # something is drawn


def test_plot_prints_the_rate_of_each_epoch_and_draws(capsys, tmp_path):
    picture = tmp_path / "new" / "schedule.png"
    code, out, err = run(capsys, "plot", "flowers-squeezenet", *RAMP, "--out", picture)
    assert (code, err) == (0, "")
    rows = re.findall(r"^ +(\d+) +([\d,]+) +([\d.e-]+)$", out, re.M)
    assert [int(epoch) for epoch, _, _ in rows] == list(range(1, 13))
    np.testing.assert_allclose([float(rate) for *_, rate in rows], CODELAB, rtol=4e-3)
    assert "ramp, peak 0.0004, rise from 1e-05" in out
    assert "\nx 8 for 8 replicas (linear, Goyal et al. 2017)\n" in out
    assert str(picture) in out
    assert_picture(picture)


def test_plot_prints_json_for_programs(capsys):
    code, out, _ = run(capsys, "plot", "tiny", *RAMP, "--num-images", 512, "--json")
    assert code == 0
    found = json.loads(out)
    np.testing.assert_allclose(found["epoch_rates"], CODELAB, rtol=4e-3)
    assert found["steps_per_epoch"] == 512 // (8 * 32)
    assert found["num_images"] == 512
    assert found["replica_scaling"] == {"rule": "linear", "factor": 8}
    curve = schedules.Curve.from_dict(found["schedule"])
    assert curve(2 * 5) == pytest.approx(4e-4)


def test_plot_knows_how_many_images_named_data_sets_have(capsys):
    sizes = {}
    for data in ("auto", "flowers", "mnist", "photos"):
        _, out, _ = run(capsys, "plot", "--data", data, "--json")
        sizes[data] = json.loads(out)["num_images"]
    assert sizes["auto"] == sizes["flowers"] == pytest.approx(0.7 * 3670, abs=1)
    assert sizes["mnist"] == pytest.approx(60_000 * 0.7 / 0.8, abs=1)
    assert sizes["photos"] == 1000


def test_a_long_run_is_told_in_steps_of_several_epochs(capsys):
    _, out, _ = run(capsys, "plot", "--epochs", 1000)
    assert len(out.splitlines()) < 70
    assert "every 17 epochs" in out


def test_a_run_of_one_step_is_told_in_the_singular_and_drawn(capsys, tmp_path):
    batch = ("--num-images", 1, "--training.batch-size", 1, "--epochs", 1)
    _, out, _ = run(
        *(capsys, "plot", "tiny", *batch, "--schedule.warmup", "0%"),
        *("--out", tmp_path / "one.png"),
    )
    assert "1 training image on 1 replica: 1 step an epoch" in out
    assert "1 step in all" in out
    assert " for 1 replica" not in out  # nothing is scaled
    assert_picture(tmp_path / "one.png")


def test_a_function_that_fails_is_one_line(capsys, tmp_path, monkeypatch):
    (tmp_path / "failing_rates.py").write_text("def rate(s, n, peak): return 1 / s\n")
    monkeypatch.chdir(tmp_path)
    custom = ("--schedule.name", "custom", "--schedule.function", "failing_rates:rate")
    code, out, err = run(capsys, "plot", *custom)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "'failing_rates:rate'" in err
    assert "ZeroDivisionError: division by zero" in err


def test_plot_says_what_it_supposes_of_a_plateau(capsys):
    _, out, _ = run(capsys, "plot", "--schedule.name", "plateau")
    assert "as if the validation loss fell in every epoch" in out


def test_list_tells_every_shape_and_draws_them(capsys, tmp_path):
    picture = tmp_path / "shapes.png"
    code, out, _ = run(capsys, "list", "--out", picture)
    assert code == 0
    for name, shape in schedules.SHAPES.items():
        assert re.search(rf"^{name} +{re.escape(shape.description)}$", out, re.M)
    assert_picture(picture)
    _, out, _ = run(capsys, "list", "--json")
    assert list(json.loads(out)) == list(schedules.SHAPES)


def test_find_tests_the_whole_network_of_a_preset(capsys, flower_folder, tmp_path):
    picture, rates = tmp_path / "found.png", ("--low", "1e-4", "--high", "0.5")
    code, out, err = run(
        *(capsys, "find", "tiny", "--data", flower_folder, "--steps", 30, *rates),
        *("--out", picture, "--json"),
    )
    assert code == 0, err
    found = json.loads(out)
    assert found["rates"][0] == pytest.approx(1e-4)
    assert len(found["rates"]) == len(found["losses"]) <= 30
    assert_picture(picture)


def test_find_tests_the_head_in_features_mode(capsys, flower_folder):
    code, out, err = run(
        *(capsys, "find", "flowers", "--data", flower_folder, "--steps", 60),
        *("--input.image-size", 64, "--training.batch-size", 16),
    )
    assert code == 0, err
    suggestion = float(re.search(r"--optimizer.learning-rate (\S+)", out)[1])
    assert 1e-5 < suggestion < 1
    assert f"suggestion: {suggestion:.2e}" in out
    assert "range test" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plot", "orchids"), ["no preset 'orchids'", "flowers"]),
        (("plot", "--out", "plan.svg"), ["--out", ".png", "plan.svg"]),
        (("plot", "--replicas", "0"), ["--replicas", "1..100000", "got 0"]),
        (("plot", "--num-images", "0"), ["--num-images", "got 0"]),
        (("plot", "--num-images", "9"), ["64 x 1 x 1", "9 training images"]),
        (("plot", "--epochs", "0"), ["training.epochs", "got 0"]),
        (("plot", "--schedule.power", "3"), ["schedule.power", "polynomial", "3"]),
        (("plot", "--schedule.nme", "x"), ["--schedule.nme"]),
        (("find", "--low", "0"), ["low and high", "0.0"]),
        (("find", "--steps", "3"), ["num_steps", "10", "3"]),
        (("list", "--out", "x"), ["--out", ".png"]),
        (("plto",), ["'plto'", "did you mean plot"]),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(capsys, arguments, words):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    for word in words:
        assert word in err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main(["schedule", command, "--help"])
    assert stop.value.code == 0
    assert f"usage: kerastpu schedule {command}" in capsys.readouterr().out


def test_without_a_command_it_says_which_there_are(capsys):
    code, out, _ = run(capsys)
    assert code == 2
    for command, text in COMMANDS.items():
        assert command in out
        assert text in out


SHOWN = re.findall(
    r"^\$ kerastpu schedule (plot .*?[^\\])\n(.*?)(?=^\$|^```)",
    (Path(__file__).parents[1] / "docs" / "schedules.md").read_text("utf-8"),
    re.M | re.S,
)


def test_the_docs_show_commands():
    assert len(SHOWN) == 3


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_what_the_docs_show_is_what_is_printed(
    capsys, tmp_path, monkeypatch, command, output
):
    monkeypatch.chdir(tmp_path)
    _, out, err = run(capsys, *shlex.split(command.replace("\\\n", " ")))
    errors = [line for line in err.splitlines() if line.startswith("kerastpu: ")]
    assert [*out.splitlines(), *errors] == output.splitlines()
