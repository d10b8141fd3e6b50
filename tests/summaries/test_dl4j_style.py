"""VGG16 in Deeplearning4j's style is the table that Deeplearning4j prints."""

import keras
import pytest
from keras import layers

from kerastpu import models
from kerastpu.summaries import dl4j_style, measure

VGG16 = """
input_2 (InputVertex) -,- - - -
block1_conv1 (ConvolutionLayer) 3,64 1792 b:{1,64}, W:{64,3,3,3} [input_2]
block1_conv2 (ConvolutionLayer) 64,64 36928 b:{1,64}, W:{64,64,3,3} [block1_conv1]
block1_pool (SubsamplingLayer) -,- 0 - [block1_conv2]
block2_conv1 (ConvolutionLayer) 64,128 73856 b:{1,128}, W:{128,64,3,3} [block1_pool]
block2_conv2 (ConvolutionLayer) 128,128 147584 b:{1,128}, W:{128,128,3,3} [block2_conv1]
block2_pool (SubsamplingLayer) -,- 0 - [block2_conv2]
block3_conv1 (ConvolutionLayer) 128,256 295168 b:{1,256}, W:{256,128,3,3} [block2_pool]
block3_conv2 (ConvolutionLayer) 256,256 590080 b:{1,256}, W:{256,256,3,3} [block3_conv1]
block3_conv3 (ConvolutionLayer) 256,256 590080 b:{1,256}, W:{256,256,3,3} [block3_conv2]
block3_pool (SubsamplingLayer) -,- 0 - [block3_conv3]
block4_conv1 (ConvolutionLayer) 256,512 1180160 b:{1,512}, W:{512,256,3,3} [block3_pool]
block4_conv2 (ConvolutionLayer) \
512,512 2359808 b:{1,512}, W:{512,512,3,3} [block4_conv1]
block4_conv3 (ConvolutionLayer) \
512,512 2359808 b:{1,512}, W:{512,512,3,3} [block4_conv2]
block4_pool (SubsamplingLayer) -,- 0 - [block4_conv3]
block5_conv1 (ConvolutionLayer) 512,512 2359808 b:{1,512}, W:{512,512,3,3} [block4_pool]
block5_conv2 (ConvolutionLayer) \
512,512 2359808 b:{1,512}, W:{512,512,3,3} [block5_conv1]
block5_conv3 (ConvolutionLayer) \
512,512 2359808 b:{1,512}, W:{512,512,3,3} [block5_conv2]
block5_pool (SubsamplingLayer) -,- 0 - [block5_conv3]
flatten (PreprocessorVertex) -,- - - [block5_pool]
fc1 (DenseLayer) 25088,4096 102764544 b:{1,4096}, W:{25088,4096} [flatten]
fc2 (DenseLayer) 4096,4096 16781312 b:{1,4096}, W:{4096,4096} [fc1]
predictions (DenseLayer) 4096,1000 4097000 b:{1,1000}, W:{4096,1000} [fc2]
"""
TOTALS = {"Total": 138357544, "Trainable": 138357544, "Frozen": 0}


def test_vgg16_is_the_table_of_the_source_row_by_row():
    # Ours differs in the names of its ends only.
    model = models.build("vgg16", input_shape=(224, 224, 3))
    text = dl4j_style.text(measure(model))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    expected = VGG16.replace("input_2", "image").replace("predictions", "probabilities")
    assert (
        lines[1]
        == "VertexName (VertexType) nIn,nOut TotalParams ParamsShape Vertex Inputs"
    )
    assert lines[3:26] == expected.strip().splitlines()
    assert lines[27:30] == [f"{what} Parameters: {n}" for what, n in TOTALS.items()]
    assert lines[0] == lines[2] == lines[-1] == "=" * len(lines[0])


def stack(*members, shape=(8, 8, 4)):
    x = image = keras.Input(shape, name="in")
    for member in members:
        x = member(x)
    return dl4j_style.summarize(measure(keras.Model(image, x)))


def test_other_layers_have_their_names_and_shapes():
    found = stack(
        layers.Conv2D(6, (3, 1), use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.DepthwiseConv2D(3),
        layers.Conv2DTranspose(5, 2),
        layers.GlobalMaxPooling2D(),
        layers.Dropout(0.5),
        layers.Dense(2),
    ).vertices
    assert [vertex.type for vertex in found] == [
        *("InputVertex", "ConvolutionLayer", "BatchNormalization", "ActivationLayer"),
        *("DepthwiseConvolution2D", "Deconvolution2D", "GlobalPoolingLayer"),
        "DenseLayer",
    ]
    assert found[1].parameters == {"W": (6, 4, 3, 1)}
    assert found[2].parameters == dict.fromkeys(
        ("gamma", "beta", "mean", "var"), (1, 6)
    )
    assert found[2].num_parameters == 24
    assert found[4].parameters == {"b": (1, 6), "W": (1, 6, 3, 3)}
    assert found[5].parameters == {"b": (1, 5), "W": (6, 5, 2, 2)}
    assert (found[5].num_inputs, found[5].num_outputs) == (6, 5)
    assert found[7].inputs == (found[6].name,)


def test_branches_are_vertices_without_parameters():
    def join(x):
        return layers.Concatenate(name="join")([x, layers.Add(name="sum")([x, x])])

    *_, total, joined = stack(join).vertices
    assert (total.type, joined.type) == ("ElementWiseVertex", "MergeVertex")
    assert joined.inputs == ("in", "sum")
    assert joined.num_parameters is None


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_frozen_are_the_layers_that_do_not_train(frozen):
    members = [layers.Dense(3), layers.BatchNormalization()]
    for member in members[:frozen]:
        member.trainable = False
    found = stack(*members, shape=(5,))
    assert found.num_parameters == 18 + 12
    assert found.num_frozen == [0, 18, 30][frozen]
    assert found.to_dict()["num_trainable"] == 30 - found.num_frozen
