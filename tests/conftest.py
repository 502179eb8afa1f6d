"""What tests of several packages need."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # no test asserts a time
settings.load_profile("untimed")


@pytest.fixture
def one_thread():
    """torch on one thread: faster for small tensors, and the same sums on every machine.

    What the test draws from torch's global generator is forgotten afterwards.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        yield
    torch.set_num_threads(threads)
