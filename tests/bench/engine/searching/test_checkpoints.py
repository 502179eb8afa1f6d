"""The state of an unfinished search: it says whose it is, and damage to any of it is seen."""

from __future__ import annotations

import pytest
import torch

from bench.engine.searching.checkpoints import load_checkpoint, save_checkpoint
from bench.errors import BenchError

ABOUT = {"run": {"variant": "rnas_mer", "seed": 0}, "data": "ab12", "fold": "", "epochs": 4}


@pytest.fixture
def saved(tmp_path):
    file = tmp_path / "checkpoint.pt"
    save_checkpoint(file, ABOUT, {"weights": torch.arange(64.0), "rows": [1]})
    return file


def test_comes_back_as_it_was(saved):
    state = load_checkpoint(saved, ABOUT, sealed=True)
    assert torch.equal(state["weights"], torch.arange(64.0)) and state["rows"] == [1]


def test_no_bit_of_it_can_be_flipped(saved):
    whole = saved.read_bytes()
    for place in range(0, len(whole), 29):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        saved.write_bytes(damaged)
        with pytest.raises(BenchError, match="move it elsewhere and repeat"):
            load_checkpoint(saved, ABOUT, sealed=True)


@pytest.mark.parametrize("size", [0, 20, 1000])
def test_cut_short(saved, size):
    saved.write_bytes(saved.read_bytes()[:size])
    with pytest.raises(BenchError, match="cannot be read"):
        load_checkpoint(saved, ABOUT, sealed=True)


@pytest.mark.parametrize(
    "other", [{"run": {"variant": "rnas_mer", "seed": 1}}, {"data": "cd34"}, {"epochs": 5}]
)
def test_of_another_search(saved, other):
    with pytest.raises(BenchError, match="state of another search"):
        load_checkpoint(saved, {**ABOUT, **other}, sealed=True)


def test_earlier_versions_wrote_the_state_alone(saved):
    torch.save({"rows": [1, 2]}, saved)
    assert load_checkpoint(saved, ABOUT, sealed=False)["rows"] == [1, 2]
    with pytest.raises(BenchError, match="cannot be read"):
        load_checkpoint(saved, ABOUT, sealed=True)
