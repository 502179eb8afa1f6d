"""What tests of several packages need."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"  # one of them imports trio, which comes with selenium
from hypothesis import settings

# No test asserts a time. The examples are the same in every run, so that a change alone can make a
# test fail; `--hypothesis-profile thorough` tries new ones each time, four times as many.
settings.register_profile("quick", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=100)
settings.load_profile("quick")

if worker := os.environ.get("PYTEST_XDIST_WORKER"):  # the lock of a timing run lies in the cache
    os.environ["BENCH_CACHE"] = str(Path(os.environ.get("BENCH_CACHE", ".cache")) / worker)


gc.disable()  # until all is loaded


def pytest_collection_finish():
    """What is loaded by now stays: the collector need not go through it again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()


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
