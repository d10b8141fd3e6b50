"""Classes are told apart by name: from one source's order to another's."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from data_pipelines.errors import DataError

if TYPE_CHECKING:
    import numpy as np


def align_classes(found: Sequence[str], wanted: Sequence[str]) -> "np.ndarray":
    """Returns where each wanted class is among those found.

    TensorFlow Datasets counts dandelion, daisy, tulips, sunflowers, roses, the codelab
    daisy, dandelion, roses, sunflowers, tulips; a model of one scores on the other by
    `probabilities[:, align_classes(model_names, data_names)]`.

    Args:
        found: Class names in the order of a model's outputs.
        wanted: The same names in the order of the labels to compare with.

    Returns:
        int64 (number of classes,): `found[result[i]] == wanted[i]` for all i.

    Raises:
        DataError: a name is on one side only, or twice on one side.
    """
    import numpy as np

    for names in (found, wanted):
        if len(set(names)) < len(names):
            raise DataError(f"class names must differ from each other; got {[*names]}")
    if set(found) != set(wanted):
        lacking = sorted(set(wanted) - set(found))
        surplus = sorted(set(found) - set(wanted))
        raise DataError(
            f"the classes are not the same: {', '.join(lacking[:5]) or 'none'} not "
            f"known to the model, {', '.join(surplus[:5]) or 'none'} not in the data"
        )
    places = {name: place for place, name in enumerate(found)}
    return np.array([places[name] for name in wanted], np.int64)
