"""A folder of tiny images and its shards, made once."""

import pytest
from drawings import make_folder
from hypothesis import settings

from data_pipelines import from_folder, prepare

# No deadline: cores are shared, and TensorFlow's first call is slow.
settings.register_profile("data_pipelines", deadline=None, max_examples=50)
settings.load_profile("data_pipelines")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return make_folder(
        tmp_path_factory.mktemp("photos") / "photos", {"b": 40, "a": 40, "c": 40}
    )


@pytest.fixture(scope="session")
def manifest(folder, tmp_path_factory):
    return prepare(from_folder(folder), tmp_path_factory.mktemp("shards") / "shards")
