"""Losses of a classifier's probabilities, for labels that are classes or mixtures."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kerastpu.config import LossConfig


@keras.saving.register_keras_serializable("kerastpu")
class ClassificationLoss(keras.losses.Loss):
    """Cross-entropy or focal loss with smoothed labels and weighted classes.

    An example of label distribution y, probabilities p and class weights w costs

        (w . y) * sum_c t_c * (1 - p_c)^gamma * -log p_c

    in nats, where t is y * w, scaled to sum 1 and smoothed. For one class that is the
    class's weight times the loss (what Keras's `class_weight` makes of it); for images
    that were mixed it is the mixture of what both images cost. Keras means it over the
    batch, on several replicas over the global batch.

    Sources: Szegedy et al., 2016, https://arxiv.org/abs/1512.00567 (smoothing);
    Lin et al., 2017, https://arxiv.org/abs/1708.02002 (focal loss).

    Args:
        num_classes: C.
        is_mixed: whether labels are distributions (B, C), as mixup and cutmix make
            them, instead of integers (B,) or (B, 1).
        label_smoothing: share of each label that is spread over all classes, 0..0.5.
        gamma: exponent on the wrong probability, 0..10; 0 is cross-entropy.
        class_weights: float (C,), above 0; None = 1 for each class.
        **kwargs: what every Keras loss takes, such as its name.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        is_mixed: bool = False,
        label_smoothing: float = 0.0,
        gamma: float = 0.0,
        class_weights: Sequence[float] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**{"name": "classification_loss", **kwargs})
        self.num_classes, self.is_mixed = num_classes, is_mixed
        self.label_smoothing, self.gamma = label_smoothing, gamma
        self.class_weights = None if class_weights is None else tuple(class_weights)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, so that a compiled model can be saved and loaded."""
        return super().get_config() | {
            "num_classes": self.num_classes,
            "is_mixed": self.is_mixed,
            "label_smoothing": self.label_smoothing,
            "gamma": self.gamma,
            "class_weights": self.class_weights,
        }

    def call(self, labels: Any, probabilities: Any) -> Any:
        """Returns the loss of each example, float (B,)."""
        if not self.is_mixed:
            labels = keras.ops.cast(keras.ops.reshape(labels, (-1,)), "int32")
            labels = keras.ops.one_hot(
                labels, self.num_classes, dtype=probabilities.dtype
            )
        if self.class_weights is None:
            return self._unweighted(labels, probabilities)
        labels = labels * np.asarray(self.class_weights, "float32")
        weights = keras.ops.sum(labels, axis=-1)
        # TensorFlow's gradient is right only for labels that sum to 1.
        labels = labels / keras.ops.maximum(weights, keras.config.epsilon())[:, None]
        return weights * self._unweighted(labels, probabilities)

    def _unweighted(self, labels: Any, probabilities: Any) -> Any:
        if not self.gamma:
            return keras.losses.categorical_crossentropy(
                labels, probabilities, label_smoothing=self.label_smoothing
            )
        return keras.losses.categorical_focal_crossentropy(
            labels,
            probabilities,
            alpha=1.0,
            gamma=self.gamma,
            label_smoothing=self.label_smoothing,
        )


def build_loss(
    config: LossConfig,
    num_classes: int,
    *,
    is_mixed: bool,
    class_weights: Sequence[float] | None = None,
) -> ClassificationLoss:
    """Builds the loss of `config`; its l1 and l2 are `kerastpu.regularization`'s.

    Args:
        config: name, smoothing, gamma.
        num_classes: C.
        is_mixed: whether labels are distributions (B, C) instead of integers (B,).
        class_weights: float (C,), mean 1 over the training examples; None = all 1.
    """
    return ClassificationLoss(
        num_classes,
        is_mixed=is_mixed,
        label_smoothing=config.label_smoothing,
        gamma=config.focal_gamma if config.name == "focal" else 0.0,
        class_weights=class_weights,
    )


def build_accuracy(*, is_mixed: bool) -> keras.metrics.Metric:
    """Builds the accuracy that goes with the labels, called "accuracy".

    Args:
        is_mixed: whether labels are distributions (B, C); the most probable class of
            the label then has to be that of the output.
    """
    if is_mixed:
        return keras.metrics.CategoricalAccuracy(name="accuracy")
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
