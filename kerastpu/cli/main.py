"""The `kerastpu` command: finds the subcommand, prints errors as one line."""

import os
import sys
from collections.abc import Sequence

from kerastpu import backend
from kerastpu.cli import dispatch
from kerastpu.errors import USER_ERRORS, UsageError
from kerastpu.version import VERSION

COMMANDS = {
    "doctor": "what is on this machine, what would run where, and what is missing",
    "data": "inspect, prepare, verify, list, preview and time images",
    "models": "list the networks, what they cost, where their weights come from",
    "summary": "tables of one network in three styles, its cost, a diagram",
    "weights": "the weights of a network as a table; what an HDF5 file holds",
    "train": "train a preset on your images, score it, save model and pictures",
    "tune": "search for the settings of a preset, then train and score the best",
    "schedule": "plot the learning rate of a preset, or find how high it should be",
    "evaluate": "score a finished run on one of its splits, or on other data",
    "predict": "name the class of image files",
    "import": "make a trainable Keras model of an ONNX file",
    "export": "write a run for other runtimes, each file compared with its model",
    "runs": "list, show and compare what has been trained",
}
SUMMARY = """From a folder of images to a trained Keras model, on TPU, GPU or CPU.
`kerastpu --version` prints the version."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand.

    Args:
        argv: arguments after the program's name; None = those of the process.

    Returns:
        The exit code: 0 done, 1 the job failed, 2 wrong usage, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(dispatch.describe("kerastpu", SUMMARY, COMMANDS))
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"kerastpu {VERSION}")
        return 0
    backend.quiet_tensorflow()
    try:
        return dispatch.run("kerastpu.cli", COMMANDS, arguments[0], arguments[1:])
    except UsageError as error:
        return _fail(str(error), 2)
    except USER_ERRORS as error:
        return _fail(str(error), 1)
    except BrokenPipeError:  # who reads, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # full disk, missing rights, vanished folder
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", 1)
    except Exception as error:
        if not _is_from_engine(error):
            raise
        # TensorFlow wraps what a pipeline of ours says in its own words.
        text = str(error)
        _, is_data, told = text.partition("DataError: ")
        reason = told if is_data else f"{type(error).__name__}: {text}"
        return _fail(reason.splitlines()[0], 1)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)


def _is_from_engine(error: Exception) -> bool:
    """Whether TensorFlow or JAX gave up, for instance for lack of memory."""
    tensorflow, jax = sys.modules.get("tensorflow"), sys.modules.get("jax")
    return bool(
        (tensorflow and isinstance(error, tensorflow.errors.OpError))
        or (jax and isinstance(error, jax.errors.JaxRuntimeError))
    )


def _fail(message: str, code: int) -> int:
    print(f"kerastpu: error: {' '.join(message.split())}", file=sys.stderr)
    return code
