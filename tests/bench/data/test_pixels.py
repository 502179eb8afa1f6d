"""Levels that make up a frame."""

from __future__ import annotations

import numpy as np
import pytest

from bench.data.pixels import main_levels


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_rare_levels_are_left_out(dtype):
    frame = np.repeat(np.arange(200, dtype=dtype), 100).reshape(100, 100, 2)  # each 1 in 200
    assert main_levels(frame) == 198
    assert main_levels(np.where(frame < 3, 7, frame)) == 195
    assert main_levels(np.zeros_like(frame)) == 1
