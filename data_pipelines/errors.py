"""Errors that a user of the data pipelines can act on."""


class DataError(ValueError):
    """Bad data or a bad argument: one line naming what came and what is allowed."""


class UnreadableError(DataError):
    """A file that the system would not read now; it may at another time."""
