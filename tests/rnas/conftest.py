"""One thread and one seed, so that every figure in these tests repeats."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _repeatable(one_thread):
    torch.manual_seed(0)
