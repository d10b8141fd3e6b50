"""Remote files: the same code over TensorFlow's file system in memory, ram://.

No test reaches a network: what happens without one is tried in a process of its own.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from drawings import draw, encode
from record_files import codelab_example, write_records

from data_pipelines import from_folder, open_source
from data_pipelines.errors import DataError
from data_pipelines.sources import cloud
from data_pipelines.sources.tfrec_source import from_tfrecords
from data_pipelines.sources.watched_threads import run_watched

SCRIPT = Path(__file__).parents[2] / "scripts" / "fetch_from_cloud.py"


def put(url, data):
    """Writes a file of the file system in memory."""
    import tensorflow as tf

    tf.io.gfile.makedirs(url.rpartition("/")[0])
    with tf.io.gfile.GFile(url, "wb") as file:
        file.write(data)


@pytest.fixture
def bucket(request):
    """The URL of an empty folder in memory, another for each test."""
    return f"ram://{request.node.name}"


def files_below(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_pattern_fetches_what_it_matches_and_no_more(bucket, tmp_path):
    records = [codelab_example(encode(draw(i), "PNG"), i) for i in range(5)]
    for name in ("flowers00-5.tfrec", "flowers01-5.tfrec"):
        file = write_records(tmp_path / "made" / name, records)
        put(f"{bucket}/tf/{name}", file.read_bytes())
    put(f"{bucket}/tf/README", b"text")
    put(f"{bucket}/tf/deeper/flowers02-5.tfrec", b"not matched")
    fetched = cloud.fetch(f"{bucket}/tf/*.tfrec", tmp_path / "cache")
    assert files_below(fetched) == files_below(tmp_path / "made")
    source = from_tfrecords(fetched)
    assert [example.label for example in source.examples] == [*range(5)] * 2
    both = cloud.fetch(f"{bucket}/t?/*/*.tfrec", tmp_path / "cache")
    assert files_below(both) == {"tf/deeper/flowers02-5.tfrec": b"not matched"}


def test_a_folder_comes_whole_and_one_file_alone(bucket, tmp_path):
    image = encode(draw(0), "PNG")
    for name in ("daisy/x.png", "roses/may/y.png", "roses/z.png", "top.txt"):
        put(f"{bucket}/photos/{name}", image)
    fetched = cloud.fetch(f"{bucket}/photos", tmp_path)
    assert set(files_below(fetched)) == {
        "daisy/x.png",
        "roses/may/y.png",
        "roses/z.png",
        "top.txt",
    }
    source = from_folder(fetched)
    assert source.class_names == ("daisy", "roses")
    assert cloud.fetch(f"{bucket}/photos/", tmp_path).is_dir()
    file = cloud.fetch(f"{bucket}/photos/daisy/x.png", tmp_path)
    assert file.name == "x.png" and file.read_bytes() == image


def test_files_are_fetched_once_and_again_only_when_they_change(bucket, tmp_path):
    calls = []

    def fetch():
        calls.clear()
        return cloud.fetch(
            f"{bucket}/f", tmp_path, progress=lambda *seen: calls.append(seen)
        )

    for class_name in "ab":
        put(f"{bucket}/f/{class_name}/x.jpg", b"x" * 3_000_000)
    first = fetch()
    assert calls[-1] == (6_000_000, 6_000_000) and len(calls) > 3
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    mark = from_folder(first).fingerprint
    assert fetch() == first and not calls
    (first / "a" / "x.jpg").unlink()  # as if the copy had been interrupted
    assert fetch() == first
    assert calls[0][0] > 3_000_000 and calls[-1] == (6_000_000, 6_000_000)
    assert from_folder(first).fingerprint == mark  # it kept its time of change
    put(f"{bucket}/f/a/x.jpg", b"y" * 3_000_001)
    second = fetch()
    assert second != first and len(files_below(second)) == 2
    left = [path for path in tmp_path.rglob("*") if "partial" in path.name]
    assert not left


def test_what_is_not_there_is_one_line(bucket, tmp_path):
    put(f"{bucket}/a/x", b"x")
    with pytest.raises(DataError, match="no such bucket, folder or file"):
        cloud.fetch(f"{bucket}/b", tmp_path)
    with pytest.raises(DataError, match="no file found there"):
        cloud.fetch(f"{bucket}/a/*.tfrec", tmp_path)
    with pytest.raises(DataError, match=r"reads file, gs, ram only, not s3://"):
        cloud.fetch("s3://bucket/x", tmp_path)
    (tmp_path / "gs").write_text("a file where a folder should be")
    with pytest.raises(DataError, match="cannot be written"):
        cloud.fetch(f"{bucket}/a", tmp_path)


def test_names_that_lead_out_of_the_folder_are_refused(bucket, tmp_path):
    put(f"{bucket}/a/b\\..\\c", b"x")
    with pytest.raises(DataError, match="cannot be a local file's name"):
        cloud.fetch(f"{bucket}/a", tmp_path)
    assert not list(tmp_path.iterdir())


def test_urls_are_told_from_paths():
    assert cloud.is_remote("gs://bucket/folder/*.tfrec")
    assert not cloud.is_remote("photos") and not cloud.is_remote(Path("gs://x/y"))


def test_no_network_is_told_in_one_line_within_seconds(tmp_path):
    """Proxies that refuse stand for no network, where there may be one."""
    nowhere = "http://127.0.0.1:9"
    env = {**os.environ, "https_proxy": nowhere, "HTTPS_PROXY": nowhere}
    env = {k: v for k, v in env.items() if k.lower() != "no_proxy"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "gs://flowers-public/*/*.jpg", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        env=env,
    )
    seconds, message = done.stdout.strip().split(" ", 1)
    assert "storage.googleapis.com/ cannot be reached" in message
    assert "\n" not in message and float(seconds) < 10
    assert not list(tmp_path.iterdir())


def test_a_call_that_never_returns_is_left_alone():
    def work(item):
        yield item
        if item == "stuck":
            time.sleep(600)

    start = time.monotonic()
    results = run_watched(
        work, ["a", "stuck", "b"], seconds=0.3, errors=(), num_threads=2
    )
    seen = []
    with pytest.raises(TimeoutError, match="no answer"):
        seen.extend(results)
    assert sorted(seen) == ["a", "b", "stuck"]
    assert time.monotonic() - start < 5


def test_all_results_come_and_the_first_error_ends_it():
    def work(item):
        if item < 0:
            raise ValueError(f"{item} is negative")
        yield from range(item)

    items = [3, 0, 5, 1]
    found = run_watched(work, items, seconds=5, errors=(ValueError,), num_threads=3)
    assert sorted(found) == sorted(number for item in items for number in range(item))
    with pytest.raises(ValueError, match="-1 is negative"):
        list(run_watched(work, [-1], seconds=5, errors=(ValueError,)))


def test_a_table_is_fetched_with_its_images(bucket):
    put(f"{bucket}/labels.csv", b"path,label\nroses/0.png,rose\ntulips/1.png,tulip\n")
    for number, name in enumerate(("roses", "tulips")):
        put(f"{bucket}/{name}/{number}.png", encode(draw(number), "PNG"))
    source = open_source(f"{bucket}/labels.csv")
    assert source.name == f"{bucket}/labels.csv"
    found = [example.read() for example in source.examples]
    assert found == [encode(draw(number), "PNG") for number in range(2)]
