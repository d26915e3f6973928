"""Fixtures that every test may use."""

import os
import signal
from pathlib import Path

import hypothesis
import pytest

# Before torch is imported: the workers already use every core, and more threads would only fight.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test is timed: a busy machine is no failure.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# A job that a script starts in the background ignores SIGINT, and so do its children; the tests
# that interrupt are about what happens otherwise.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def golden() -> Path:
    """Numbers of the original code that the project carries."""
    return Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of oracle numbers and data beside the checkout."""
    folder = Path(__file__).resolve().parents[1].parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared (oracle numbers and data), which is not part of the product")
    return folder
