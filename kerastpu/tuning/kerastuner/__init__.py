"""KerasTuner: our search as an Oracle and a Tuner to be dropped into any code of it.

from kerastpu.tuning.kerastuner import LHSHalving

tuner = LHSHalving(build_model, objective="val_accuracy", max_epochs=2, num_trials=27)
tuner.search(x, y, validation_data=(x_val, y_val))
"""

from kerastpu import optional

optional.check("keras_tuner")

from kerastpu.tuning.kerastuner.oracle import LHSHalvingOracle  # noqa: E402
from kerastpu.tuning.kerastuner.tuner import LHSHalving  # noqa: E402

__all__ = ["LHSHalving", "LHSHalvingOracle"]
