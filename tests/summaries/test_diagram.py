"""Diagrams: every layer by its name, nothing cut off, the same file again."""

import io
import xml.etree.ElementTree as ElementTree

import keras
import numpy as np
import pytest
from keras import layers
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from kerastpu import models
from kerastpu.errors import UsageError
from kerastpu.summaries import diagram, measure


def two_inputs():
    payment = keras.Input((12,), name="payment")
    history = keras.Input((30, 8), name="history")
    x = layers.Dense(64, activation="relu", name="dense1")(payment)
    x = layers.Concatenate(name="join")([x, layers.LSTM(32, name="lstm")(history)])
    x = layers.Dense(2, activation="softmax", name="probabilities")(x)
    return keras.Model([payment, history], x, name="a$b_two_inputs$")


def build(name):
    if name == "two_inputs":
        return two_inputs()
    return models.build(name, input_shape=(96, 96, 3))


NAMES = (
    *("two_inputs", "squeezenet", "inception_convnet"),
    pytest.param("resnet50_v1", marks=pytest.mark.slow),
)


@pytest.mark.parametrize("name", NAMES)
def test_texts_stand_inside_of_boxes_that_do_not_overlap(name):
    figure = diagram.draw(measure(build(name)))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    (axes,) = figure.axes
    whole = figure.bbox
    boxes = [patch.get_window_extent() for patch in axes.patches]
    texts = [text.get_window_extent() for text in axes.texts[1:]]  # but the title
    assert len(texts) == 3 * len(boxes)
    for number, box in enumerate(boxes):
        assert whole.x0 < box.x0 and box.x1 < whole.x1
        assert whole.y0 < box.y0 and box.y1 < whole.y1
        for text in texts[3 * number : 3 * number + 3]:
            assert box.x0 < text.x0 and text.x1 < box.x1
            assert box.y0 < text.y0 + 2 and text.y1 - 2 < box.y1
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])
    title = axes.texts[0].get_window_extent()
    assert whole.x0 < title.x0 and title.x1 < whole.x1


def test_svg_holds_each_layer_as_text_and_is_the_same_again(tmp_path):
    model = two_inputs()
    for name in ("a.svg", "b.svg"):
        diagram.save(measure(model), tmp_path / "new" / name)
    first, second = (tmp_path / "new" / name for name in ("a.svg", "b.svg"))
    assert first.read_bytes() == second.read_bytes()
    tree = ElementTree.parse(first)
    texts = {
        "".join(node.itertext()).strip() for node in tree.iter() if "text" in node.tag
    }
    for name in ("payment", "history", "dense1", "lstm", "join", "probabilities"):
        assert name in texts
    assert "Dense, relu" in texts and "30x8" in texts
    assert any(text.startswith("a$b_two_inputs$: ") for text in texts)


def test_png_has_a_pixel_for_each_of_the_layout(tmp_path):
    path = tmp_path / "squeezenet.PNG"
    measures = measure(build("squeezenet"))
    diagram.save(measures, path)
    expected = diagram.draw(measures).get_size_inches() * 100
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        assert image.format == "PNG"
        np.testing.assert_allclose(image.size, expected, atol=1)
        assert len(image.convert("RGB").getcolors(1 << 24)) > 20
    assert list(tmp_path.iterdir()) == [path]


def test_other_endings_are_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(UsageError, match=r"\.png or \.svg; got .*model\.pdf"):
        diagram.save(measure(two_inputs()), tmp_path / "model.pdf")
    assert not any(tmp_path.iterdir())
