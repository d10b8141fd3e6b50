"""`kerastpu data`: what the commands say is what is there, and errors are one line."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import data_pipelines
from kerastpu.cli.data import COMMANDS
from kerastpu.cli.main import main


def run(capsys, *arguments):
    """Returns the exit code and what `kerastpu data` wrote to each stream."""
    code = main(["data", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def succeed(capsys, *arguments):
    """Runs a command that must succeed; returns what it printed."""
    code, out, err = run(capsys, *arguments)
    assert code == 0, err
    return out


def fail(capsys, *arguments, code):
    """Runs a command that must fail; returns its one line of error."""
    found, _, err = run(capsys, *arguments)
    assert found == code, err
    line = err.splitlines()[-1]
    assert err.count("kerastpu: error: ") == 1
    assert line.startswith("kerastpu: error: ")
    return line


@pytest.fixture(scope="module")
def shards(flower_folder, tmp_path_factory):
    """The flowers as shards."""
    source = data_pipelines.from_folder(flower_folder)
    return data_pipelines.prepare(source, tmp_path_factory.mktemp("data") / "shards")


@pytest.fixture
def damaged(shards, tmp_path):
    """A copy of the shards with one bit flipped in the last one for test."""
    folder = Path(shutil.copytree(shards.directory, tmp_path / "damaged"))
    path = folder / shards.shard_paths("test")[-1].name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return folder


@pytest.mark.parametrize("words", ["'data', '--help'", "'data'"])
def test_help_lists_the_commands_and_loads_next_to_nothing(words):
    script = (
        "import sys\nfrom kerastpu.cli.main import main\n"
        f"try: main([{words}])\nexcept SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    heavy = {"tensorflow", "keras", "numpy", "PIL", "cv2", "matplotlib", "tyro"}
    assert not heavy & set(done.stderr.split())
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main(["data", command, "--help"])
    assert stop.value.code == 0
    assert f"usage: kerastpu data {command}" in capsys.readouterr().out


def test_no_command_is_wrong_usage(capsys):
    code, out, _ = run(capsys)
    assert code == 2
    assert "usage: kerastpu data COMMAND" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("inspct", "x"), ["'inspct'", "did you mean inspect?"]),
        (("inspect",), ["DATA", "kerastpu data inspect --help"]),
        (("inspect", "x", "--jsn"), ["--jsn"]),
        (("prepare", "x"), ["--out"]),
        (
            ("prepare", "x", "--out", "y", "--image-size", "0"),
            ["--image-size", "got 0"],
        ),
        (("prepare", "x", "--out", "y", "--quality", "101"), ["--quality", "1..100"]),
        (
            ("prepare", "x", "--out", "y", "--image-size", "64", "--short-side", "64"),
            ["--image-size", "--short-side"],
        ),
        (
            ("prepare", "x", "--out", "y", "--test-fraction", "0.95"),
            ["--test-fraction", "0.1 and 0.95"],
        ),
        (
            ("prepare", "x", "--out", "y", "--test-fraction", "nan"),
            ["--test-fraction", "nan"],
        ),
        (("preview", "x", "--out", "y.jpg"), ["--out", ".png", "y.jpg"]),
        (("preview", "x", "--out", "y.png", "--num", "0"), ["--num", "1..50", "got 0"]),
        (("preview", "x", "--out", "y.png", "--seed", "-1"), ["--seed", "got -1"]),
        (
            ("preview", "x", "--out", "y.png", "--augment.hue", "7"),
            ["hue", "0..0.5", "7"],
        ),
        (("list", "flowers"), ["flowers"]),
    ],
)
def test_wrong_usage_is_exit_code_2(capsys, arguments, words):
    line = fail(capsys, *arguments, code=2)
    for word in words:
        assert word in line


@pytest.mark.parametrize("command", ["inspect", "prepare", "preview"])
def test_nothing_is_written_among_the_images(capsys, flower_folder, command):
    fail(capsys, "inspect", flower_folder, "--out", flower_folder, code=2)
    out = flower_folder / "roses" / "new.png"
    line = fail(capsys, command, flower_folder, "--out", out, code=2)
    assert "inside the data" in line
    assert not out.exists()


@pytest.mark.parametrize("command", ["inspect", "prepare", "preview", "verify"])
def test_missing_data_is_named(capsys, tmp_path, command):
    nowhere, out = tmp_path / "nowhere", tmp_path / "out.png"
    outs = () if command == "verify" else ("--out", out)
    assert str(nowhere) in fail(capsys, command, nowhere, *outs, code=1)
    assert not out.exists()


def test_prepared_shards_hold_what_the_summary_says(capsys, flower_folder, tmp_path):
    shards = tmp_path / "shards"
    text = succeed(
        capsys, "prepare", flower_folder, "--out", shards, "--image-size", 32
    )
    facts = json.loads(succeed(capsys, "verify", shards, "--decode", "--json"))
    assert facts["ok"] is True
    counts = {name: split["num_images"] for name, split in facts["splits"].items()}
    assert sum(counts.values()) == 150
    numbers = [f"{count}" for count in (*counts.values(), 150)]
    assert re.search(r"all classes +" + " +".join(numbers), text)
    files = list(shards.glob("*.tfrec"))
    assert f"{len(files)} shards" in text
    assert "32 x 32 pixels" in text
    manifest = data_pipelines.load_manifest(shards)
    images, _ = data_pipelines.as_arrays(manifest, "test", 32)
    assert len(images) == counts["test"]
    # The same command again changes nothing and says the same.
    before = {path: path.stat().st_mtime_ns for path in shards.iterdir()}
    again = succeed(
        capsys, "prepare", flower_folder, "--out", shards, "--image-size", 32
    )
    assert again == text
    assert before == {path: path.stat().st_mtime_ns for path in shards.iterdir()}


def test_prepare_prints_json_and_takes_fractions(capsys, flower_folder, tmp_path):
    fractions = ("--validation-fraction", 0, "--test-fraction", 0.5)
    out = succeed(
        *(capsys, "prepare", flower_folder, "--out", tmp_path / "shards"),
        *(*fractions, "--short-side", 48, "--json"),
    )
    facts = json.loads(out)
    assert facts["splits"]["validation"]["num_images"] == 0
    assert 50 < facts["splits"]["test"]["num_images"] < 100
    assert facts["short_side"] == 48
    assert facts["class_names"] == sorted(p.name for p in flower_folder.iterdir())


def test_bad_files_stop_or_are_left_out_and_copies_are_told(
    capsys, flower_folder, tmp_path
):
    photos = Path(shutil.copytree(flower_folder, tmp_path / "photos"))
    (photos / "roses" / "bad.jpg").write_bytes(b"hello")
    shutil.copy(next((photos / "tulips").iterdir()), photos / "roses" / "copy.jpg")
    shards = tmp_path / "shards"
    line = fail(capsys, "prepare", photos, "--out", shards, code=1)
    assert "roses/bad.jpg: not an image" in line
    assert not shards.exists()
    text = succeed(capsys, "prepare", photos, "--out", shards, "--skip-bad")
    assert "bad files left out: 1\n  roses/bad.jpg: not an image" in text
    assert re.search(r"with the same bytes: 1\n  roses/copy.jpg = tulips/", text)
    inspected = succeed(capsys, "inspect", photos)
    assert "bad files\n  roses/bad.jpg: not an image" in inspected
    twins = r"roses/copy.jpg \(\w+ as roses\) = tulips/\S+ \(\w+ as tulips\)"
    assert re.search(twins, inspected)


def test_verify_tells_each_split(capsys, shards):
    lines = succeed(capsys, "verify", shards.directory).splitlines()
    assert lines[-1] == "ok"
    for line, split in zip(lines, ("train", "validation", "test"), strict=False):
        count, num_shards = re.findall(r"(\d+) images +(\d+) shards", line)[0]
        assert line.startswith(split)
        assert int(count) == shards.num_examples(split)
        assert int(num_shards) == len(shards.shard_paths(split))


@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_damage_is_named(capsys, damaged, shards, command):
    line = fail(capsys, command, damaged, code=1)
    name = shards.shard_paths("test")[-1].name
    assert re.search(re.escape(name) + r": record \d+ at byte \d+: the data", line)


def test_records_without_manifest_are_checked_for_framing(capsys, shards, damaged):
    (damaged / "manifest.json").unlink()
    good, bad = shards.shard_paths("train")[0], shards.shard_paths("test")[-1].name
    text = succeed(capsys, "verify", good)
    assert re.search(rf"{good.name}: \d+ records\nno manifest: framing and", text)
    facts = json.loads(succeed(capsys, "verify", damaged / "train*.tfrec", "--json"))
    assert facts["ok"] is True
    assert sum(facts["counts"].values()) == shards.num_examples("train")
    assert bad in fail(capsys, "verify", damaged, code=1)
    assert "--decode" in fail(capsys, "verify", good, "--decode", code=2)


@pytest.mark.parametrize("kind", ["folder", "shards"])
def test_inspect_says_the_same_to_people_and_programs(
    capsys, flower_folder, shards, kind
):
    data = flower_folder if kind == "folder" else shards.directory
    facts = json.loads(succeed(capsys, "inspect", data, "--json"))
    text = succeed(capsys, "inspect", data)
    assert facts["num_images"] == 150
    counts = {split: list(shards.class_counts(split)) for split in shards.splits}
    assert facts["class_counts"] == counts
    assert "150 images in 5 classes" in text
    for label, name in enumerate(facts["class_names"]):
        row = [counts[split][label] for split in counts]
        assert re.search(rf"{name} +" + " +".join(map(str, row)), text)
    means = [f"{mean:.1f}" for mean in facts["channel_means"]]
    assert re.search("mean +" + " +".join(means), text)
    images = [np.asarray(Image.open(f)) for f in flower_folder.glob("*/*.jpg")]
    pixels = np.concatenate([image.reshape(-1, 3) for image in images])
    np.testing.assert_allclose(facts["channel_means"], pixels.mean(axis=0), rtol=1e-9)


def test_report_is_a_folder_of_figures_and_pictures(capsys, flower_folder, tmp_path):
    report = tmp_path / "new" / "report"
    text = succeed(capsys, "inspect", flower_folder, "--out", report)
    assert f"report: {report / 'report.md'}" in text
    names = {path.name for path in report.iterdir()}
    pictures = {"contact_sheet.png", "class_counts.png"}
    assert names == {"report.md", "inspection.json"} | pictures
    written = (report / "report.md").read_text()
    assert text.partition("report: ")[0].strip() in written
    assert {name for name in pictures if f"]({name})" in written} == pictures
    facts = json.loads((report / "inspection.json").read_text())
    assert facts["num_images"] == 150
    for name in pictures:
        with Image.open(report / name) as picture:
            picture.load()
            assert min(picture.size) > 200
            assert np.asarray(picture.convert("L")).std() > 10


def test_preview_is_a_row_for_each_image(capsys, flower_folder, tmp_path):
    def make(name, *flags):
        path = tmp_path / name
        arguments = ("preview", flower_folder, "--out", path, "--size", 64, *flags)
        return succeed(capsys, *arguments), np.asarray(Image.open(path))

    text, first = make("a.png", "--num", 3, "--variants", 4)
    assert "3 images, 4 variants of each" in text
    assert first.shape[0] == pytest.approx(3 * 64, rel=0.4)
    assert first.shape[1] == pytest.approx(5 * 64, rel=0.2)
    _, again = make("b.png", "--num", 3, "--variants", 4)
    np.testing.assert_array_equal(first, again)
    _, other = make("c.png", "--num", 3, "--variants", 4, "--seed", 1)
    assert (first != other).any()
    plain = ("--augment.no-flip", "--augment.crop-scale", "None")
    _, same = make("d.png", "--num", 1, "--variants", 2, *plain)
    cells = [same[4:68, start : start + 64] for start in (4, 72, 140)]
    np.testing.assert_array_equal(cells[0], cells[1])
    np.testing.assert_array_equal(cells[0], cells[2])


def test_list_tells_names_places_and_shards(
    capsys, flower_folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("KERASTPU_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERASTPU_DATA", str(flower_folder.parent))
    cached = tmp_path / "cache" / "shards" / "mine"
    data_pipelines.prepare(data_pipelines.from_folder(flower_folder), cached)
    (cached.parent / "broken").mkdir()
    facts = json.loads(succeed(capsys, "list", "--no-network", "--json"))
    found = {entry["name"]: entry for entry in facts["names"]}
    assert {"flowers", "mnist", "fashion_mnist", "cifar10", "rendered"} <= set(found)
    assert found["rendered"]["is_available"]
    assert found["flowers"]["is_available"]
    assert str(flower_folder) in {place["why"] for place in found["flowers"]["places"]}
    broken, mine = facts["shards"]
    assert mine["num_images"] == 150
    assert mine["num_bytes"] == sum(f.stat().st_size for f in cached.iterdir())
    assert broken["trouble"]
    text = succeed(capsys, "list", "--no-network")
    assert f"  [x] $KERASTPU_DATA/flowers: {flower_folder}" in text
    assert re.search(rf"  mine: .*150 images in 5 classes of {flower_folder}", text)
    for name in found:
        assert f"\n{name}: " in f"\n{text}"


def test_names_that_are_no_text_do_no_harm(capsys, flower_folder, tmp_path):
    photos = Path(shutil.copytree(flower_folder, tmp_path / "photos"))
    strange = photos / "fl\udcff$wer"
    (photos / "roses").rename(strange)
    shutil.copy(next(strange.iterdir()), strange / "\udcfe.jpg")
    report, shards = tmp_path / "report", tmp_path / "shards"
    assert "fl\\udcff$wer" in succeed(capsys, "inspect", photos, "--out", report)
    assert "\\udcfe.jpg" in succeed(capsys, "prepare", photos, "--out", shards)
    assert succeed(capsys, "verify", shards).endswith("ok\n")
    succeed(capsys, "preview", photos, "--out", tmp_path / "p.png", "--size", 32)


def test_throughput_prints_a_table_or_one_object(flower_folder, tmp_path, capsys):
    shards = tmp_path / "shards"
    data_pipelines.prepare(data_pipelines.from_folder(flower_folder), shards)
    flags = ["data", "throughput", str(shards), "--image-size", "32", "--rounds", "1"]
    assert main([*flags, "--json"]) == 0
    stages = json.loads(capsys.readouterr().out)["stages"]
    assert main(flags) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == [s["stage"] for s in stages]
    assert main([*flags[:-1], "0"]) == 2
    assert "--rounds must be 1..1000; got 0" in capsys.readouterr().err
