"""Laws about the graph of every registered model: its stages, and folding it."""

import gc

import harness
import keras
import numpy as np
import pytest

from kerastpu import models
from kerastpu.folding import fold_batch_norm

STRIDES = {
    "squeezenet": [1, 2, 4, 8, 16],
    "efficientnet_lite0": [2, 4, 8, 16, 32],
    "xception": [2, 4, 8, 16, 32],
    "squeezenet_v11": [2, 4, 8, 16],
    "vgg16": [1, 2, 4, 8, 16, 32],  # two dense layers come after the last pool
    "resnet50": [2, 4, 8, 16, 32],
    "resnet50_v2": [2, 4, 8, 16, 32],
    "inception_v3": [2, 4, 8, 16, 32],
    "mobilenet_v3_small": [2, 4, 8, 16, 32],
    "densenet121": [2, 4, 8, 16, 32],
    "nasnet_mobile": [2, 4, 8, 16, 32],
    "convnext_tiny": [4, 8, 16, 32],
}
# Where ReLU stands between a BatchNorm and each convolution that it belongs to.
NOT_FOLDED = {"resnet50_v2": 17, "densenet121": 62, "nasnet_mobile": 4}
QUICK = {
    *("squeezenet", "efficientnet_lite0", "xception", "mobilenet_v3_small"),
    "densenet121",
}
NAMES = harness.parametrized(QUICK, sorted(harness.SMALL | harness.ONE_OF_EACH))


@pytest.fixture(scope="module", params=NAMES)
def named(request):
    """A name, and the model with BatchNorm statistics that matter."""
    random = np.random.default_rng(0)
    model = harness.build(request.param)
    for norm in norms_of(model):
        norm.set_weights(
            [random.uniform(0.5, 1.5, w.shape) for w in norm.get_weights()]
        )
    yield request.param, model
    del model
    keras.backend.clear_session()
    gc.collect()


def norms_of(model):
    kind = keras.layers.BatchNormalization
    return [layer for layer in model.layers if isinstance(layer, kind)]


def test_every_layer_is_in_one_stage_and_none_needs_a_later_one(named):
    name, model = named
    stages = models.find_stages(model)
    place = {
        layer: index for index, stage in enumerate(stages) for layer in stage.layers
    }
    assert sum(len(stage.layers) for stage in stages) == len(place)
    assert set(place) == {layer.name for layer in model.layers}
    assert sum(stage.num_parameters for stage in stages) == model.count_params()
    assert all(stage.num_parameters for stage in stages)
    assert (stages[-1].name, stages[-1].layers[-1]) == ("head", "probabilities")
    if name in STRIDES:
        assert [stage.stride for stage in stages[:-1]] == STRIDES[name]
    for layer in model.layers:
        for node in layer._inbound_nodes:
            for parent in node.parent_nodes:
                if parent.operation.name in place:  # it may be a plain operation
                    assert place[parent.operation.name] <= place[layer.name]


def test_folded_network_gives_the_same_outputs(named):
    name, model = named
    before = [weight.copy() for weight in model.get_weights()]
    folded = fold_batch_norm(model)
    images = harness.random_images(2, model.input_shape[1:])
    expected = harness.predict(model, images)
    np.testing.assert_allclose(harness.predict(folded, images), expected, rtol=1e-4)
    for mine, theirs in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    if name in STRIDES and name != "squeezenet":  # which has it after ReLU
        assert len(norms_of(folded)) == NOT_FOLDED.get(name, 0)
