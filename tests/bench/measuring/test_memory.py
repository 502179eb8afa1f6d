"""Peak memory against tensors of known size, in real processes."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from bench.measuring import memory
from bench.measuring.memory import MEGA, measure_peaks
from bench.measuring.workload import Workload
from bench.methods.registry import variant
from rnas.derived import DerivedNetwork
from rnas.genotype import random_genotype
from rnas.sizes import count_parameters

SHAPE = (3, 4, 32, 32)
BATCH = 4


def padding_network(rows):
    """Pads every frame by rows of zeros: a tensor of known size, and next to nothing else (the
    interpreter and torch, hundreds of MB, must not count)."""
    return partial(
        nn.Sequential,
        nn.ConstantPad3d((0, 0, 0, rows, 0, 0), 0.0),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(3, 3),
    )


def padded_mb(rows):
    channels, frames, height, width = SHAPE
    return 4 * BATCH * channels * frames * (height + rows) * width / MEGA


@pytest.fixture(scope="module")
def large():
    return measure_peaks(Workload(padding_network(20_000), SHAPE, 3), BATCH)


def test_is_that_of_a_large_tensor(large):
    expected = padded_mb(20_000)
    assert expected > 100
    assert large.reason is None
    for found in (large.infer_mb, large.train_mb):
        assert expected - 1 < found < expected + 8  # the kernel's counts are approximate


def test_of_training_holds_weights_gradients_and_momentum():
    space = variant("rnas_mer").space
    genotype = random_genotype(space, random.Random(0))
    weights = 4 * count_parameters(space, genotype) / MEGA
    assert weights > 20
    build = partial(DerivedNetwork, space, genotype, 3)
    found = measure_peaks(Workload(build, (3, 2, 16, 16), 3), 2)
    assert weights <= found.infer_mb < 1.5 * weights
    assert 3 * weights <= found.train_mb < 3.5 * weights


def test_names_how_it_was_measured(large):
    record = large.to_dict()
    assert record["peak_batch"] == BATCH
    assert record["peak_device"] == "cpu"
    assert record["peak_threads"] == torch.get_num_threads()
    assert record["peak_measured_by"] == "resident set of a process of its own"
    assert "peak_reason" not in record


def test_work_that_needs_no_new_memory_has_a_peak_too():
    """Freed memory that is used again does not raise the resident set."""
    meter = memory._resident_meter(Workload(padding_network(0), SHAPE, 3))
    assert 0 <= meter(lambda: None) < 8 * MEGA


NO_PROC = """
from pathlib import Path
from bench.measuring import memory
memory.STATUS = memory.RESET = Path("/no/such/file")
memory.main()
"""


def test_without_proc_is_a_lower_bound_or_unknown(monkeypatch, large):
    monkeypatch.setattr(memory, "PROGRAM", ("-c", NO_PROC))
    monkeypatch.setattr(memory, "STATUS", Path("/no/such/file"))
    found = measure_peaks(Workload(padding_network(20_000), SHAPE, 3), BATCH)
    assert found.infer_mb is None or found.infer_mb < large.infer_mb + 8
    assert (found.infer_mb is None) <= (found.reason is not None)
    assert "ru_maxrss" in found.to_dict()["peak_measured_by"]


class TestWithoutAResult:
    """Null with a reason, never a wrong number."""

    def test_where_the_network_fails(self):
        found = measure_peaks(Workload(partial(nn.Linear, 5, 3), SHAPE, 3), BATCH)
        assert (found.infer_mb, found.train_mb) == (None, None)
        assert found.reason.startswith("RuntimeError: ")

    def test_where_the_process_is_killed(self, monkeypatch):
        """As the kernel does, short of memory."""
        dying = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        monkeypatch.setattr(memory, "PROGRAM", ("-c", dying))
        found = measure_peaks(Workload(padding_network(0), SHAPE, 3), BATCH)
        assert (found.infer_mb, found.train_mb) == (None, None)
        assert found.reason == "killed by signal 9, perhaps out of memory"

    def test_where_no_process_can_be_started(self, monkeypatch):
        monkeypatch.setattr(memory.sys, "executable", "/no/such/python")
        found = measure_peaks(Workload(padding_network(0), SHAPE, 3), BATCH)
        assert (found.infer_mb, found.train_mb) == (None, None)
        assert "No such file" in found.reason

    def test_where_it_takes_too_long(self, monkeypatch):
        monkeypatch.setattr(memory, "PATIENCE", 0.05)
        found = measure_peaks(Workload(padding_network(0), SHAPE, 3), BATCH)
        assert found.reason == "not measured within 0.05 s"

    def test_where_it_is_switched_off(self, monkeypatch):
        monkeypatch.setenv("BENCH_PEAKS", "off")
        record = measure_peaks(Workload(padding_network(0), SHAPE, 3), BATCH).to_dict()
        assert (record["peak_infer_mb"], record["peak_train_mb"]) == (None, None)
        assert record["peak_reason"] == "BENCH_PEAKS=off"
