"""score.py needs ONNX Runtime, NumPy, Pillow alone, and sees the usual pixels."""

import importlib.util
import json
import subprocess
import sys
import venv

import numpy as np
import pytest
from PIL import Image

import data_pipelines
from kerastpu import scoring

ALONE = """
import sys
for name in ("tensorflow", "keras", "kerastpu", "data_pipelines", "cv2", "onnx"):
    sys.modules[name] = None
import runpy
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(program, *arguments, code=0):
    done = subprocess.run(
        [*program, *map(str, arguments)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def photos(color_folder):
    return sorted(color_folder.rglob("*.png"))[::7]


def check(found, run_, photos):
    """Compares what the script printed with `kerastpu predict`."""
    predicted = scoring.predict_files(run_, photos)
    for ours, theirs in zip(predicted, found, strict=True):
        assert (theirs["path"], theirs["label"]) == (ours.path, ours.label)
        assert theirs["probabilities"] == pytest.approx(ours.probabilities, abs=0.02)


def test_without_any_framework_it_says_what_predict_says(exported, sure_run, photos):
    program = [sys.executable, "-c", ALONE, exported.folder / "score.py"]
    done = run(map(str, program), "--json", *photos)
    check(json.loads(done.stdout), sure_run, photos)


def test_it_prints_a_line_for_each_image(exported, photos):
    script = exported.folder / "score.py"
    model = exported.folder / "model.int8.onnx"
    done = run([sys.executable, script], "--model", model, photos[0], photos[1])
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{photos[0]}: ") and first.endswith("%")
    assert second.startswith(f"{photos[1]}: ")


def test_bad_files_are_one_line(exported, photos, tmp_path):
    program = [sys.executable, exported.folder / "score.py"]
    text = tmp_path / "text.jpg"
    text.write_text("no image")
    for path in (text, tmp_path / "missing.jpg"):
        error = run(program, photos[0], path, code=1).stderr
        assert str(path) in error and len(error.splitlines()) == 1
    error = run(program, "--model", tmp_path / "no.onnx", photos[0], code=2).stderr
    assert "there is no file" in error


@pytest.fixture(scope="module")
def script(exported):
    spec = importlib.util.spec_from_file_location(
        "exported_score", exported.folder / "score.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def smooth(height, width):
    """Returns a picture without edges, on which decoders and samplers agree."""
    y, x = np.mgrid[:height, :width]
    channels = [x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(smooth(60, 90)).save(path, exif=exif, quality=95)


def wide_gray(path):
    wide = (smooth(50, 70)[..., 0].astype(np.uint16)) * 257
    Image.fromarray(wide).save(path)


def see_through(path):
    pixels = smooth(64, 64)
    alpha = pixels[..., :1]
    Image.fromarray(np.concatenate([pixels, alpha], axis=-1)).save(path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("large.png", lambda path: Image.fromarray(smooth(131, 200)).save(path)),
        ("small.png", lambda path: Image.fromarray(smooth(20, 31)).save(path)),
        ("tall.jpg", lambda path: Image.fromarray(smooth(90, 57)).save(path)),
        ("as_it_is.png", lambda path: Image.fromarray(smooth(48, 48)).save(path)),
        ("turned.jpg", turned),
        ("gray.png", lambda path: Image.fromarray(smooth(70, 60)[..., 0]).save(path)),
        ("wide.png", wide_gray),
        ("see_through.png", see_through),
        ("palette.png", lambda p: Image.fromarray(smooth(60, 60)).quantize().save(p)),
    ],
)
@pytest.mark.parametrize("color", ["rgb", "gray"])
def test_pixels_are_those_of_the_pipeline(script, tmp_path, name, write, color):
    write(tmp_path / name)
    wanted = data_pipelines.read_images([tmp_path / name], 48, color=color)[0]
    found = script.read_pixels(tmp_path / name, 48, 48, wanted.shape[2])
    assert found.shape == wanted.shape and found.dtype == np.uint8
    # Two decoders of JPEG may spread the color of neighboring pixels otherwise.
    allowed = 4 if name.endswith("jpg") else 2
    assert np.abs(found.astype(int) - wanted).max() <= allowed


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_runs_where_nothing_else_is_installed(exported, sure_run, photos, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    packages = ["onnxruntime", "numpy", "pillow"]
    done = subprocess.run([*pip, *packages], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no package index")
    listed = run([python, "-m", "pip", "list", "--format", "freeze"]).stdout.lower()
    for absent in ("tensorflow", "keras", "opencv", "onnx=="):
        assert absent not in listed
    done = run([python, "-I", exported.folder / "score.py"], "--json", *photos)
    check(json.loads(done.stdout), sure_run, photos)
