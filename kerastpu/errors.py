"""Errors that a user can act on; the command line prints them as one line."""

from data_pipelines.errors import DataError


class KerastpuError(RuntimeError):
    """A job that cannot go on: one line naming what came and what is allowed."""


class UsageError(KerastpuError):
    """A command or an argument that makes no sense; exit code 2."""


class AcceleratorError(KerastpuError):
    """The accelerator that was asked for is not there or cannot do what is asked."""


class MissingExtraError(KerastpuError):
    """An optional dependency is absent; the message holds the pip line."""


USER_ERRORS = (KerastpuError, DataError)
