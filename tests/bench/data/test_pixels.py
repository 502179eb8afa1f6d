"""Levels that make up a frame."""

from __future__ import annotations

import numpy as np
import pytest

from bench.data.pixels import few_levels


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_few_levels_are_counted_without_rare_ones(dtype):
    many = np.repeat(np.arange(200, dtype=dtype), 100).reshape(100, 100, 2)  # each 1 in 200
    assert few_levels(many) == 0
    assert few_levels(many // 20) == 10
    assert few_levels(np.where(many == 199, 99, many // 20)) == 10
    assert few_levels(np.where(many >= 197, 99, many // 20)) == 11
    assert few_levels(many % 16) == 16 and few_levels(many % 17) == 0
    assert few_levels(np.zeros_like(many)) == 0
