"""Fixtures of the searches."""

import socket

import pytest


@pytest.fixture
def free_port():
    """A port of this machine that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
