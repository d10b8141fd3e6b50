"""A run that is killed goes on where it stopped, and writes what it would have."""

import hashlib
import json
import logging
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from drawings import draw, encode, make_folder

from data_pipelines import Example, Source, from_folder, prepare
from data_pipelines.errors import DataError

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill_prepare.py"
NUM_IMAGES = 24


def make_source(read_names, *, seconds=0.0, bad=(), fingerprint="0" * 64):
    """A source that notes which images were read."""

    def reader(number, name):
        def read():
            read_names.append(name)
            time.sleep(seconds)
            if number in bad:
                raise DataError(f"{name}: bad")
            return encode(draw(number, 12, 12), "PNG")

        return read

    names = [f"{number:03}" for number in range(NUM_IMAGES)]
    examples = [Example(name, i % 2, reader(i, name)) for i, name in enumerate(names)]
    return Source("test", "drawn", ("a", "b"), tuple(examples), fingerprint)


def digests(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
    }


def interrupt(source, out, after, **settings):
    """Prepares as if the user pressed Ctrl-C after that many images."""

    def stop(done, total):
        if done == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(source, out, progress=stop, **settings)


def test_a_run_killed_at_any_moment_is_completed_by_the_next(tmp_path):
    folder, out = make_folder(tmp_path / "in", {"a": 12, "b": 12}), tmp_path / "out"
    command = [sys.executable, str(SCRIPT), str(folder), str(out), "4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    whole = digests(prepare(from_folder(folder), tmp_path / "whole").directory)
    assert all(run["killed"] for run in runs) and len(runs) > 10
    for run in runs:
        assert run["files"] == whole, run["moment"]
        assert run["beside"] == ["in", "log", "out"], run["moment"]
        known = NUM_IMAGES if run["is_whole"] else run["journaled"]
        assert run["read"] == NUM_IMAGES - known, run["moment"]
    assert {0, 8, 16, NUM_IMAGES} <= {run["journaled"] for run in runs}


def test_images_that_were_done_are_not_read_again_and_progress_goes_on(tmp_path):
    bad, names = (3, 20), []
    interrupt(make_source([], bad=bad), tmp_path / "out", 11, skip_bad=True)
    calls = []
    manifest = prepare(
        make_source(names, bad=bad),
        tmp_path / "out",
        skip_bad=True,
        progress=lambda *call: calls.append(call),
    )
    assert sorted(names) == [f"{number:03}" for number in range(11, NUM_IMAGES)]
    assert calls == [(done, NUM_IMAGES) for done in range(11, NUM_IMAGES + 1)]
    assert manifest.skipped == ("003: bad", "020: bad")
    once = prepare(make_source([], bad=bad), tmp_path / "once", skip_bad=True)
    assert digests(manifest.directory) == digests(once.directory)
    assert {path.name for path in tmp_path.iterdir()} == {"out", "once"}


@pytest.mark.parametrize("file", ["journal", "spool"])
def test_what_a_crash_left_torn_is_done_again(file, tmp_path):
    interrupt(make_source([]), tmp_path / "out", 15)
    left = shutil.move(tmp_path / ".out.partial", tmp_path / "left")
    whole = digests(prepare(make_source([]), tmp_path / "whole").directory)
    content = (left / file).read_bytes()
    for position in range(0, len(content), len(content) // 20):
        flipped = bytearray(content)
        flipped[position] ^= 16
        for torn in (content[:position], bytes(flipped), content + b"00"):
            shutil.copytree(left, tmp_path / ".out.partial")
            (tmp_path / ".out.partial" / file).write_bytes(torn)
            names = []
            prepare(make_source(names), tmp_path / "out")
            assert digests(tmp_path / "out") == whole
            expected = 15 if torn.startswith(content) else 15 * position // len(content)
            assert abs(len(names) - (NUM_IMAGES - expected)) <= 1
            shutil.rmtree(tmp_path / "out")


@pytest.mark.parametrize("change", ["data", "settings"])
def test_what_other_data_or_settings_left_is_dropped(change, tmp_path):
    interrupt(make_source([]), tmp_path / "out", 15)
    names = []
    mark = "1" * 64 if change == "data" else "0" * 64
    size = 8 if change == "settings" else None
    prepare(make_source(names, fingerprint=mark), tmp_path / "out", image_size=size)
    assert len(names) == NUM_IMAGES
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_of_two_runs_one_waits_and_says_so(tmp_path, caplog):
    names, found = [], []

    def work():
        found.append(prepare(make_source(names, seconds=0.02), tmp_path / "out"))

    threads = [threading.Thread(target=work) for _ in range(2)]
    with caplog.at_level(logging.WARNING):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert found[0] == found[1]
    assert len(names) == NUM_IMAGES  # one read them, the other found them done
    (message,) = caplog.messages
    assert message.endswith(".out.lock: waiting until it is done")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_who_waited_for_a_run_that_failed_does_the_work(tmp_path):
    errors = []

    def work():
        try:
            prepare(make_source([], seconds=0.02, bad=[0]), tmp_path / "out")
        except DataError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(errors) == 3 and len(set(errors)) == 1
    assert not list(tmp_path.iterdir())


def test_where_there_are_no_file_locks_it_works_as_well(tmp_path):
    program = (
        "import sys; sys.modules['fcntl'] = None\n"
        "from pathlib import Path\n"
        "from data_pipelines.shards import lock\n"
        "with lock.hold(Path(sys.argv[1])): pass\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "lock")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())
