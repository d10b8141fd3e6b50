# @title Install kerastpu
# Brings what is missing. Nothing that is here already is changed: not TensorFlow, JAX,
# PyTorch or libtpu, and no other package. KERASTPU_WHEEL names a wheel to install.
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = "https://..."
VERSION = "0"
EXTRAS = ()
MODULES = {
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "protobuf": "google.protobuf",
}


def is_here(package):
    module = MODULES.get(package, package.replace("-", "_"))
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package that the module is in
        return False


def find_package():
    if wheel := os.environ.get("KERASTPU_WHEEL"):
        return wheel
    for folder in (Path.cwd(), *Path.cwd().parents):  # a checkout
        if (folder / "setup.cfg").exists() and (folder / "kerastpu").is_dir():
            return str(folder)
    wheel = f"kerastpu-{VERSION}-py3-none-any.whl"
    release = f"{PROJECT}/releases/download/v{VERSION}/{wheel}"
    try:
        urllib.request.urlopen(release, timeout=10).close()
    except OSError:  # not released: build the wheel from the project's files
        return f"{PROJECT}/archive/refs/heads/main.zip"
    return release


def pip_install(*arguments):
    pip = [sys.executable, "-m", "pip", "install", *arguments]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-12:]
        raise SystemExit("\n".join(["pip could not install:", *said]))


def say_if_untested(needed):
    try:
        version = importlib.metadata.version(needed.name)
    except importlib.metadata.PackageNotFoundError:
        return  # here under another name, as tensorflow-cpu
    if not needed.specifier.contains(version, prereleases=True):
        print(f"{needed.name} {version} stays; tested was {needed.specifier}")


def find_missing():
    missing = {}
    for line in importlib.metadata.requires("kerastpu") or ():
        needed = Requirement(line)
        wanted = [{"extra": extra} for extra in ("", *EXTRAS)]
        if needed.marker and not any(needed.marker.evaluate(to) for to in wanted):
            continue
        if is_here(needed.name):
            say_if_untested(needed)
            continue
        # Beside a TPU, TensorFlow only reads data; the usual one is larger.
        has_cpu_build = platform.machine() in ("x86_64", "AMD64")
        if needed.name == "tensorflow" and has_cpu_build:
            needed.name = "tensorflow-cpu"
        missing[needed.name] = f"{needed.name}{needed.specifier}"
    return missing


def install():
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise SystemExit(
            f"kerastpu needs Python 3.11 to 3.13; this is {platform.python_version()}"
        )
    try:
        importlib.metadata.version("kerastpu")
    except importlib.metadata.PackageNotFoundError:
        pip_install("--no-deps", find_package())
        importlib.invalidate_caches()
    if missing := find_missing():
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder, "constraints.txt")
            kept.write_text(
                "\n".join(
                    f"{one.name}=={one.version}"
                    for one in importlib.metadata.distributions()
                )
            )
            pip_install("--constraint", str(kept), *missing.values())
        importlib.invalidate_caches()
    print("installed", ", ".join(missing) or "already: nothing was missing")


install()
