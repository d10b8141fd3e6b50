"""Scores agree with scikit-learn and with the textbook."""

import numpy as np
import pytest
from sklearn import metrics

from kerastpu import evaluation


@pytest.fixture
def scored():
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 200)
    logits = random.normal(size=(200, 4)) + 1.5 * np.eye(4)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = ("a", "b", "c", "d")
    return probabilities, labels, evaluation.evaluate(probabilities, labels, names)


def test_scores_equal_scikit_learns(scored):
    probabilities, labels, result = scored
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, count = metrics.precision_recall_fscore_support(
        labels, predicted
    )
    np.testing.assert_allclose([s.precision for s in result.classes], precision)
    np.testing.assert_allclose([s.recall for s in result.classes], recall)
    np.testing.assert_allclose([s.f1 for s in result.classes], f1)
    assert [s.count for s in result.classes] == count.tolist()
    assert result.accuracy == metrics.accuracy_score(labels, predicted)
    assert result.loss == pytest.approx(metrics.log_loss(labels, probabilities))
    matrix = metrics.confusion_matrix(labels, predicted)
    np.testing.assert_array_equal(result.confusion, matrix)


def test_absent_class_has_no_scores_and_does_not_count():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])
    result = evaluation.evaluate(probabilities, np.array([0, 1]), ("a", "b", "c"))
    absent = result.classes[2]
    assert (absent.count, absent.precision, absent.recall, absent.f1) == (0,) + (
        None,
    ) * 3
    assert result.macro_f1 == 1.0


def test_wilson_interval_of_the_textbook():
    # Newcombe (1998), table I: 81 of 263 -> 0.2553 to 0.3662; 0 of 20 -> 0 to 0.1611.
    assert evaluation.wilson_interval(81, 263) == pytest.approx(
        (0.2553, 0.3662), abs=1e-4
    )
    assert evaluation.wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)


def test_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(1)
    hits = random.binomial(100, 0.92, size=2000)
    covered = 0
    for right in hits:
        low, high = evaluation.wilson_interval(int(right), 100)
        covered += low <= 0.92 <= high
    assert 0.92 <= covered / 2000 <= 0.98


def test_no_images_is_an_error():
    with pytest.raises(ValueError, match="must be"):
        evaluation.evaluate(np.zeros((0, 2)), np.zeros(0, int), ("a", "b"))
