"""A wheel built from the tree works outside it, and importing stays light."""

import importlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kerastpu.version import VERSION

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True, timeout=240)
    return next(folder.glob("*.whl"))


def test_wheel_holds_both_packages_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {Path(name).parts[0] for name in archive.namelist()}
    assert tops == {"kerastpu", "data_pipelines", f"kerastpu-{VERSION}.dist-info"}
    assert VERSION in wheel.name


def test_installed_wheel_works_outside_the_tree(wheel, tmp_path):
    # Its dependencies come from the environment of the tests: system site packages.
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", str(target), str(wheel)], check=True, timeout=120)
    code = (
        f"import sys; sys.path.insert(0, {str(target)!r});"
        "import kerastpu, data_pipelines;"
        f"assert kerastpu.__file__.startswith({str(target)!r}), kerastpu.__file__;"
        f"assert data_pipelines.__file__.startswith({str(target)!r});"
        "from data_pipelines.synthetic.flowers import draw_flower;"
        "assert draw_flower(0, 0, 48).shape == (48, 48, 3);"
        "from kerastpu.presets import cards; cards.get('flowers');"
        "from kerastpu.cli.main import main; sys.exit(main(['--version']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"kerastpu {VERSION}"
    assert (target / "bin" / "kerastpu").exists()


def test_importing_the_package_loads_no_framework():
    code = (
        "import sys, kerastpu, data_pipelines;"
        "heavy = {'tensorflow', 'keras', 'jax', 'matplotlib', 'PIL', 'tyro'};"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_public_names_are_there():
    import kerastpu

    homes = {"Config": "kerastpu.config", "load_run": "kerastpu.runs"}
    homes |= {"resolve_accelerator": "kerastpu.strategy", "train": "kerastpu.training"}
    for name in set(kerastpu.__all__) - {"__version__", *homes}:
        alias = "data_pipelines" if name == "data" else f"kerastpu.{name}"
        assert getattr(kerastpu, name) is importlib.import_module(alias)
    for name, home in homes.items():
        assert getattr(kerastpu, name).__module__.startswith(home)
    assert kerastpu.__version__ == VERSION
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = kerastpu.nothing
