"""Every lab runs; no playground passes its checks unsolved, every solution does.

One run for each lab: before each solution stands its check, which has to fail there.
"""

import pytest

from labs_build import lab, rules, trial

LABS = lab.scripts()


@pytest.mark.parametrize("script", LABS, ids=lambda path: path.stem)
def test_lab_runs_and_its_exercises_are_exercises(script):
    outputs = trial.run(lab.load(script)).outputs
    assert outputs["checks"][-1].text.splitlines()[-1] == "all checks passed"
    for number in range(1, rules.NUM_EXERCISES + 1):
        printed = outputs[f"exercise-{number}-unsolved"][-1].text
        assert printed.splitlines()[-1].startswith("unsolved:"), printed
