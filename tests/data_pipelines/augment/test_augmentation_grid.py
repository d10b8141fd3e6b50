"""The preview of a policy shows the images and their variants, each in its place."""

import numpy as np
import pytest
from samples import smooth

from data_pipelines import pixels
from data_pipelines.augment import Augment, augment_image, num_draws
from data_pipelines.errors import DataError
from data_pipelines.inspection.preview import augmentation_grid

SIZE, POLICY = 24, Augment(brightness=(0.5, 1.5))
IMAGES = [smooth(0, 30, 40), smooth(1, 50, 40)]


def grid(images=IMAGES, columns=3, seed=0, titles=None):
    return np.asarray(
        augmentation_grid(
            images, POLICY, size=SIZE, columns=columns, seed=seed, titles=titles
        )
    )


def places(sheet, cell):
    """Where a picture stands in a sheet: a list of (top, left)."""
    windows = np.lib.stride_tricks.sliding_window_view(sheet, cell.shape)[:, :, 0]
    return np.argwhere((windows == cell).all((2, 3, 4))).tolist()


def test_every_row_begins_with_the_image_and_goes_on_with_its_variants():
    sheet, tops = grid(), []
    for row, image in enumerate(IMAGES):
        ((top, left),) = places(sheet, pixels.center_image(image, SIZE))
        tops.append(top)
        for column in range(3):
            draws = np.random.default_rng([0, row, column]).random(num_draws(POLICY))
            ((y, x),) = places(sheet, augment_image(image, SIZE, POLICY, draws))
            assert y == top and x > left
            left = x
    assert tops[0] < tops[1]


def test_the_seed_decides_the_variants_and_titles_are_written():
    assert np.array_equal(grid(seed=1), grid(seed=1))
    assert not np.array_equal(grid(seed=1), grid(seed=2))
    titled, plain = grid(titles=["a", "b"]), grid()
    assert titled.shape == plain.shape and not np.array_equal(titled, plain)


def test_a_grid_needs_images_columns_and_fitting_titles():
    for arguments in ({"images": []}, {"columns": 0}, {"titles": ["a"]}):
        with pytest.raises(DataError):
            grid(**arguments)
