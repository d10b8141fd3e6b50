"""ONNX: float32 by tf2onnx, from which the other precisions are made.

Inputs and outputs are the same in all of them: `image` uint8 (N, height, width,
channels) and `probabilities` float32 (N, classes).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerastpu.errors import KerastpuError
from kerastpu.export import bias_correction, half
from kerastpu.export.metadata import INPUT, OUTPUT, Metadata
from kerastpu.features import conversion

if TYPE_CHECKING:
    import keras
    import onnx

BATCH = "N"  # what the first dimension is called

# The layers that do most of the work and hold most of the weights.
HEAVY = ("Conv", "ConvTranspose", "Gemm", "MatMul")
# What is quantized: what stands between the heavy ones too, so that a ReLU6 ends the
# range of the map before it. Not the softmax, whose outputs 8 bits would blur, nor what
# joins maps of different ranges, nor the first two convolutions, whose rounding all
# others see. Percentile, entropy and moving averages in the place of minima and maxima,
# and 256 images for 128, made no difference beyond chance.
QUANTIZED = (*HEAVY, "Add", "AveragePool", "Clip", "MaxPool", "Relu")
_NUM_FIRST, _LEAST_HEAVY = 2, 20  # small networks would keep too little in int8
# Weights are rounded to -64..64: x86 processors without VNNI add two products of 8 bits
# in 16, which those of -127..127 overflow.
_LEVELS = 64


def convert(
    model: keras.Model, metadata: Metadata, keep_batch_norm: bool = False
) -> onnx.ModelProto:
    """Returns `model` in float32.

    Args:
        model: Images in, probabilities out.
        metadata: Kept as metadata_props.
        keep_batch_norm: Leaves BatchNorm an operator of its own.

    Raises:
        KerastpuError: tf2onnx cannot convert it.
    """
    import onnx

    try:
        data = conversion.to_onnx(
            model, "uint8", (INPUT, OUTPUT), keep_batch_norm=keep_batch_norm
        )
    except Exception as error:  # which one depends on where tf2onnx was
        reason = (str(error).strip() or type(error).__name__).partition("\n")[0]
        raise KerastpuError(f"tf2onnx cannot convert it: {reason}") from error
    return finish(onnx.load_from_string(data), metadata)


def finish(model: onnx.ModelProto, metadata: Metadata) -> onnx.ModelProto:
    """Returns `model`, changed in place: metadata inside, the batch named, checked.

    Raises:
        KerastpuError: it is no valid ONNX.
    """
    import onnx

    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    onnx.helper.set_model_props(model, metadata.to_strings())
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise KerastpuError(f"the graph is not valid ONNX: {reason}") from error
    return model


def to_float16(model: onnx.ModelProto, metadata: Metadata) -> onnx.ModelProto:
    """Returns a copy that stores weights in float16 and computes in float32.

    Raises:
        KerastpuError: it is no valid ONNX.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    constants = {
        tensor.name: onnx.numpy_helper.to_array(tensor)
        for tensor in copy.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT
    }
    rounded = half.chosen({name: [array] for name, array in constants.items()})
    casts = []
    for tensor in copy.graph.initializer:
        if tensor.name in rounded:
            name, stored = tensor.name, f"{tensor.name}/float16"
            array = constants[name].astype(np.float16)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, stored))
            casts.append(
                onnx.helper.make_node(
                    "Cast", [stored], [name], f"{name}/cast", to=onnx.TensorProto.FLOAT
                )
            )
    nodes = [*casts, *copy.graph.node]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return finish(copy, metadata)


def to_float16_compute(model: onnx.ModelProto, metadata: Metadata) -> onnx.ModelProto:
    """Returns a copy that computes in float16, but for the softmax.

    Raises:
        KerastpuError: it is no valid ONNX.
    """
    import onnx
    from onnxruntime.transformers import float16, onnx_model

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    blocked = [*float16.DEFAULT_OP_BLOCK_LIST, "Softmax"]
    halved = float16.convert_float_to_float16(
        copy, keep_io_types=True, op_block_list=blocked
    )
    onnx_model.OnnxModel(halved).topological_sort()  # its casts come last
    return finish(halved, metadata)


def to_int8(
    model: onnx.ModelProto, metadata: Metadata, images: np.ndarray
) -> onnx.ModelProto:
    """Returns a copy whose convolutions and dense layers compute in int8.

    Args:
        model: In float32.
        metadata: Kept as metadata_props.
        images: uint8 (M, height, width, channels) of the training split: the range of
            each map is what they make of it.

    Raises:
        KerastpuError: ONNX Runtime cannot quantize it.
    """
    import onnx
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._batches = _batches(images)

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self._batches, None)

    with tempfile.TemporaryDirectory() as folder:
        names = ("float32.onnx", "optimized.onnx", "int8.onnx")
        whole, optimized, quantized = (Path(folder, name) for name in names)
        onnx.save(model, whole)
        try:
            quantization.quant_pre_process(whole, optimized, skip_symbolic_shape=True)
            better = onnx.load(optimized)
            first = _first_heavy(better)
            bias_correction.correct(
                better, _batches(images), levels=_LEVELS, excluded=first
            )
            onnx.save(better, optimized)
            quantization.quantize_static(
                optimized,
                quantized,
                Reader(),
                op_types_to_quantize=list(QUANTIZED),
                nodes_to_exclude=first,
                per_channel=True,
                reduce_range=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
        except Exception as error:  # bare subclasses of Exception among them
            reason = (str(error).strip() or type(error).__name__).partition("\n")[0]
            raise KerastpuError(f"ONNX Runtime cannot quantize it: {reason}") from error
        return finish(onnx.load(quantized), metadata)


def _first_heavy(model: onnx.ModelProto) -> list[str]:
    """Returns the names of the operators that are to stay in float32."""
    heavy = [node.name for node in model.graph.node if node.op_type in HEAVY]
    return heavy[:_NUM_FIRST] if len(heavy) >= _LEAST_HEAVY else []


def _batches(images: np.ndarray, size: int = 8) -> Iterator[dict[str, np.ndarray]]:
    for start in range(0, len(images), size):
        yield {INPUT: images[start : start + size]}


def count_int8(path: Path) -> tuple[int, int]:
    """Returns how many heavy operators take int8 data, and how many there are."""
    import onnx

    model = onnx.load(path)
    makers = {name: node for node in model.graph.node for name in node.output}
    heavy = [node for node in model.graph.node if node.op_type in HEAVY]
    quantized = [
        node
        for node in heavy
        if all(
            name in makers and makers[name].op_type == "DequantizeLinear"
            for name in node.input[:2]
        )
    ]
    return len(quantized), len(heavy)
