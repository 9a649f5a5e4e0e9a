"""The suite itself runs without a network."""

import socket

import pytest


def test_no_connection_leaves_this_machine():
    with socket.socket() as one, pytest.raises(OSError, match="a test tried to reach"):
        one.connect(("192.0.2.1", 80))
