"""Commands of `kerastpu` that a test runs in its own process."""

from kerastpu.cli.main import main


def succeed(capsys, *arguments):
    """Returns what a command printed that has to succeed."""
    assert main([*map(str, arguments)]) == 0
    return capsys.readouterr().out


def fail(capsys, *arguments):
    """Returns the exit code and the one line of a command that has to fail."""
    code = main([*map(str, arguments)])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    return code, captured.err
