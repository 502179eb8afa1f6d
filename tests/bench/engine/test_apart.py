"""A network of a package in a process of its own: weights that do not fit are one short reason."""

from __future__ import annotations

import pytest
from torch import nn

from bench.engine.apart import take_weights
from bench.errors import SuspectError


def branches(*kernels: int) -> nn.Module:
    return nn.ModuleList(nn.Conv3d(2, 2, kernel) for kernel in kernels)


@pytest.mark.parametrize(
    ("own", "there"),
    [
        (branches(*range(1, 12)), branches(*range(11, 0, -1))),  # another order
        (branches(1, 3), nn.ModuleDict({"one": nn.Linear(2, 2), "two": nn.Linear(2, 2)})),
    ],
)
def test_modules_of_another_order_or_name_are_one_short_reason(own, there):
    take_weights(branches(1, 3), branches(1, 3).state_dict())
    with pytest.raises(SuspectError, match="modules have other names or sizes") as told:
        take_weights(there, own.state_dict())
    assert len(str(told.value)) < 500 and "\n" not in str(told.value)
