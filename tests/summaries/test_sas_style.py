"""Information and summary as SAS prints them: its ResNet-50, and sense for the rest."""

import keras
import pytest
from keras import layers

from kerastpu import models
from kerastpu.summaries import measure, sas_style

# What SAS tells of `resnet50v1` of the ONNX Model Zoo.
INFORMATION = {
    "Model Type": "Convolutional Neural Network",
    "Number of Layers": 126,
    "Number of Input Layers": 1,
    "Number of Output Layers": 1,
    "Number of Convolutional Layers": 53,
    "Number of Pooling Layers": 2,
    "Number of Fully Connected Layers": 0,
    "Number of Batch Normalization Layers": 53,
    "Number of Residual Layers": 16,
}
# Id, layer, type, kernel, stride, activation, output, (weights, biases). Names without
# "resnetv17_" and "_fwd"; the three that all networks of the registry share are ours.
ROWS = [
    (0, "image", "input", None, None, None, (224, 224, 3), (0, 0)),
    (1, "conv0", "convo", (7, 7), 2, "Identity", (112, 112, 64), (9408, 0)),
    (2, "batchnorm0", "batchnorm", None, None, "Rectifier", (112, 112, 64), (0, 128)),
    (3, "pool0", "pool", (3, 3), 2, "Max", (56, 56, 64), (0, 0)),
    (4, "stage1_conv3", "convo", (1, 1), 1, "Identity", (56, 56, 256), (16384, 0)),
    *[(5, "stage1_batchnorm3", "batchnorm", None, None, "Identity", (56, 56, 256))],
    (
        121,
        "stage4_conv9",
        "convo",
        (1, 1),
        1,
        "Identity",
        (7, 7, 2048),
        (1048576, 2048),
    ),
    *[(122, "stage4_batchnorm9", "batchnorm", None, None, "Identity", (7, 7, 2048))],
    (123, "stage4__plus2", "residual", None, None, "Rectifier", (7, 7, 2048), (0, 0)),
    (124, "features", "pool", (7, 7), 1, "Mean", (1, 1, 2048), (0, 0)),
    *[(125, "probabilities", "output", (2048, 1000), None, "Softmax", 1000)],
]
PAIRS = {5: (0, 512), 121: (1048576, 2048), 122: (0, 4096), 125: (2048000, 1000)}


def summarize(model):
    return sas_style.summarize(measure(model))


@pytest.fixture(scope="module")
def resnet():
    return models.build("resnet50_v1", input_shape=(224, 224, 3))


def test_information_of_resnet50_is_that_of_the_source(resnet):
    found = summarize(resnet).information
    assert found == {"Model Name": "resnet50_v1"} | INFORMATION
    assert list(found) == ["Model Name", *INFORMATION]


def test_rows_and_totals_of_resnet50_are_those_of_the_source(resnet):
    summary = summarize(resnet)
    for expected in ROWS:
        row = summary.layers[expected[0]]
        assert (
            *(row.layer_id, row.layer, row.type, row.kernel_size, row.stride),
            *(row.activation, row.output_size),
        ) == expected[:7]
        pair = PAIRS.get(row.layer_id) or expected[7]
        assert (row.num_weights, row.num_biases) == pair
    assert summary.num_parameters == 25_575_912
    assert summary.num_multiply_adds == 3_855_925_248


def test_text_has_the_tables_and_the_totals(resnet):
    text = sas_style.text(measure(resnet))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "Number of Batch Normalization Layers 53" in lines
    assert "0 image input None (224, 224, 3) (0, 0)" in lines
    assert "3 pool0 pool (3, 3) 2 Max (56, 56, 64) (0, 0)" in lines
    assert "Total number of parameters: 25,575,912" in lines


def types_of(model):
    return [layer.type for layer in summarize(model).layers]


def stack(*members, shape=(8, 8, 3)):
    x = image = keras.Input(shape)
    for member in members:
        x = member(x)
    return keras.Model(image, x)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (
            (
                layers.Rescaling(2.0),
                layers.Conv2D(4, 3),
                layers.ReLU(),
                layers.Flatten(),
            ),
            ["input", "output"],
        ),
        (
            (layers.ZeroPadding2D(1), layers.Conv2D(4, 3), layers.Dropout(0.5)),
            ["input", "output"],
        ),
        (
            (layers.ZeroPadding2D(1), layers.BatchNormalization(), layers.Dense(2)),
            ["input", "padding", "batchnorm", "output"],
        ),
        (
            (layers.MaxPooling2D(2), layers.ReLU(), layers.Flatten(), layers.Dense(2)),
            ["input", "pool", "activation", "output"],
        ),
        (
            (layers.Conv2D(4, 3), layers.ReLU(), layers.Activation("tanh")),
            ["input", "convo", "output"],
        ),
        (
            (layers.DepthwiseConv2D(3), layers.Conv2D(6, 1, groups=3), layers.PReLU()),
            ["input", "groupconvo", "groupconvo", "output"],
        ),
        (
            (layers.RandomFlip(), layers.Rescaling(2.0), layers.Conv2D(4, 3)),
            ["input", "output"],
        ),
        (
            (
                layers.GlobalAveragePooling2D(),
                layers.Reshape((1, 1, 3)),
                layers.Dense(2),
            ),
            ["input", "pool", "output"],
        ),
        (
            (layers.GlobalAveragePooling2D(), layers.Softmax()),
            ["input", "pool", "output"],
        ),
    ],
)
def test_what_is_a_row_of_its_own(members, expected):
    assert types_of(stack(*members)) == expected


def test_an_activation_stays_alone_where_its_source_is_used_elsewhere():
    image = keras.Input((8, 8, 3))
    conv = layers.Conv2D(3, 1)(image)
    dropped = layers.Dropout(0.5)(conv)
    sums = layers.Add()([layers.ReLU()(dropped), conv])
    assert types_of(keras.Model(image, layers.Flatten()(sums))) == [
        *("input", "convo", "activation", "output")
    ]
    both = keras.Model(image, [conv, layers.ReLU()(conv)])
    assert types_of(both) == ["input", "output", "output"]
    assert summarize(both).information["Number of Output Layers"] == 2


def test_a_sum_with_a_constant_is_no_residual_layer():
    model = stack(layers.Conv2D(4, 3), lambda x: x + 3.0, layers.Dense(2))
    assert types_of(model) == ["input", "convo", "scale", "output"]


def test_kinds_of_networks_are_told():
    dense = stack(layers.Dense(3), layers.Dense(2), shape=(5,))
    recurrent = stack(
        layers.Conv1D(4, 3), layers.LSTM(3), layers.Dense(2), shape=(9, 2)
    )
    assert summarize(dense).information["Model Type"] == "Deep Neural Network"
    found = summarize(recurrent).information
    assert found["Model Type"] == "Recurrent Neural Network"
    assert found["Number of Recurrent Layers"] == 1
    row = summarize(recurrent).layers[2]
    assert (row.num_weights, row.num_biases) == (4 * (4 + 3) * 3, 4 * 3)


NAMES = ("squeezenet", "mnist_convnet", "inception_convnet", "mobilenet_v3_small")


@pytest.mark.parametrize("name", NAMES)
def test_kinds_add_up_and_parameters_are_all_but_statistics(name):
    channels = models.REGISTRY[name].channels
    model = models.build(name, input_shape=(32, 32, channels))
    summary = summarize(model)
    counts = list(summary.information.values())[3:]
    assert sum(counts) == summary.information["Number of Layers"] == len(summary.layers)
    statistics = sum(
        2 * layer.moving_mean.shape[0]
        for layer in model.layers
        if isinstance(layer, layers.BatchNormalization)
    )
    assert summary.num_parameters == model.count_params() - statistics
