"""Run folders are read back as they are: finished, unfinished, damaged."""

import dataclasses
import json
import shutil

import pytest

from kerastpu import presets, run_records, run_text, runs
from kerastpu.cli.main import main
from kerastpu.errors import UsageError
from kerastpu.evaluation import wilson_interval

COLUMNS = "epoch,accuracy,loss,learning_rate,seconds,val_accuracy,val_loss\n"


def make_run(path, *, right=None, count=400, seed=0, epochs=3, fingerprint="a"):
    """Writes a run folder; without `right` it has not finished."""
    config = dataclasses.replace(presets.get("tiny"), seed=seed)
    runs.open_run(path, config)
    rows = [
        f"{e},0.5,{2 - e / 2},0.001,{e},0.{5 + e},{1.5 - e / 4}" for e in range(epochs)
    ]
    (path / runs.METRICS).write_text(COLUMNS + "".join(f"{row}\n" for row in rows))
    if right is not None:
        test = {
            "accuracy": right / count,
            "count": count,
            "interval": wilson_interval(right, count),
            "loss": 0.5,
            "macro_f1": 0.7,
        }
        data = {
            "name": "photos",
            "is_synthetic": False,
            "counts": {"train": 900, "test": count},
            "fingerprint": fingerprint,
        }
        result = {
            "test": test,
            "data": data,
            "accelerator": {"summary": "1 CPU device"},
            "parameters": 1234,
            "seconds": {"fit": 10.0, "total": 12.0},
        }
        runs.write_json(path / runs.RESULT, result)
    return path


@pytest.fixture
def folder(tmp_path):
    make_run(tmp_path / "runs" / "good", right=360)
    make_run(tmp_path / "runs" / "deep" / "better", right=380, seed=1)
    make_run(tmp_path / "runs" / "begun", epochs=0)
    (tmp_path / "runs" / "notes").mkdir()
    return tmp_path / "runs"


def test_every_run_below_a_folder_is_found_once_with_its_state(folder):
    records = run_records.find(folder)
    assert [(r.path.name, r.state, r.num_epochs, r.best_epoch) for r in records] == [
        ("begun", "unfinished", 0, None),
        ("better", "finished", 3, 3),
        ("good", "finished", 3, 3),
    ]
    assert [r.accuracy for r in records] == [None, 0.95, 0.9]
    assert run_records.find(folder / "good")[0].path == folder / "good"


def test_list_ranks_by_test_accuracy(folder, capsys):
    assert main(["runs", "list", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0].rsplit("/")[-1] for line in lines] == [
        "run",
        "better",
        "good",
        "begun",
    ]
    assert main(["runs", "list", str(folder), "--json"]) == 0
    assert {r["state"] for r in json.loads(capsys.readouterr().out)} == {
        "finished",
        "unfinished",
    }


def test_a_damaged_run_is_listed_with_its_reason_and_hides_no_other(folder, capsys):
    (folder / "good" / runs.RESULT).write_text("{")
    states = {r.path.name: r.state for r in run_records.find(folder)}
    assert states == {"begun": "unfinished", "better": "finished", "good": "unreadable"}
    assert main(["runs", "show", str(folder / "good")]) == 0
    assert "cannot be read: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "cut", [0, len(COLUMNS) - 5, len(COLUMNS), len(COLUMNS) + 8, len(COLUMNS) + 45, -2]
)
def test_a_metrics_file_that_is_being_written_is_read_up_to_its_last_whole_row(
    folder, cut
):
    path = folder / "good" / runs.METRICS
    text = path.read_text()
    path.write_text(text[:cut])  # -2: inside the last number
    record = run_records.read(folder / "good")
    assert record.state == "finished"
    assert record.num_epochs == max(0, text[:cut].count("\n") - 1)


def test_show_names_what_differs_from_the_preset(folder, capsys):
    assert main(["runs", "show", str(folder / "deep" / "better")]) == 0
    out = capsys.readouterr().out
    assert "own settings: seed=1" in out
    assert "test: 95.0% of 400 right" in out
    assert "0.75" not in out.partition("test:")[0]
    assert "epochs: 3 of 10; the lowest validation loss, 1.000, after 3" in out


def test_compare_names_differing_settings_and_says_what_chance_explains(
    folder, tmp_path, capsys
):
    pair = [str(folder / "good"), str(folder / "deep" / "better")]
    picture = tmp_path / "curves.png"
    assert main(["runs", "compare", *pair, "--out", str(picture)]) == 0
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines() if line.startswith("seed")] == [
        ["seed", "0", "1"]
    ]
    assert "+5.0 points" in out
    assert "clear" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(["runs", "compare", *pair, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"] == {"seed": [0, 1]}


def test_a_small_difference_is_chance_and_other_test_images_are_not_compared(tmp_path):
    first = make_run(tmp_path / "a", right=360)
    near = make_run(tmp_path / "b", right=365)
    other = make_run(tmp_path / "c", right=399, fingerprint="b")
    records = [run_records.read(path) for path in (first, near, other)]
    text = run_text.of_comparison(records)
    assert "within chance" in text
    assert "scored on other images" in text
    assert "clear" not in text


def test_difference_is_that_of_two_shares():
    # 360 and 380 of 400: sqrt(.9*.1/400 + .95*.05/400) * 1.96 = 0.0363
    def record(accuracy):
        result = {"test": {"accuracy": accuracy, "count": 400}}
        return run_records.Record(None, "finished", None, result, {}, {}, 0.0)

    gain, margin = run_text.difference(record(0.9), record(0.95))
    assert gain == pytest.approx(0.05)
    assert margin == pytest.approx(0.0363, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["list", "nowhere"], 2, "no folder 'nowhere'"),
        (["show", "nowhere"], 2, "nowhere is not a run folder"),
        (["compare", "one"], 2, "two folders or more; got 1"),
        (["compete"], 2, "did you mean compare?"),
    ],
)
def test_wrong_use_is_one_line(arguments, code, message, capsys):
    assert main(["runs", *arguments]) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_real_config_of_another_version_is_told_not_raised(folder):
    path = folder / "good" / runs.CONFIG
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"colour": "red"}))
    record = run_records.read(folder / "good")
    assert record.state == "unreadable"
    assert "colour" in record.error
    with pytest.raises(UsageError):
        runs.load_run(folder / "good")


def test_nothing_is_written_by_looking(folder):
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    run_text.of_list(run_records.find(folder))
    before = sorted(p.relative_to(copy) for p in copy.rglob("*"))
    assert sorted(p.relative_to(folder) for p in folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (runs.METRICS, COLUMNS + "0,0.9\n"),
        (runs.RESULT, '{"test": {"accuracy": 0.5}}'),
        (runs.RESULT, "[]"),
        (runs.ENVIRONMENT, '{"x": 1}'),
    ],
)
def test_any_damage_in_a_run_is_told_and_the_others_are_listed(
    folder, name, content, capsys
):
    (folder / "good" / name).write_text(content)
    for command in (["list"], ["show"], ["compare"]):
        paths = {"list": [folder], "show": [folder / "good"]}.get(
            command[0], [folder / "good", folder / "deep" / "better"]
        )
        assert main(["runs", *command, *map(str, paths)]) == 0
    out = capsys.readouterr().out
    assert "unreadable" in out
    assert f"{name} is damaged" in out


def test_an_epoch_without_a_finite_loss_is_never_the_best(folder, capsys):
    (folder / "good" / runs.METRICS).write_text(
        COLUMNS + "0,0.5,1,0.1,1,0.5,nan\n" + "1,0.5,1,0.1,1,0.6,1.1\n"
    )
    assert run_records.read(folder / "good").best_epoch == 2
    (folder / "good" / runs.METRICS).write_text(COLUMNS + "0,0.5,1,0.1,1,0.5,nan\n")
    assert main(["runs", "show", str(folder / "good")]) == 0
    assert "no finite loss" in capsys.readouterr().out


def test_a_picture_that_is_no_png_is_refused_before_anything_is_printed(folder, capsys):
    pair = [str(folder / "good"), str(folder / "deep" / "better")]
    assert main(["runs", "compare", *pair, "--out", "curves.jpg"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "must end in .png" in captured.err
