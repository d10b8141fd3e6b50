"""`kerastpu.data` is `data_pipelines`: the same module under the name of the door."""

import sys

import data_pipelines

sys.modules[__name__] = data_pipelines
