"""Fetches a URL into a folder; prints the seconds taken and the error."""

import sys
import time
from pathlib import Path

import tensorflow as tf  # noqa: F401  its import is not what is measured

from data_pipelines import DataError
from data_pipelines.sources import cloud

start = time.monotonic()
try:
    print(cloud.fetch(sys.argv[1], Path(sys.argv[2])))
except DataError as error:
    print(f"{time.monotonic() - start:.1f} {error}")
