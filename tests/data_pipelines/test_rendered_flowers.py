"""The rendered flowers: reproducible, whole or absent, and told apart by form only."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn import linear_model, pipeline, preprocessing

from data_pipelines.errors import DataError
from data_pipelines.inspection.preview import contact_sheet
from data_pipelines.synthetic import render, worker
from data_pipelines.synthetic.flowers import CLASS_NAMES, draw_flower
from data_pipelines.synthetic.render import render_dataset

NUM_IMAGES, NUM_TRAIN, PIXELS = 1500, 1200, 64


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*.jpg")}


@pytest.fixture(scope="module")
def small_set(tmp_path_factory):
    return render_dataset(
        tmp_path_factory.mktemp("small") / "set", num_images=52, size=48, num_workers=1
    )


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """uint8 (1500, 64, 64, 3) and labels (1500,); the classes take turns."""
    folder = render_dataset(
        tmp_path_factory.mktemp("real") / "set", num_images=NUM_IMAGES
    )
    images = []
    for position in range(NUM_IMAGES):
        with Image.open(folder / worker.image_path(position)) as image:
            images.append(image.resize((PIXELS, PIXELS), Image.Resampling.BOX))
    labels = np.arange(NUM_IMAGES) % len(CLASS_NAMES)
    return np.stack([np.asarray(image) for image in images]), labels


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)))
def test_a_drawing_is_a_function_of_label_seed_and_size(label):
    first = draw_flower(label, (3, 7), 64)
    assert first.shape == (64, 64, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, draw_flower(label, [3, 7], 64))
    for other in (draw_flower(label, (3, 8), 64), draw_flower(label, (4, 7), 64)):
        assert np.abs(first.astype(int) - other).mean() > 5


@pytest.mark.parametrize(("label", "size"), [(-1, 64), (5, 64), (0, 31)])
def test_an_impossible_drawing_is_refused(label, size):
    with pytest.raises(DataError, match=r"must be .*, not (-1|5|31)$"):
        draw_flower(label, 0, size)


@pytest.mark.parametrize("seed", [-1, (0, -2), ()])
def test_an_impossible_seed_is_refused(seed):
    with pytest.raises(DataError, match="seed must be"):
        draw_flower(0, seed, 32)


def test_classes_are_balanced_and_images_are_jpeg_of_the_size(small_set):
    counts = [len(list((small_set / name).iterdir())) for name in CLASS_NAMES]
    assert counts == [11, 11, 10, 10, 10]
    with Image.open(small_set / "roses" / "roses_00009.jpg") as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (48, 48))


def test_bytes_do_not_depend_on_the_number_of_workers_or_images(small_set, tmp_path):
    whole = files_of(small_set)
    two = render_dataset(tmp_path / "two", num_images=52, size=48, num_workers=2)
    part = render_dataset(tmp_path / "part", num_images=7, size=48)
    assert files_of(two) == whole
    assert files_of(part).items() <= whole.items()
    assert len(set(whole.values())) == 52


def test_another_seed_gives_other_images(small_set, tmp_path):
    other = render_dataset(tmp_path / "other", num_images=5, size=48, seed=1)
    assert not set(files_of(other).values()) & set(files_of(small_set).values())


def test_a_complete_set_is_reused_and_reports_no_progress(small_set):
    before = {path: path.stat().st_mtime_ns for path in small_set.rglob("*")}
    calls = []
    again = render_dataset(
        small_set, num_images=52, size=48, progress=lambda *call: calls.append(call)
    )
    assert again == small_set
    assert calls == []
    assert before == {path: path.stat().st_mtime_ns for path in small_set.rglob("*")}


def test_progress_counts_every_image_once(tmp_path):
    calls = []
    render_dataset(
        tmp_path / "set",
        num_images=50,
        size=32,
        num_workers=2,
        progress=lambda *call: calls.append(call),
    )
    assert calls == [(count, 50) for count in range(1, 51)]


def test_a_folder_of_something_else_is_refused_untouched(small_set, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="new or empty"):
        render_dataset(tmp_path, num_images=5, size=32)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(DataError, match="another set"):
        render_dataset(small_set, num_images=52, size=48, seed=1)


def test_another_recipe_version_is_another_set(tmp_path):
    folder = render_dataset(tmp_path / "set", num_images=5, size=32)
    marker = folder / render.MARKER
    recipe = json.loads(marker.read_text())
    marker.write_text(json.dumps({**recipe, "version": recipe["version"] + 1}))
    with pytest.raises(DataError, match="another set"):
        render_dataset(folder, num_images=5, size=32)


def test_a_set_that_lost_an_image_is_refused(tmp_path):
    folder = render_dataset(tmp_path / "set", num_images=5, size=32)
    (folder / "tulips" / "tulips_00000.jpg").unlink()
    with pytest.raises(DataError, match="tulips_00000"):
        render_dataset(folder, num_images=5, size=32)


@pytest.mark.parametrize(
    ("name", "value"), [("num_images", 4), ("size", 31), ("seed", -1)]
)
def test_an_impossible_number_is_refused_by_name(name, value, tmp_path):
    with pytest.raises(DataError, match=rf"{name} .* not {value}"):
        render_dataset(tmp_path / "set", **{name: value})
    assert not list(tmp_path.iterdir())


def test_an_interrupted_rendering_leaves_nothing(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_dataset(tmp_path / "set", num_images=60, size=32, progress=stop)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot render to [^\n]*file.set[^\n]*$"):
        render_dataset(tmp_path / "file" / "set", num_images=5, size=32)


def test_a_worker_that_cannot_write_is_one_clear_line_and_leaves_nothing(tmp_path):
    script = (
        "import resource, sys\n"
        "from data_pipelines.synthetic.render import render_dataset\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "try:\n"
        "    render_dataset(sys.argv[1], num_images=50, size=64)\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "set")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.stdout.count("\n") == 1, result
    assert "cannot render to" in result.stdout
    assert "File too large" in result.stdout
    assert not list(tmp_path.iterdir())


def test_rendering_imports_no_framework_and_needs_no_main_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from data_pipelines.synthetic.render import render_dataset\n"
        "render_dataset(sys.argv[1], num_images=50, size=32, num_workers=2)\n"
        "assert not {'tensorflow', 'keras', 'jax'} & set(sys.modules)\n"
    )
    command = [sys.executable, str(script), str(tmp_path / "set")]
    subprocess.run(command, check=True, timeout=60)
    assert len(files_of(tmp_path / "set")) == 50


def test_a_contact_sheet_holds_every_image_in_row_order():
    images = [np.full((20, 30, 3), value, np.uint8) for value in (10, 60, 110)]
    sheet = np.asarray(contact_sheet(images, columns=2, titles=["a", "b" * 99, "c"]))
    values = [value for value in np.unique(sheet) if (sheet == value).sum() >= 1800]
    assert values[:3] == [10, 60, 110]
    centers = [np.argwhere(sheet[..., 0] == v).mean(0) for v in (10, 60, 110)]
    assert centers[0][1] < centers[1][1]
    assert centers[0][0] < centers[2][0]


def test_a_contact_sheet_needs_images_columns_and_fitting_titles():
    image = np.zeros((4, 4, 3), np.uint8)
    for images, columns, titles in (
        ([], 1, None),
        ([image], 0, None),
        ([image], 1, []),
    ):
        with pytest.raises(DataError):
            contact_sheet(images, columns=columns, titles=titles)


@pytest.mark.parametrize(("pixels", "penalty"), [(16, 0.01), (32, 0.001)])
def test_a_linear_model_on_pixels_stays_below_60_percent(examples, pixels, penalty):
    images, labels = examples
    step = PIXELS // pixels
    cells = images.reshape(NUM_IMAGES, pixels, step, pixels, step, 3)
    features = cells.mean((2, 4), dtype=np.float32).reshape(NUM_IMAGES, -1)
    accuracy = linear_accuracy(features, labels, penalty)
    assert 0.3 < accuracy < 0.6


def test_colors_alone_stay_below_60_percent(examples):
    images, labels = examples
    bins = (images // 43).astype(int) @ [36, 6, 1]
    counts = [np.bincount(image.ravel(), minlength=216) for image in bins]
    features = np.sqrt(np.array(counts, np.float32))
    assert linear_accuracy(features, labels, 0.01) < 0.6


def linear_accuracy(features, labels, penalty):
    """Fit on the first images, score on the rest; `penalty` is sklearn's C."""
    model = pipeline.make_pipeline(
        preprocessing.StandardScaler(),
        linear_model.LogisticRegression(C=penalty, max_iter=300, tol=1e-2),
    )
    model.fit(features[:NUM_TRAIN], labels[:NUM_TRAIN])
    accuracy = model.score(features[NUM_TRAIN:], labels[NUM_TRAIN:])
    print(f"held-out accuracy {accuracy:.3f}")
    return accuracy


def build_convnet(num_steps):
    layers = [keras.Input((PIXELS, PIXELS, 3)), keras.layers.Rescaling(1 / 127.5, -1)]
    for filters, strides, pool in ((12, 2, 0), (24, 1, 1), (48, 1, 1), (48, 1, 0)):
        layers += [
            keras.layers.Conv2D(filters, 3, strides, padding="same", use_bias=False),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.ReLU(),
            *[keras.layers.MaxPooling2D() for _ in range(pool)],
        ]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(5)]
    model = keras.Sequential(layers)
    schedule = keras.optimizers.schedules.CosineDecay(3e-3, num_steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=["accuracy"])
    return model


@pytest.mark.slow
def test_a_small_convnet_passes_90_percent(examples):
    keras.utils.set_random_seed(0)
    images, labels = examples
    train, answers = images[:NUM_TRAIN], labels[:NUM_TRAIN]
    train = np.concatenate([train, train[:, :, ::-1]])
    answers = np.concatenate([answers, answers])
    epochs, batch_size = 8, 32
    model = build_convnet(epochs * len(train) // batch_size)
    model.fit(train, answers, batch_size=batch_size, epochs=epochs, verbose=0)
    _, accuracy = model.evaluate(images[NUM_TRAIN:], labels[NUM_TRAIN:], verbose=0)
    print(f"held-out accuracy {accuracy:.3f}")
    assert accuracy > 0.9
