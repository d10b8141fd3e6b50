"""Shared fixtures, and the rule that a test may be skipped only for a known reason."""

import os

# The tests count on one CPU device; several are simulated in processes of their own.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

ALLOWED_SKIPS = (
    "KERASTPU_DATA is not set",
    "runs as root, whom permissions do not stop",
)
_refused: list[str] = []


def pytest_runtest_logreport(report):
    """Notes every skip whose reason is not on the list."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "unknown"
    if not any(allowed in reason for allowed in ALLOWED_SKIPS):
        _refused.append(f"{report.nodeid}: {reason}")


def pytest_terminal_summary(terminalreporter):
    """Prints the skips that fail the run."""
    for line in _refused:
        terminalreporter.write_line(f"SKIP NOT ALLOWED {line}", red=True)


def pytest_sessionfinish(session, exitstatus):
    """Fails a run that skipped a test for a reason that is not on the list."""
    if _refused and exitstatus == 0:
        session.exitstatus = 1
