"""Tests that take over two minutes: `make soak` sets DEPTHFLOW_SOAK and runs the files that use this module."""

import os

import pytest

SOAKING = bool(os.environ.get("DEPTHFLOW_SOAK"))
soak = pytest.mark.skipif(not SOAKING, reason="takes over two minutes: make soak")
