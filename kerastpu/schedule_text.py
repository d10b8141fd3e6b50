"""What the schedule commands print."""

from kerastpu.config import OptimizerConfig
from kerastpu.lr_range import RangeTest
from kerastpu.schedules import SHAPES, describe, scale_with_replicas, scaling
from kerastpu.schedules.planning import Plan

MAX_ROWS = 60


def of_shapes() -> str:
    """Returns the shapes, a line each, with the fields that each reads."""
    width = max(map(len, SHAPES))
    lines = []
    for name, shape in SHAPES.items():
        lines.append(f"{name:<{width}}  {shape.description}")
        lines.append(f"{'':<{width}}  reads: {', '.join(shape.fields) or 'nothing'}")
    return "\n".join(lines)


def of_plan(plan: Plan) -> str:
    """Returns the rate at the start of each epoch, of some where there are many."""
    every = -(-plan.epochs // MAX_ROWS)
    lines = [
        describe(plan.curve),
        f"{_count(plan.num_images, 'training image')} on "
        f"{_count(plan.num_replicas, 'replica')}: "
        f"{_count(plan.steps_per_epoch, 'step')} an epoch",
    ]
    if plan.num_replicas > 1:
        lines.append(scaling.describe(plan.num_replicas, plan.rule))
    if plan.curve.name == "plateau":
        lines.append("as if the validation loss fell in every epoch")
    lines.append("epoch     step  learning rate")
    rates = plan.epoch_rates()
    for epoch in range(0, plan.epochs, every):
        step = epoch * plan.steps_per_epoch
        lines.append(f"{epoch + 1:>5}  {step:>7,}  {rates[epoch]:>13.6g}")
    if every > 1:
        lines.append(f"(every {every} epochs)")
    return "\n".join(lines)


def of_range_test(
    result: RangeTest, optimizer: OptimizerConfig, num_replicas: int
) -> str:
    """Returns what a range test saw, and the flag that follows from it."""
    end = "until the loss was too high" if result.is_diverged else "to the end"
    lines = [
        f"{_count(len(result.rates), 'step')} from {result.rates[0]:.3g} to "
        f"{result.rates[-1]:.3g}, {end}; lowest loss {min(result.losses):.3f}"
    ]
    if result.suggestion is None:
        return "\n".join([*lines, f"suggestion: {result.rule}"])
    factor = scale_with_replicas(1.0, num_replicas, optimizer.replica_scaling)
    is_first = result.tenth_of_minimum == result.rates[0]
    lines += [
        f"the loss falls fastest at {result.steepest:.2e}",
        f"a tenth of the rate with the lowest loss is {'at most ' if is_first else ''}"
        f"{result.tenth_of_minimum:.2e}",
        f"suggestion: {result.suggestion:.2e}, {result.rule}",
    ]
    if factor != 1:
        lines.append(
            f"on {_count(num_replicas, 'replica')}, where the config's rate counts "
            f"{factor:g} times"
        )
    lines.append(f"  --optimizer.learning-rate {result.suggestion / factor:.2e}")
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
