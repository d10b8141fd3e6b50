"""Counts which node tests of the `onnx` wheel an import passes: `docs/import.md`.

Each test is a network of one operator with inputs and expected outputs. The first input
stays one; the others are weights, as they are in networks; where that cannot be
imported, all stay inputs. The first axis counts the examples of a batch: a test that
mixes them cannot pass, and fails with that reason.

`python bench/onnx_operators.py` prints the table; `--write` puts it into the page.
"""

import collections
import os
import re
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PAGE = Path(__file__).parents[1] / "docs" / "import.md"
_TABLE = re.compile(r"(<!-- operators -->\n).*?(<!-- end of operators -->)", re.S)
_RELATIVE, _ABSOLUTE, _OF_HALF = 1e-3, 1e-4, 1e-2
_LONGEST = 90


def collect():
    """Returns operator -> its tests, without those that spell it out in others."""
    import onnx.backend.test.case.node as node

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = node.collect_testcases()
    found = collections.defaultdict(dict)
    for case in cases:
        (op, *others) = [one.op_type for one in case.model.graph.node]
        if not others and "_expanded" not in case.name:
            found[op][case.name] = case
    return found


def as_array(value):
    """Returns a value of a test as an array; None if it is no tensor of numbers."""
    import onnx

    if isinstance(value, onnx.TensorProto):
        value = onnx.numpy_helper.to_array(value)
    if isinstance(value, (np.ndarray, np.generic, float, int)):
        return np.asarray(value)
    return None


def with_weights(message, arrays, num_inputs):
    """Returns a copy in which all inputs but the first few are constants."""
    import onnx

    copy = type(message)()
    copy.CopyFrom(message)
    names = [value.name for value in message.graph.input]
    for name, array in list(zip(names, arrays, strict=True))[num_inputs:]:
        copy.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    del copy.graph.input[num_inputs:]
    return copy


def run(case, num_inputs, folder):
    """Imports a test and returns why it does not pass; "" if it does."""
    from kerastpu.errors import KerastpuError
    from kerastpu.importers import importing, refusals

    given, expected = (
        [as_array(value) for value in values] for values in case.data_sets[0]
    )
    if any(array is None for array in [*given, *expected]):
        return "its values are no arrays of numbers"
    path = folder / "case.onnx"
    message = with_weights(case.model, given, num_inputs)
    path.write_bytes(message.SerializeToString())
    try:
        imported = importing.convert(path)
    except refusals.UnsupportedModelError as error:
        return error.problems[0].partition("): ")[2]
    except KerastpuError as error:
        return str(error).partition(": ")[2]
    inputs = [
        array.transpose(order)
        for array, order in zip(given, imported.input_orders, strict=False)
    ]
    made = imported.model(inputs if len(inputs) > 1 else inputs[0], training=False)
    made = made if isinstance(made, (list, tuple)) else [made]
    for mine, theirs, order in zip(
        made, expected, imported.output_orders, strict=False
    ):
        wanted = theirs.transpose(order) if len(order) == theirs.ndim else theirs
        mine = np.asarray(mine)
        if mine.shape != wanted.shape:
            return f"the result has the shape {mine.shape}, not {wanted.shape}"
        absolute = _OF_HALF if theirs.dtype.itemsize == 2 else _ABSOLUTE
        wanted = wanted.astype(np.float64)
        if not np.allclose(mine, wanted, _RELATIVE, absolute, equal_nan=True):
            return f"the results differ by {np.max(np.abs(mine - wanted)):.2g}"
    return ""


def count(cases, folder):
    """Returns the number of passed tests, of all, and the reasons of the others."""
    import keras

    reasons = collections.Counter()
    for case in cases:
        reason = run(case, 1, folder)
        if reason and len(case.data_sets[0][0]) > 1:
            reason = run(case, len(case.data_sets[0][0]), folder) and reason
        reasons[reason] += 1
        keras.backend.clear_session()
    return reasons.pop("", 0), len(cases), reasons


def table():
    """Returns the page's table."""
    from kerastpu.importers.operators import OPERATORS

    lines = ["| operator | passed | in the wheel | why the others do not |"]
    lines += ["|---|---|---|---|"]
    passed, total = 0, 0
    cases = collect()
    with tempfile.TemporaryDirectory() as folder:
        for op in sorted(OPERATORS):
            good, tests, reasons = count(cases[op].values(), Path(folder))
            passed, total = passed + good, total + tests
            words = "; ".join(
                f"{number}x {reason[:_LONGEST]}"
                for reason, number in sorted(reasons.items(), key=lambda p: -p[1])
            )
            words = words.replace("|", "/").replace("\n", " ")
            lines.append(f"| {op} | {good} | {tests} | {words} |")
            print(lines[-1], file=sys.stderr, flush=True)
    lines.append(f"| all | {passed} | {total} | |")
    return "\n".join(lines) + "\n"


def main(arguments):
    text = table()
    print(text)
    if arguments == ["--write"]:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(_TABLE.sub(lambda m: m[1] + text + m[2], page), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
