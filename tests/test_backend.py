"""`backend.select`: one choice per process, made before Keras is imported."""

import json
import os
import platform
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from kerastpu import backend
from kerastpu.errors import KerastpuError, UsageError

CHOSEN = ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "TPU_NAME")
PRELUDE = """
import json, os, sys
import kerastpu
from kerastpu import backend
from kerastpu.errors import KerastpuError
def choose(prefer="auto"):
    try:
        return backend.select(prefer)
    except KerastpuError as error:
        return f"{type(error).__name__}: {error}"
def show(value):
    print(json.dumps(value))
"""


def run(code, **variables):
    """Runs `code` in a fresh Python; returns what it showed."""
    environment = {
        name: value for name, value in os.environ.items() if name not in CHOSEN
    }
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code)],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_import_and_select_load_neither_keras_nor_a_backend():
    heavy = run(
        """
        choose()
        names = ("keras", "tensorflow", "jax", "matplotlib")
        show([name for name in names if name in sys.modules])
        """
    )
    assert heavy == []


def test_auto_follows_the_variable_then_what_is_installed():
    found = run(
        """
        first = choose(), os.environ["KERAS_BACKEND"]
        os.environ["KERAS_BACKEND"] = "jax"
        second = choose()
        del os.environ["KERAS_BACKEND"]
        sys.modules["tensorflow"] = None  # now it cannot be found
        third = choose()
        show([first, second, third, choose("tensorflow")])
        """
    )
    assert found[:3] == [["tensorflow", "tensorflow"], "jax", "jax"]
    assert "MissingExtraError" in found[3] and "pip install tensorflow" in found[3]


def test_auto_takes_jax_on_a_tpu_machine_where_only_jax_can_use_the_tpu(tmp_path):
    (tmp_path / "libtpu").mkdir()
    (tmp_path / "libtpu" / "__init__.py").touch()
    with_libtpu = {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())])}
    code = "show(choose())"
    assert run(code, TPU_WORKER_ID="0", **with_libtpu) == "jax"
    assert run(code, **with_libtpu) == "tensorflow"
    assert run(code, TPU_WORKER_ID="0") == "tensorflow"
    (tmp_path / "tensorflow_tpu-2.20.0.dist-info").mkdir()
    metadata = tmp_path / "tensorflow_tpu-2.20.0.dist-info" / "METADATA"
    metadata.write_text(
        "Metadata-Version: 2.1\nName: tensorflow-tpu\nVersion: 2.20.0\n"
    )
    assert run(code, TPU_WORKER_ID="0", **with_libtpu) == "tensorflow"


def test_start_up_messages_are_off_unless_the_user_wants_them():
    code = 'choose(); show(os.environ["TF_CPP_MIN_LOG_LEVEL"])'
    assert run(code) in ("2", "3")
    assert run(code, TF_CPP_MIN_LOG_LEVEL="0") == "0"


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN is for x86"
)
def test_onednn_computes_unless_the_user_wants_otherwise():
    code = """
        choose("tensorflow")
        import tensorflow
        from tensorflow.python.util import _pywrap_util_port
        show(_pywrap_util_port.IsMklEnabled())
    """
    assert run(code) is True
    assert run(code, TF_ENABLE_ONEDNN_OPTS="0") is False


def test_torch_is_refused_with_what_is_allowed():
    message = run("show(choose())", KERAS_BACKEND="torch")
    assert "torch" in message and "KERAS_BACKEND=jax" in message


def test_an_unknown_name_is_refused():
    with pytest.raises(UsageError, match="auto, tensorflow or jax, not 'mxnet'"):
        backend.select("mxnet")


def test_tensorflow_is_kept_off_every_gpu(monkeypatch):
    import tensorflow as tf

    visible = {"GPU": ["gpu 0", "gpu 1"], "TPU": []}
    monkeypatch.setattr(tf.config, "get_visible_devices", visible.__getitem__)
    monkeypatch.setattr(
        tf.config,
        "set_visible_devices",
        lambda devices, kind: visible.__setitem__(kind, devices),
    )
    backend.hide_accelerators_from_tensorflow()
    assert visible == {"GPU": [], "TPU": []}


def test_gpus_that_tensorflow_has_taken_are_an_error(monkeypatch):
    import tensorflow as tf

    def refuse(devices, kind):
        raise RuntimeError("Visible devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["gpu 0"])
    monkeypatch.setattr(tf.config, "set_visible_devices", refuse)
    with pytest.raises(KerastpuError, match="has taken a GPU"):
        backend.hide_accelerators_from_tensorflow()
