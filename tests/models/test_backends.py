"""Every model runs where TensorFlow is absent, and computes the same on JAX."""

import harness
import pytest

from kerastpu import models

# XLA takes long to compile the operations of larger ones.
QUICK = {name for name in harness.FEW if models.REGISTRY[name].num_parameters < 3e6}


@pytest.mark.parametrize("built", harness.parametrized(QUICK), indirect=True)
def test_jax_without_tensorflow_computes_the_same(built, saved, jax_user):
    jax_user.ask("compute", built.name, saved)


@pytest.mark.parametrize("name", harness.parametrized(harness.SMALL, harness.FEW))
def test_steps_on_jax_lower_the_loss(name, jax_user):
    jax_user.ask("train", name)
