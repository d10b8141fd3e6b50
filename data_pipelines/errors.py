"""Errors that a user of the data pipelines can act on."""


class DataError(ValueError):
    """Bad data or a bad argument: one line naming what came and what is allowed."""
