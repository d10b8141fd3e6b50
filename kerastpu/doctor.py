"""What is on this machine, what would run where and why, and what is missing."""

import glob
import importlib.metadata
import os
import platform
import shutil
import textwrap
from pathlib import Path
from typing import Any

from kerastpu import backend, optional, strategy, tpu
from kerastpu.errors import KerastpuError
from kerastpu.version import VERSION

DISTRIBUTIONS = (
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-tpu",
    "keras",
    "jax",
    "libtpu",
    "numpy",
    "pillow",
    "matplotlib",
    "tensorflow-datasets",
    "onnxruntime",
)
GIB = 2**30
WIDTH = 80
INDENT = 13


def collect(accelerator_prefer: str = "auto") -> dict[str, Any]:
    """Looks at the machine for a few seconds; imports Keras and its backend.

    Args:
        accelerator_prefer: as in `kerastpu.strategy.resolve`.

    Returns:
        What `json` takes: versions (None = not installed), machine, devices,
        accelerator (or its "error"), data places, missing extras with the pip lines.

    Raises:
        UsageError, AcceleratorError: a named accelerator is unknown or cannot be used;
            for auto the report holds the reason instead.
    """
    try:
        choice = strategy.resolve(accelerator_prefer)
        accelerator, devices = choice.to_dict(), _devices(choice.backend)
    except KerastpuError as error:
        if accelerator_prefer != "auto":
            raise
        accelerator, devices = {"error": str(error)}, []
    return {
        "versions": {"kerastpu": VERSION, "python": platform.python_version()}
        | {name: _version(name) for name in DISTRIBUTIONS},
        "machine": _machine(),
        "devices": devices,
        "accelerator": accelerator,
        "data": _data_places(),
        "missing": _missing(accelerator.get("platform")),
    }


def verdict() -> str:
    """Returns in one line what would run here: versions, backend, accelerator.

    Imports Keras and its backend. A machine on which nothing can run is named so, not
    an error.
    """
    try:
        choice = strategy.resolve().describe()
    except KerastpuError as error:
        choice = f"nothing can run: {error}"
    return f"kerastpu {VERSION}, Keras {_version('keras')}: {choice}"


def render(report: dict[str, Any]) -> str:
    """Returns what `collect` found as text of at most 80 columns, where words allow."""
    machine, accelerator = report["machine"], report["accelerator"]
    versions = report["versions"]
    absent = [name for name, version in versions.items() if version is None]
    blocks = {
        "machine": [
            f"{machine['os']}, {machine['processor']}",
            f"{_gib(machine['memory_bytes'])} of memory, "
            f"{_gib(machine['disk_free_bytes'])} of disk free here",
        ],
        "versions": [
            ", ".join(f"{name} {v}" for name, v in versions.items() if v is not None),
            *([f"not installed: {', '.join(absent)}"] if absent else []),
        ],
        "devices": report["devices"] or ["none found"],
        "accelerator": [
            accelerator.get("summary") or f"none: {accelerator['error']}",
            *(f"- {reason}" for reason in accelerator.get("reasons", ())),
        ],
        "data": [
            f"[{'x' if place['reachable'] else ' '}] {place['place']}: {place['why']}"
            for place in report["data"]
        ],
        "missing": [f"{m['why']}: {m['install']}" for m in report["missing"]]
        or ["nothing"],
    }
    return "\n".join(_block(title, lines) for title, lines in blocks.items())


def _block(title: str, lines: list[str]) -> str:
    wrapped = [
        part
        for line in lines
        for part in textwrap.wrap(
            line,
            WIDTH - INDENT,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]
    first, *rest = wrapped
    return "\n".join([f"{title:<{INDENT}}{first}", *(" " * INDENT + r for r in rest)])


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _machine() -> dict[str, Any]:
    return {
        "os": platform.platform(terse=True),
        "processor": processor(),
        "cpu": cpu_name(),
        "cpu_vectors": cpu_vectors(),
        "cpu_count": os.cpu_count(),
        "memory_bytes": memory_bytes(),
        "disk_free_bytes": shutil.disk_usage(Path.cwd()).free,
    }


def processor() -> str:
    """Returns the processor, its widest vectors and how many cores it has, in words."""
    parts = cpu_name(), cpu_vectors(), f"{os.cpu_count()} cores"
    return ", ".join(filter(None, parts))


def cpu_name() -> str:
    """Returns what the processor calls itself."""
    fallback = platform.processor() or platform.machine()
    return _cpu_info().get("model name", fallback)


def cpu_vectors() -> str | None:
    """Returns the widest vectors of an x86 processor; None where it cannot be known."""
    flags = _cpu_info().get("flags", "").split()
    names = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX"}
    return next((name for flag, name in names.items() if flag in flags), None)


def _cpu_info() -> dict[str, str]:
    """Returns what Linux knows of the first processor; nothing elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def memory_bytes() -> int | None:
    """Returns the memory of the machine; None where it cannot be known."""
    if not hasattr(os, "sysconf"):  # Windows
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _gib(size: int | None) -> str:
    return "unknown size" if size is None else f"{size / GIB:.1f} GiB"


def _devices(name: str) -> list[str]:
    if name == "jax":
        import jax

        return [f"{d.platform}:{d.id} {d.device_kind}" for d in jax.devices()]
    import tensorflow as tf

    found = []
    for device in tf.config.list_physical_devices():
        details = tf.config.experimental.get_device_details(device)
        label = device.name.removeprefix("/physical_device:")
        found.append(f"{label} {details.get('device_name', '')}".strip())
    return found


def _data_places() -> list[dict[str, Any]]:
    from data_pipelines.sources import registry

    places = (*registry.probe(), ("rendered", True, "drawn by code, not photos"))
    return [
        {"place": place, "reachable": reachable, "why": why}
        for place, reachable, why in places
    ]


def _missing(found_platform: str | None) -> list[dict[str, str]]:
    """Returns the extras that would bring something on this machine."""
    extras = {
        extra: f"no {module}"
        for module, extra in optional.EXTRAS.items()
        if not optional.is_installed(module)
    }
    if glob.glob("/dev/nvidia[0-9]*") and found_platform == "cpu":  # noqa: PTH207
        extras["gpu"] = "an NVIDIA GPU is here, but not used"
    if tpu.hints() and not optional.is_installed("libtpu"):
        extras["tpu"] = "signs of a TPU, but no libtpu"
    if not optional.is_installed("tensorflow"):
        extras["tensorflow"] = "no tensorflow (tf.data needs it)"
    return [
        {"extra": extra, "why": why, "install": _pip_line(extra)}
        for extra, why in extras.items()
    ]


def _pip_line(extra: str) -> str:
    return backend.INSTALL.get(extra, f'pip install "kerastpu[{extra}]"')
