"""Times against calls that are known to take long, and rows that name their conditions."""

from __future__ import annotations

import gc
import time
from dataclasses import replace

import pytest
import torch

from bench.config.loading import load_config
from bench.measuring.networks import random_target, supernet_target
from bench.measuring.timing import Conditions, machine_record, measure, time_targets
from bench.measuring.workload import Workload, inference, update

TINY = load_config(
    "smoke",
    [
        "data.frames=2",
        "data.size=8",
        "data.shift=0",
        "space.nodes=1",
        "space.channels=4",
        "train.batch=3",
        "search.batch=2",
    ],
)
ONCE = Conditions("cpu", warmup=1, repeats=3)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def target():
    return random_target("rnas_mer_3", TINY, classes=3, seed=0, draws=1)


@pytest.fixture(scope="module")
def timings(target):
    return time_targets([target], [1, 4], ONCE, unheard)


def unheard(*progress):
    pass


class TestMeasure:
    def test_calls_as_often_as_said(self):
        calls = []
        measure(lambda: calls.append(1), "cpu", warmup=4, repeats=7)
        assert len(calls) == 11

    def test_quartiles_are_those_of_the_calls_after_the_warm_up(self, monkeypatch):
        """A clock that the call itself moves on: no call depends on how busy the machine is."""
        clock = [0.0]
        durations = iter([99.0, 1.0, 2.0, 3.0, 4.0, 5.0])  # seconds; the first is the warm-up's
        monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

        def call():
            clock[0] += next(durations)

        spread = measure(call, "cpu", warmup=1, repeats=5)
        assert (spread.q1_ms, spread.median_ms, spread.q3_ms) == (2000, 3000, 4000)
        assert spread.iqr_ms == 2000

    def test_is_at_least_what_the_call_sleeps(self):
        spread = measure(lambda: time.sleep(0.01), "cpu", warmup=1, repeats=3)
        assert spread.q1_ms >= 10

    def test_the_garbage_collector_rests_and_goes_on(self):
        seen = []
        measure(lambda: seen.append(gc.isenabled()), "cpu", warmup=0, repeats=3)
        assert seen == [False] * 3
        assert gc.isenabled()


class TestRows:
    def test_are_inference_at_every_batch_and_a_training_step(self, timings):
        assert [(row.what, row.batch) for row in timings.rows] == [
            ("inference", 1),
            ("inference", 4),
            ("training step", 3),
        ]

    def test_name_their_conditions(self, timings):
        for row in timings.rows:
            assert (row.variant, row.network) == ("rnas_mer_3", "derived network")
            assert row.origin == "1 of 2000 random genotypes, of median size, seed 0"
            assert row.clip == (3, 2, 8, 8)
            assert (row.precision, row.memory_format) == ("fp32", "channels_last_3d")
            assert (row.compiled, row.machine) == ("off", "alone")
            assert (row.warmup, row.repeats) == (1, 3)
            assert row.peak_mb is None

    def test_hold_together(self, timings):
        for row in timings.rows:
            assert 0 < row.q1_ms <= row.median_ms <= row.q3_ms
            assert row.iqr_ms == row.q3_ms - row.q1_ms
            assert row.clips_per_s == pytest.approx(1000 * row.batch / row.median_ms)

    def test_stand_below_the_machine(self, timings):
        assert timings.machine["device"] == "cpu"
        assert timings.machine["threads"] == 1
        assert timings.machine["torch"] == torch.__version__
        assert timings.machine["cpu"]
        assert timings.machine["version"]

    @pytest.mark.parametrize("evaluation", ["fast", "reference"])
    def test_of_a_supernet_are_a_search_step(self, evaluation):
        target = supernet_target("rnas_mer_3", TINY, classes=3).computed(evaluation)
        (row,) = time_targets([target], [1, 4], ONCE, unheard).rows
        assert (row.what, row.batch) == ("search step", 2)
        assert row.network == f"supernet, {evaluation} evaluation"

    def test_of_several_targets_follow_one_another(self, target):
        again = random_target("rnas_mer_1", TINY, classes=3, seed=0, draws=1)
        heard = []
        rows = time_targets([target, again], [2], ONCE, lambda *p: heard.append(p)).rows
        assert [row.variant for row in rows] == ["rnas_mer_3"] * 2 + ["rnas_mer_1"] * 2
        assert heard == [("measurements", done, 4) for done in (1, 2, 3, 4)]

    def test_of_several_genotypes_are_of_the_first_and_say_so(self):
        target = random_target("rnas_mer_3", TINY, classes=3, seed=0, draws=2)
        row = time_targets([target], [1], ONCE, unheard).rows[0]
        assert row.origin.endswith("seed 0, first of 2 networks")

    def test_in_other_arithmetic_say_so_and_it_is_used(self, target):
        other = target.computed(precision="bf16", channels_last=False)
        row = time_targets([other], [1], replace(ONCE, shared=True), unheard).rows[0]
        assert (row.precision, row.memory_format) == ("bf16", "contiguous")
        assert row.machine == "shared with other work"

    def test_in_half_precision_are_computed_so(self, target, monkeypatch):
        seen = set()
        network = target.workloads("cpu")[0].network()
        network.head.register_forward_hook(lambda *call: seen.add(call[2].dtype))
        monkeypatch.setattr(Workload, "network", lambda self: network)
        for precision in ("fp32", "bf16"):
            inference(target.computed(precision=precision).workloads("cpu")[0], 1)()
        assert seen == {torch.float32, torch.bfloat16}

    def test_reconstructions_say_so(self):
        target = random_target("automer_3d", TINY, classes=3, seed=0, draws=1)
        row = time_targets([target], [1], ONCE, unheard).rows[0]
        assert "reconstruction" in " ".join(row.marks)


class TestWorkloads:
    @pytest.fixture
    def workload(self, target):
        return target.workloads("cpu")[0]

    def test_inference_changes_nothing(self, workload, monkeypatch):
        network = workload.network()
        before = {name: value.clone() for name, value in network.state_dict().items()}
        monkeypatch.setattr(Workload, "network", lambda self: network)
        inference(workload, 2)()
        assert not network.training
        assert all(torch.equal(v, before[name]) for name, v in network.state_dict().items())

    def test_a_training_step_moves_every_weight(self, workload, monkeypatch):
        network = workload.network()
        before = [p.detach().clone() for p in network.parameters()]
        monkeypatch.setattr(Workload, "network", lambda self: network)
        update(workload, 3)()
        assert network.training
        assert not any(torch.equal(p, q) for p, q in zip(network.parameters(), before, strict=True))

    def test_a_search_step_moves_weights_and_architecture(self, monkeypatch):
        workload = supernet_target("rnas_mer", TINY, classes=3).workloads("cpu")[0]
        supernet = workload.network()
        parts = (supernet.weight_parameters(), supernet.architecture_parameters())
        before = [[p.detach().clone() for p in part] for part in parts]
        monkeypatch.setattr(Workload, "network", lambda self: supernet)
        update(workload, 2)()
        for part, values in zip(parts, before, strict=True):
            assert any(not torch.equal(p, q) for p, q in zip(part, values, strict=True))

    def test_are_the_same_every_time(self, workload):
        for first, second in zip(workload.batch(4), workload.batch(4), strict=True):
            assert torch.equal(first, second)
        weights = [list(workload.network().parameters()) for _ in range(2)]
        assert all(torch.equal(p, q) for p, q in zip(*weights, strict=True))


def test_machine_record_names_a_gpu_only_where_it_was_used():
    record = machine_record("cpu")
    assert (record["gpu"], record["cuda"]) == (None, None)
