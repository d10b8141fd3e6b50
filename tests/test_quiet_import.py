"""TensorFlow starts without a word, unless a word was asked for or matters."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kerastpu import quiet_import

INFORMATION = b"I0000 00:00:1795865700.730792   28064 port.cc:153] oneDNN is on.\n"
ERROR = b"2026-11-28 11:00:00.123456: E external/xla/cuda_fft.cc:467] no factory\n"
FATAL = b"F0000 00:00:1795865700.730792   28064 cpu.cc:1] needs AVX\n"
PLAIN = b"Illegal instruction\n"


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        (0, [INFORMATION, ERROR, FATAL, PLAIN]),
        (2, [ERROR, FATAL, PLAIN]),
        (3, [FATAL, PLAIN]),
    ],
)
def test_what_is_below_the_level_goes_and_all_else_stays(level, kept):
    assert quiet_import.keep([INFORMATION, ERROR, FATAL, PLAIN], level) == kept


def run(code, **variables):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-c", "from kerastpu import backend\n" + code],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("variables", [{}, {"TF_CPP_MIN_LOG_LEVEL": "3"}])
def test_tensorflow_starts_without_a_word_and_errors_are_shown_again(variables):
    done = run(
        "backend.select('tensorflow'); import sys, tensorflow\n"
        "print(tensorflow.__spec__.loader.__class__.__name__)\n"
        "print('seen', file=sys.stderr)",
        **variables,
    )
    assert done.stdout.splitlines() == ["SourceFileLoader"]
    assert done.stderr.splitlines() == ["seen"]


def test_an_import_that_fails_shows_what_it_wrote(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import sys; print('a word', file=sys.stderr); raise ImportError('broken')"
    )
    done = run(
        "backend.select('tensorflow'); import tensorflow",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(Path.cwd())]),
    )
    assert "a word" in done.stderr
    assert "ImportError: broken" in done.stderr


def test_an_engine_that_others_hide_stays_hidden():
    done = run(
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'tensorflow': raise ImportError('hidden')\n"
        "backend.select('tensorflow')\n"
        "sys.meta_path.append(Hide())\n"
        "sys.meta_path.insert(1, sys.meta_path.pop())\n"
        "import tensorflow"
    )
    assert "ImportError: hidden" in done.stderr
