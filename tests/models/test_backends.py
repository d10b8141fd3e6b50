"""Every model runs where TensorFlow is absent, and computes the same on JAX."""

import harness
import pytest


@pytest.mark.parametrize("built", harness.parametrized(harness.FEW), indirect=True)
def test_jax_without_tensorflow_computes_the_same(built, jax_user):
    jax_user.ask("compute", built.name, built.folder)


@pytest.mark.parametrize("name", harness.parametrized(harness.SMALL, harness.FEW))
def test_steps_on_jax_lower_the_loss(name, jax_user):
    jax_user.ask("train", name)
