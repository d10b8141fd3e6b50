"""A lab's check says what it checks, and stops the lab where that does not hold."""

import numpy as np
import pytest

from kerastpu import checking


def test_a_claim_that_holds_is_printed(capsys):
    checking.check(np.bool_(True), "1 + 1 = 2")
    assert capsys.readouterr().out == "ok: 1 + 1 = 2\n"


def test_a_claim_that_does_not_hold_is_an_error_that_repeats_it():
    with pytest.raises(checking.CheckError, match="not so: 1 \\+ 1 = 3"):
        checking.check(np.bool_(False), "1 + 1 = 3")
