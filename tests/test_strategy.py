"""`strategy.resolve`: what is taken where, why, and what is refused."""

import http.server
import json
import socket
import threading
import time
import urllib.error
from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf

from kerastpu import hardware, strategy, tpu
from kerastpu.errors import AcceleratorError, UsageError
from kerastpu.precision import resolve_precision


@pytest.fixture(autouse=True)
def no_signs_of_a_tpu(monkeypatch):
    """Every test starts on a machine without TPU or cluster, with none connected."""
    for name in (*tpu.VARIABLES, "TF_CONFIG", "GCE_METADATA_HOST", "GCE_METADATA_IP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tpu, "DEVICE_FILES", ())
    monkeypatch.setattr(tpu, "_connected", {})


@pytest.fixture
def tpu_machine(monkeypatch, tmp_path):
    """A machine with TPU device files and tensorflow-tpu, as far as one can see."""
    (tmp_path / "accel0").touch()
    monkeypatch.setattr(tpu, "DEVICE_FILES", (f"{tmp_path}/accel[0-9]*",))
    package = tmp_path / "tensorflow_tpu-2.20.0.dist-info"
    package.mkdir()
    metadata = "Metadata-Version: 2.1\nName: tensorflow-tpu\nVersion: 2.20.0\n"
    (package / "METADATA").write_text(metadata)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def fake_tpu(monkeypatch):
    """Replaces TensorFlow's resolver and TPUStrategy; returns the targets connected."""
    targets = []

    def connect(name):
        targets.append(name)
        return "resolver"

    monkeypatch.setattr(
        tf.distribute.cluster_resolver,
        "TPUClusterResolver",
        SimpleNamespace(connect=connect),
    )
    monkeypatch.setattr(
        tf.distribute,
        "TPUStrategy",
        lambda resolver: tf.distribute.OneDeviceStrategy("/cpu:0"),
    )
    return targets


def fail_with(monkeypatch, error, where="connect"):
    def fail(*_):
        raise error

    if where == "connect":
        resolver = SimpleNamespace(connect=fail)
        monkeypatch.setattr(
            tf.distribute.cluster_resolver, "TPUClusterResolver", resolver
        )
    else:
        monkeypatch.setattr(tf.distribute, "TPUStrategy", fail)


def make(kind="mirrored", backend="tensorflow", num_replicas=1, **changes):
    fields = {
        "kind": kind,
        "backend": backend,
        "strategy": None,
        "devices": ("CPU:0",) * num_replicas,
        "platform": "cpu",
        "num_replicas": num_replicas,
        "precision": "float32",
        "jit_compile": backend == "jax",
        "reasons": (),
    }
    return strategy.Accelerator(**(fields | changes))


class TestWithoutTpu:
    def test_auto_mirrors_the_one_device_and_says_why(self):
        found = strategy.resolve()
        assert (found.kind, found.num_replicas) == ("mirrored", 1)
        assert isinstance(found.strategy, tf.distribute.MirroredStrategy)
        assert (found.precision, found.jit_compile) == ("float32", False)
        assert found.reasons[:2] == ("no sign of a TPU", "1 CPU device")

    def test_tensorflow_is_not_asked_for_a_tpu_without_a_sign_of_one(self, fake_tpu):
        assert strategy.resolve().kind == "mirrored"
        assert fake_tpu == []

    @pytest.mark.parametrize("kind", ["single", "cpu"])
    def test_single_and_cpu_use_no_strategy(self, kind):
        found = strategy.resolve(kind)
        assert (found.kind, found.strategy, found.num_replicas) == (kind, None, 1)

    @pytest.mark.parametrize("need", strategy.NEEDS)
    def test_auto_takes_single_for_what_mirrored_cannot_do(self, need):
        found = strategy.resolve(needs=(need,))
        assert found.kind == "single"
        assert need in " ".join(found.reasons)
        assert found.jit_compile == (need == "jit_compile")

    def test_mirrored_refuses_gradient_accumulation(self):
        with pytest.raises(AcceleratorError, match="gradient accumulation"):
            strategy.resolve("mirrored", needs=("gradient_accumulation",))

    def test_a_named_tpu_that_is_absent_lists_what_is_there(self):
        with pytest.raises(
            AcceleratorError, match=r"found /device:CPU:0.*NotFoundError"
        ):
            strategy.resolve("tpu")

    def test_signs_of_a_tpu_without_its_tensorflow_point_to_jax(self, monkeypatch):
        monkeypatch.setenv("TPU_WORKER_ID", "0")
        found = strategy.resolve()
        assert found.kind == "mirrored"
        assert "KERAS_BACKEND=jax" in found.reasons[0]

    def test_keras_data_parallel_is_refused_on_tensorflow(self):
        with pytest.raises(AcceleratorError, match="unsharded"):
            strategy.resolve("data-parallel")

    @pytest.mark.parametrize(
        "arguments",
        [{"prefer": "gpu"}, {"precision": "float16"}, {"needs": ("speed",)}],
    )
    def test_unknown_names_are_refused_with_those_allowed(self, arguments):
        with pytest.raises(UsageError, match=r"must be .*, not"):
            strategy.resolve(**arguments)

    def test_report_is_json_and_holds_the_reasons(self):
        report = json.loads(json.dumps(strategy.resolve().to_dict()))
        assert report["num_replicas"] == 1
        assert report["reasons"] and report["summary"].startswith("MirroredStrategy")


class TestTpu:
    def test_local_chips_are_connected_once(self, tpu_machine, fake_tpu):
        first, second = strategy.resolve(), strategy.resolve()
        assert first.kind == "tpu" and first.strategy is second.strategy
        assert fake_tpu == ["local"]

    def test_it_computes_in_bfloat16_and_compiles_by_itself(
        self, tpu_machine, fake_tpu
    ):
        found = strategy.resolve("tpu", needs=("jit_compile",))
        assert found.precision == "mixed_bfloat16"
        assert found.compile_options(jit_compile=True)["jit_compile"] is False
        with found.scope():
            layer = keras.layers.Dense(1)
            assert tf.distribute.has_strategy()
        assert layer.dtype_policy.name == "mixed_bfloat16"
        assert keras.config.dtype_policy().name == "float32"
        assert not tf.distribute.has_strategy()

    def test_float16_is_refused(self, tpu_machine, fake_tpu):
        with pytest.raises(AcceleratorError, match="mixed_bfloat16"):
            strategy.resolve("tpu", precision="mixed_float16")

    @pytest.mark.parametrize("variable", ["TPU_NAME", "COLAB_TPU_ADDR"])
    def test_a_named_tpu_is_connected_by_its_address(
        self, monkeypatch, fake_tpu, variable
    ):
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"127.0.0.1:{server.getsockname()[1]}"
            prefix = "grpc://" if variable == "TPU_NAME" else ""
            monkeypatch.setenv(variable, prefix + address)
            assert strategy.resolve().kind == "tpu"
        assert fake_tpu == [f"grpc://{address}"]

    def test_local_is_tried_when_the_named_tpu_does_not_answer(
        self, tpu_machine, monkeypatch, fake_tpu
    ):
        monkeypatch.setenv("TPU_NAME", f"grpc://127.0.0.1:{free_port()}")
        found = strategy.resolve()
        assert found.kind == "tpu" and fake_tpu == ["local"]
        assert "ConnectionRefusedError" in found.reasons[0]

    @pytest.mark.parametrize(
        ("error", "where"),
        [
            (ValueError("Please provide a TPU Name to connect to."), "connect"),
            (tf.errors.NotFoundError(None, None, "TPUs not found"), "connect"),
            (urllib.error.URLError("Name or service not known"), "connect"),
            (ImportError("googleapiclient is absent"), "connect"),
            (RuntimeError("empty name on GCP"), "connect"),
            (IndexError("list index out of range"), "strategy"),
        ],
        ids=lambda value: type(value).__name__ if value != "connect" else "",
    )
    def test_each_known_error_falls_back_and_is_recorded(
        self, tpu_machine, fake_tpu, monkeypatch, error, where
    ):
        fail_with(monkeypatch, error, where)
        found = strategy.resolve()
        assert found.kind == "mirrored"
        assert type(error).__name__ in found.reasons[0]
        with pytest.raises(AcceleratorError) as refusal:
            strategy.resolve("tpu")
        assert "CPU:0" in str(refusal.value)
        assert type(error).__name__ in str(refusal.value)

    def test_an_unknown_error_is_not_swallowed(
        self, tpu_machine, fake_tpu, monkeypatch
    ):
        fail_with(monkeypatch, KeyError("a bug"))
        with pytest.raises(KeyError):
            strategy.resolve()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class NotFound(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


class TestNamedTpuInBoundedTime:
    """These use TensorFlow's own resolver."""

    def test_no_metadata_server(self, monkeypatch):
        monkeypatch.setenv("TPU_NAME", "bogus")
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{free_port()}")
        found = strategy.resolve()
        assert found.kind == "mirrored"
        assert "TPU 'bogus': URLError" in found.reasons[0]

    def test_a_server_that_knows_no_tpu(self, monkeypatch):
        with http.server.HTTPServer(("127.0.0.1", 0), NotFound) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            monkeypatch.setenv("TPU_NAME", "bogus")
            monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{server.server_port}")
            assert "404" in strategy.resolve().reasons[0]
            server.shutdown()

    @pytest.mark.parametrize("name", ["bogus", "grpc://{}"])
    def test_a_server_that_never_answers(self, monkeypatch, name):
        monkeypatch.setattr(tpu, "PROBE_SECONDS", 0.2)
        with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
            address = f"127.0.0.1:{server.getsockname()[1]}"
            # Fills the queue of connections, so that the next one has to wait.
            waiting = [socket.socket() for _ in range(4)]
            for client in waiting:
                client.setblocking(False)
                client.connect_ex(server.getsockname())
            monkeypatch.setenv("TPU_NAME", name.format(address))
            monkeypatch.setenv("GCE_METADATA_HOST", address)
            start = time.monotonic()
            found = strategy.resolve()
            assert time.monotonic() - start < 5
            for client in waiting:
                client.close()
        assert found.kind == "mirrored"
        assert "time" in found.reasons[0].lower()


class TestCluster:
    def test_several_workers_are_refused_with_the_upstream_issue(self, monkeypatch):
        cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
        with pytest.raises(AcceleratorError, match=r"2 tasks.*issues/20585"):
            strategy.resolve()

    def test_one_worker_is_this_machine(self, monkeypatch):
        monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1"]}}')
        assert strategy.resolve().kind == "mirrored"

    @pytest.mark.parametrize("text", ["{", "[1]", '{"cluster": 3}'])
    def test_a_broken_variable_is_named(self, monkeypatch, text):
        monkeypatch.setenv("TF_CONFIG", text)
        with pytest.raises(AcceleratorError, match="TF_CONFIG must be"):
            strategy.resolve()


class TestPrecision:
    @pytest.mark.parametrize(
        ("details", "policy"),
        [
            ([{"compute_capability": (9, 0)}], "mixed_float16"),
            ([{"compute_capability": (7, 0)}], "mixed_float16"),
            ([{"compute_capability": (6, 1)}], "float32"),
            (
                [{"compute_capability": (9, 0)}, {"compute_capability": (6, 1)}],
                "float32",
            ),
            ([{}], "float32"),
        ],
    )
    def test_float16_wants_tensor_cores_on_every_gpu(
        self, monkeypatch, details, policy
    ):
        gpus = range(len(details))
        monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: gpus)
        monkeypatch.setattr(
            tf.config.experimental, "get_device_details", details.__getitem__
        )
        assert resolve_precision("auto", "tensorflow", "gpu")[0] == policy

    def test_a_named_policy_is_kept(self):
        found = strategy.resolve(precision="mixed_bfloat16")
        assert found.precision == "mixed_bfloat16"

    def test_the_policy_is_set_back_when_the_scope_fails(self):
        with (
            pytest.raises(ZeroDivisionError),
            strategy.resolve(precision="mixed_bfloat16").scope(),
        ):
            raise ZeroDivisionError
        assert keras.config.dtype_policy().name == "float32"


class TestGuards:
    def test_one_replica_may_run_several_steps_at_once(self):
        assert make().compile_options(steps_per_execution=8) == {
            "steps_per_execution": 8,
            "jit_compile": False,
        }

    def test_several_tensorflow_replicas_run_one_step_with_a_warning(self, caplog):
        options = make(num_replicas=2).compile_options(steps_per_execution=8)
        assert options == {"steps_per_execution": 1, "jit_compile": False}
        assert "issues/19246" in caplog.text

    def test_jax_replicas_keep_every_option(self):
        options = make("data-parallel", "jax", num_replicas=4).compile_options(
            steps_per_execution=8, gradient_accumulation_steps=2
        )
        assert options == {"steps_per_execution": 8, "jit_compile": True}

    def test_xla_is_refused_on_several_tensorflow_replicas(self):
        with pytest.raises(AcceleratorError, match="issues/20763"):
            make(num_replicas=2).compile_options(jit_compile=True)

    @pytest.mark.parametrize("kind", ["mirrored", "tpu"])
    def test_gradient_accumulation_is_refused_under_tf_distribute(self, kind):
        with pytest.raises(AcceleratorError, match="gradient accumulation"):
            make(kind).compile_options(gradient_accumulation_steps=4)
        make(kind).compile_options(gradient_accumulation_steps=1)

    def test_single_allows_what_is_asked_for(self):
        options = make("single").compile_options(
            steps_per_execution=3, jit_compile=True, gradient_accumulation_steps=2
        )
        assert options == {"steps_per_execution": 3, "jit_compile": True}

    def test_global_batch_is_per_replica_times_replicas(self):
        assert make(num_replicas=8).global_batch(16) == 128
        with pytest.raises(UsageError, match="at least 1, not 0"):
            make().global_batch(0)

    def test_a_batch_that_does_not_divide_names_those_that_do(self):
        make(num_replicas=4).check_batch(8)
        with pytest.raises(
            AcceleratorError, match=r"batch of 6 .* 4 replicas; use 4 or 8"
        ):
            make(num_replicas=4).check_batch(6)

    def test_the_last_batch_has_to_reach_every_replica(self):
        accelerator = make(num_replicas=4)
        accelerator.check_batch(8, num_examples=16)
        accelerator.check_batch(8, num_examples=21)
        with pytest.raises(AcceleratorError, match=r"last batch of 3.*at least 4"):
            accelerator.check_batch(8, num_examples=19)

    def test_jax_shares_the_last_batch_evenly(self):
        accelerator = make("data-parallel", "jax", num_replicas=4)
        accelerator.check_batch(8, num_examples=20)
        with pytest.raises(AcceleratorError, match=r"last batch of 5.*multiple of 4"):
            accelerator.check_batch(8, num_examples=21)


def flags(model):
    return {
        layer.synchronized
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    }


def test_prepare_and_finalize_reach_nested_batchnorm():
    layer = keras.layers.BatchNormalization()
    inner = keras.Sequential([keras.Input((3, 2)), keras.layers.TimeDistributed(layer)])
    model = keras.Sequential([keras.Input((3, 2)), inner, keras.layers.Dense(1)])
    assert flags(make(num_replicas=2).prepare(model)) == {True}
    assert flags(make(num_replicas=2).finalize(model)) == {False}


def test_prepare_leaves_a_model_on_one_replica_alone():
    model = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization()])
    assert flags(make().prepare(model)) == {False}


def test_devices_are_counted_in_words():
    assert hardware.count(("a",), "gpu") == "1 GPU device"
    assert hardware.count(("a", "b"), "tpu") == "2 TPU devices"
