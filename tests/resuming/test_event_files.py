"""What TensorBoard shows is metrics.csv, each epoch once, however often it stopped."""

import breaks
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def test_curves_are_those_of_the_csv(tmp_path):
    config = breaks.config_of()
    assert breaks.stopped_at(tmp_path, config, 2 * breaks.STEPS + 3)
    _, _, rows = breaks.run(tmp_path, config)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    for name in ("loss", "val_loss", "accuracy", "learning_rate"):
        points = events.Scalars(name)
        assert [point.step for point in points] == list(range(1, len(rows) + 1))
        expected = [float(row[name]) for row in rows]
        assert [point.value for point in points] == pytest.approx(expected)
