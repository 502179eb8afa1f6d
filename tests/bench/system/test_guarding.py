"""What a package's network changes of the process is set back after each call, and said once."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from bench.system.entry_points import forget
from bench.system.guarding import PROCESS, guard


class Meddling(nn.Linear):
    """Changes all that it can; with a batch of one clip it then fails."""

    def forward(self, clips):
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.set_float32_matmul_precision("medium")
        torch.set_flush_denormal(True)
        torch.backends.mkldnn.enabled = False
        torch.backends.cudnn.enabled = False
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.deterministic = True
        np.seterr(all="raise")
        if len(clips) == 1:
            raise RuntimeError("a single clip")
        return nn.functional.linear(clips, self.weight)


@pytest.mark.parametrize("carried", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
@pytest.mark.parametrize("clips", [1, 2])
def test_all_is_set_back_and_said_once(capsys, carried, clips):
    forget()
    before, module = [setting.read() for setting in PROCESS], Meddling(2, 2)
    guard(module, "network bad of package theirs")
    for _ in range(2):
        try:
            carried(module)(torch.rand(clips, 2))
        except RuntimeError:
            assert clips == 1
        assert [setting.read() for setting in PROCESS] == before
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(PROCESS) - 1  # but the current folder
    assert all(line.startswith("warning: network bad of package theirs changed ") for line in said)


def test_one_that_only_draws_is_not_blamed(capsys):
    module = nn.Dropout(0.5)
    guard(module, "network good of package theirs")
    state = torch.get_rng_state()
    module(torch.rand(2, 2))
    assert not torch.get_rng_state().equal(state)
    assert capsys.readouterr().err == ""
