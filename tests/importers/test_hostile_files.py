"""Files that are damaged or lie: one clear error each, and nothing else is read."""

import random
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from kerastpu.errors import KerastpuError
from kerastpu.importers import import_onnx, limits
from tests.importers.graphs import load, network, normal, write

X = ("n", 3, 8, 6)
MUTATE = Path(__file__).parent / "mutate.py"


def content():
    nodes = [
        ("Conv", "x k c", "a", {"pads": [1, 1, 1, 1]}),
        ("Relu", "a", "b", {}),
        ("Flatten", "b", "d", {}),
        ("Gemm", "d w", "y", {}),
    ]
    weights = {"k": normal(4, 3, 3, 3), "c": normal(4), "w": normal(192, 2)}
    return network(nodes, {"x": X}, weights=weights)


def refused(folder, message, match):
    """Asserts that a file is refused with one line."""
    data = message if isinstance(message, bytes) else message.SerializeToString()
    with pytest.raises(KerastpuError, match=match) as caught:
        import_onnx(write(folder, data))
    assert len(str(caught.value)) < 2000
    return str(caught.value)


def test_the_whole_file_is_good(tmp_path):
    assert import_onnx(write(tmp_path, content())).output_shape == (None, 2)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_file_cut_off(share, tmp_path):
    whole = content()
    refused(tmp_path, whole[: int(len(whole) * share)], "network.onnx|network:")


def test_no_file_a_folder_text_and_an_archive(tmp_path):
    with pytest.raises(KerastpuError, match="no such"):
        import_onnx(tmp_path / "none.onnx")
    with pytest.raises(KerastpuError, match="folder"):
        import_onnx(tmp_path)
    refused(tmp_path, b"once upon a time\n" * 100, "not an ONNX file")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("network.onnx", content())
    refused(tmp_path, (tmp_path / "zip").read_bytes(), "packed")


def test_a_file_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 1000)
    refused(tmp_path, content(), "at most 1,000")


def test_nodes_in_a_circle(tmp_path):
    message = load(content())
    message.graph.node[0].input[0] = "b"
    refused(tmp_path, message, "circle")


def test_a_node_that_takes_its_own_output(tmp_path):
    message = load(content())
    message.graph.node[1].input[0] = "b"
    refused(tmp_path, message, "circle")


def test_a_value_that_nothing_makes(tmp_path):
    message = load(content())
    message.graph.node[1].input[0] = "nothing"
    refused(tmp_path, message, "'nothing', which nothing makes")


def test_an_output_that_nothing_makes(tmp_path):
    message = load(content())
    message.graph.output[0].name = "nothing"
    refused(tmp_path, message, "comes out")


def test_names_that_are_no_text(tmp_path):
    """Protobuf hands them out as bytes."""
    data = (
        content().replace(b"network", b"netw\xff\xfek").replace(b"conv_0", b"con\xff_0")
    )
    model = import_onnx(write(tmp_path, data))
    assert model.output_shape == (None, 2)


def test_values_made_twice(tmp_path):
    message = load(content())
    message.graph.node[1].output[0] = "a"
    refused(tmp_path, message, "'a' is made twice")


def test_constants_of_one_name(tmp_path):
    message = load(content())
    message.graph.initializer.append(message.graph.initializer[0])
    refused(tmp_path, message, "two constants")


@pytest.mark.parametrize("dims", [[1 << 40], [1 << 20, 1 << 20], [-4, -3], [5], []])
def test_a_shape_that_does_not_agree_with_the_bytes(dims, tmp_path):
    message = load(content())
    message.graph.initializer[1].dims[:] = dims
    refused(tmp_path, message, "'c'")


@pytest.mark.parametrize("shape", [(1 << 62, 3, 8, 6), ("n", 3, 1 << 30, 1 << 30)])
def test_an_input_that_no_memory_holds(shape, tmp_path):
    message = load(content())
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    message.graph.input[0].CopyFrom(value)
    refused(tmp_path, message, "input 'x'")


def test_an_input_of_negative_size(tmp_path):
    message = load(content())
    message.graph.input[0].type.tensor_type.shape.dim[2].dim_value = -8
    refused(tmp_path, message, "input 'x'")


@pytest.mark.parametrize("kind", [TensorProto.STRING, TensorProto.COMPLEX64, 99])
def test_constants_of_types_that_are_no_numbers(kind, tmp_path):
    message = load(content())
    message.graph.initializer[0].data_type = kind
    refused(tmp_path, message, "type")


def test_attributes_of_other_types(tmp_path):
    message = load(content())
    message.graph.node[0].attribute[0].CopyFrom(helper.make_attribute("pads", 1.5))
    refused(tmp_path, message, "pads must be of the type ints")


def test_constants_that_fill_all_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_COMPUTED_ELEMENTS", 1 << 16)
    nodes = [
        ("ConstantOfShape", "s", "a", {}),
        ("ConstantOfShape", "s", "b", {}),
        ("Add", "a b", "c", {}),
        ("Add", "x c", "y", {}),
    ]
    weights = {"s": np.array([1 << 8, 1 << 8])}
    refused(tmp_path, network(nodes, {"x": X}, weights=weights), "at most")


@pytest.mark.parametrize(
    ("op", "weights"),
    [
        ("Expand", {"z": np.zeros(1, np.float32), "s": np.array([1 << 20, 1 << 20])}),
        ("Tile", {"z": np.zeros(1 << 10, np.float32), "s": np.array([1 << 30])}),
        ("Range", {"z": np.array(0), "s": np.array(1 << 60), "t": np.array(1)}),
    ],
)
def test_constants_that_grow(op, weights, tmp_path):
    nodes = [(op, " ".join(weights), "a", {}), ("Add", "x a", "y", {})]
    refused(tmp_path, network(nodes, {"x": X}, weights=weights), r"most|shape")


def test_borders_and_maps_that_no_memory_holds(tmp_path):
    pads = np.array([0, 0, 1 << 40, 0, 0, 0, 0, 0])
    nodes = [("Pad", "x p", "y", {})]
    refused(tmp_path, network(nodes, {"x": X}, weights={"p": pads}), "pads must be")
    scales = np.array([1, 1, 6e4, 6e4], np.float32)
    nodes = [("Resize", "x - s", "y", {})]
    refused(tmp_path, network(nodes, {"x": X}, weights={"s": scales}), "Resize")


def test_graphs_within_graphs_are_not_entered(tmp_path):
    inner = load(content()).graph
    node = helper.make_node("If", ["x"], ["y"], name="deep", then_branch=inner)
    for _ in range(25):
        body = helper.make_graph([node], "g", [], [])
        node = helper.make_node("If", ["x"], ["y"], name="deep", then_branch=body)
    message = load(content())
    del message.graph.node[:]
    message.graph.node.append(node)
    refused(tmp_path, message, "If")


def test_a_function_that_calls_itself_is_not_called(tmp_path):
    message = load(content())
    message.graph.node[1].domain, message.graph.node[1].op_type = "own", "F"
    own = helper.make_opsetid("own", 1)
    message.opset_import.append(own)
    message.functions.append(
        helper.make_function(
            "own",
            "F",
            ["p"],
            ["q"],
            [helper.make_node("F", ["p"], ["q"], domain="own")],
            [own],
        )
    )
    refused(tmp_path, message, r"own\.F")


@pytest.mark.parametrize("opset", [0, 6, 999])
def test_versions_that_are_not_known(opset, tmp_path):
    message = load(content())
    message.opset_import[0].version = opset
    refused(tmp_path, message, "opset")


def external(location, **entries):
    """Returns the network with its first constant in another file."""
    message = load(content())
    tensor = message.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in ({"location": location} | entries).items():
        tensor.external_data.add(key=key, value=str(value))
    return message


def test_weights_may_lie_in_a_file_beside_the_model(tmp_path):
    kernel = normal(4, 3, 3, 3)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "k.bin").write_bytes(b"\0" * 16 + kernel.tobytes())
    message = external("weights/k.bin", offset=16, length=kernel.nbytes)
    model = import_onnx(write(tmp_path, message.SerializeToString()))
    read = model.get_layer("conv_0").get_weights()[0]
    np.testing.assert_array_equal(read, kernel.transpose(2, 3, 1, 0))


@pytest.mark.parametrize(
    "location",
    [
        *("../canary.bin", "a/../../canary.bin", "link.bin", "linked/canary.bin"),
        *("{folder}/canary.bin", "C:\\canary.bin", "..\\canary.bin", "", "none.bin"),
        *(".", "\0", "/dev/zero"),
    ],
)
def test_no_file_elsewhere_is_read(location, tmp_path):
    """A canary lies beside the folder; an audit hook watches what is opened."""
    inside = tmp_path / "inside"
    inside.mkdir()
    canary = tmp_path / "canary.bin"
    canary.write_bytes(normal(4, 3, 3, 3).tobytes())
    (inside / "link.bin").symlink_to(canary)
    (inside / "linked").symlink_to(tmp_path)
    opened = _opened()
    opened.clear()
    message = external(location.replace("{folder}", str(tmp_path)))
    refused(inside, message, "'k'")
    assert not [name for name in opened if "canary" in name or name == "/dev/zero"]


_OPENED: list[str] = []


def _opened():
    """Returns the list in which all files that are opened from now on are noted."""
    if not hasattr(_opened, "is_watching"):
        _opened.is_watching = True
        sys.addaudithook(
            lambda event, args: _OPENED.append(str(args[0])) if event == "open" else 0
        )
    return _OPENED


@pytest.mark.parametrize("entries", [{"offset": -8}, {"offset": 1 << 60}])
def test_bytes_outside_of_the_other_file(entries, tmp_path):
    (tmp_path / "k.bin").write_bytes(normal(4, 3, 3, 3).tobytes())
    refused(tmp_path, external("k.bin", **entries), "'k'")


def mutate(folder, first, count, seconds):
    """Reads mutations of a good file in a process of its own; fails if that ends."""
    source = write(folder, content())
    done = subprocess.run(
        [sys.executable, str(MUTATE), str(source), str(first), str(count)],
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{done.stdout[-500:]}\n{done.stderr[-2000:]}"
    refusals, models = map(int, done.stdout.split()[-2:])
    assert refusals + models == count
    assert refusals > count / 4


def test_mutations(tmp_path):
    mutate(tmp_path, 0, 150, 240)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_ten_thousand_mutations(tmp_path):
    mutate(tmp_path, 1000, 10_000, 7000)


def test_mutations_of_what_the_file_says(tmp_path):
    """Fields, not bytes: sizes, names and types that parse, and lie."""
    rng = random.Random(0)
    lies = [-1, 0, 1, 2, 3, 7, 1 << 31, (1 << 63) - 1, -(1 << 63)]
    outcomes = set()
    for _ in range(150):
        message = load(content())
        graph = message.graph
        which = rng.randrange(6)
        if which == 0:
            tensor = rng.choice(graph.initializer)
            tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(lies)
        elif which == 1:
            rng.choice(graph.initializer).data_type = rng.randrange(24)
        elif which == 2:
            node = rng.choice(graph.node)
            node.input[rng.randrange(len(node.input))] = rng.choice("xkcwabdy")
        elif which == 3:
            ops = ["Conv", "Gemm", "LSTM", "MaxPool", "Pad", "Resize", "Reshape"]
            rng.choice(graph.node).op_type = rng.choice(ops)
        elif which == 4:
            values = [rng.choice(lies) for _ in range(rng.choice([1, 2, 4]))]
            name = rng.choice(["pads", "strides", "dilations", "kernel_shape", "axis"])
            attribute = helper.make_attribute(name, values, attr_type=7)
            rng.choice(graph.node).attribute.append(attribute)
        else:
            dim = rng.choice(graph.input[0].type.tensor_type.shape.dim)
            dim.dim_value = rng.choice(lies)
        try:
            import_onnx(write(tmp_path, message.SerializeToString()))
            outcomes.add("made")
        except KerastpuError:
            outcomes.add("refused")
    assert outcomes == {"made", "refused"}
