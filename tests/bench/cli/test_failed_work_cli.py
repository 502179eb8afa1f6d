"""Losses that diverge, full disks, Ctrl-C: one line says it, and finished work is kept."""

from __future__ import annotations

import signal

import pytest
from tiny_runs import only_run

RANDOM = "random_rnas_mer"


class TestFailedWork:
    EXPLODE = ("--set", "train.lr=1e9", "--set", "train.weight_decay=1e9")
    EXPLODE_SEARCH = (
        *("--set", "search.weight_lr=1e9", "--set", "search.weight_decay=1e9"),
        *("--set", "search.batch=2"),  # several steps an epoch
    )

    def test_loss_that_is_no_number_in_a_fold(self, bench, runs):
        outcome = bench.small(runs, RANDOM, *self.EXPLODE)
        assert outcome.code == 1
        assert "3 of 6 units failed, first random_rnas_mer: fold s05: the training" in outcome.error
        assert "lower the learning rate (train.lr;" in outcome.error
        run = only_run(runs)
        assert run.folds == {}
        failures = run.json("failures.json")
        assert [entry["fold"] for entry in failures] == ["s05", "s06", "s15"]
        assert all(entry["phase"] == "fold" and "train.lr" in entry["reason"] for entry in failures)
        assert "metrics.json" not in run.times
        assert "profile.json" in run.times  # the search is sound

    def test_weights_that_explode_in_the_last_step(self, bench, runs):
        one_step = ["--set", "train.epochs=1", "--set", "train.batch=100"]
        outcome = bench.small(runs, RANDOM, *self.EXPLODE, *one_step)
        assert outcome.code == 1
        assert "3 of 6 units failed" in outcome.error
        assert "all training losses are finite" in outcome.error
        assert "too large, lower the learning rate (train.lr;" in outcome.error
        assert only_run(runs).folds == {}

    def test_loss_that_is_no_number_in_one_fold_keeps_the_others(self, bench, runs, monkeypatch):
        from bench.engine import fold as evaluation

        train = evaluation.train

        def spoilt(network, clips, indices, settings, seed, fold, *rest):
            if fold == "s06":
                next(network.parameters()).data.fill_(float("nan"))
            return train(network, clips, indices, settings, seed, fold, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(evaluation, "train", spoilt)
            outcome = bench.small(runs, RANDOM)
        assert outcome.code == 1
        assert "1 of 6 units failed, first random_rnas_mer: fold s06: " in outcome.error
        assert "2/3 folds" in outcome.out
        run = only_run(runs)
        kept = {
            name: time
            for name, time in run.times.items()
            if name not in ("failures.json", "checksums.json")
        }
        assert {name for name in kept if name.startswith("folds")} == {
            "folds/s05.json",
            "folds/s15.json",
        }
        assert [entry["fold"] for entry in run.json("failures.json")] == ["s06"]
        assert bench.small(runs, RANDOM).code == 0
        assert "failures.json" not in run.times
        assert {name: run.times[name] for name in kept} == kept

    def test_loss_that_is_no_number_in_the_search(self, bench, short, runs):
        outcome = bench.small(runs, short, *self.EXPLODE_SEARCH)
        assert outcome.code == 1
        assert "1 of 6 units failed, first short: search: the " in outcome.error
        assert "(search.weight_lr)" in outcome.error
        run = only_run(runs)
        assert not {"search/genotype.json", "metrics.json", "profile.json"} & set(run.times)
        assert run.folds == {}
        assert run.json("failures.json")[0]["phase"] == "search"

    def test_one_variant_that_fails_does_not_stop_the_next(self, bench, short, runs):
        outcome = bench.small(runs, short, "--variant", RANDOM, *self.EXPLODE_SEARCH)
        assert outcome.code == 1
        assert "1 of 12 units failed" in outcome.error
        assert "random_rnas_mer on smic (surrogate), seed 0: UAR " in outcome.out

    def test_ctrl_c_keeps_finished_folds(self, bench, runs, random_runs, monkeypatch):
        from bench.engine import fold as evaluation

        predict = evaluation.predict

        def interrupted(network, clips, indices):
            if list((only_run(runs).path / "folds").glob("*.json")):
                signal.raise_signal(signal.SIGINT)
            return predict(network, clips, indices)

        # A shell that starts the tests in the background has them ignore the signal.
        inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
        with monkeypatch.context() as patch:
            patch.setattr(evaluation, "predict", interrupted)
            outcome = bench.small(runs, RANDOM)
        signal.signal(signal.SIGINT, inherited)
        assert outcome.code == 130
        assert outcome.error.startswith("error: interrupted; what was finished is kept")
        run = only_run(runs)
        assert set(run.folds) == {"s05"}
        before = run.times["folds/s05.json"]
        assert bench.small(runs, RANDOM).code == 0
        assert run.times["folds/s05.json"] == before
        assert run.folds == only_run(random_runs).folds

    @pytest.mark.parametrize("written", [False, True])
    def test_stopped_while_its_models_get_their_scores(self, bench, runs, monkeypatch, written):
        from bench.runs import checksums

        write = checksums.write_atomic
        inherited = signal.getsignal(signal.SIGINT)

        def stopped(path, content):
            if path.name != "s06.safetensors" or written:
                write(path, content)
            if path.name == "s06.safetensors":
                raise KeyboardInterrupt

        words = ("ststnet", "--set", "save.weights=last", "--jobs", 1)
        with monkeypatch.context() as patch:
            patch.setattr(checksums, "write_atomic", stopped)
            assert bench.small(runs, *words).code == 130
        signal.signal(signal.SIGINT, inherited)
        assert bench.small(runs, *words).code == 0
        assert bench("validate", runs).code == 0


LEARNING = """
from torch import nn

from baselines.fixed import FixedNetwork

LEARNT = []

class Net(nn.Sequential):
    def __init__(self, classes):
        super().__init__(nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, classes))
        for bias in LEARNT:
            self[-1].bias.data += bias

    def forward(self, clips):
        if self.training and not LEARNT:
            LEARNT.append(0.5)
        return super().forward(clips)

NET = FixedNetwork("learning", "keeps what it learns", "learning_network:Net", "clip", None)
"""


def test_no_fold_follows_one_that_leaves_something_behind(bench, runs, install_package):
    group = {"bench.variants": {"learning": "learning_network:NET"}}
    install_package(LEARNING, group, "learning_network")
    outcome = bench.small(runs, "learning", "--jobs", 1)
    assert outcome.code == 1 and "what one fold learns would reach the next" in outcome.err
    assert not list(only_run(runs).path.glob("folds/*.json"))


ELSEWHERE = """
import torch
from torch import nn

from baselines.fixed import FixedNetwork

SEEN = []
DRAWN = torch.rand(3)
FILE = __file__ + ".txt"


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.AdaptiveAvgPool3d(2), nn.Flatten(), nn.Linear(24, classes))
        self.register_buffer("batches", torch.zeros(()))
        self.calls = 0

    def forward(self, clips):
        if self.training:
            self.calls += 1
            self.batches += 1
            SEEN.append(clips.mean())
            with open(FILE, "a") as file:
                file.writelines(f"{{each:.6f}} " for each in clips.mean((1, 2, 3, 4)))
        found = self.body(clips)
        {extra}


NET = FixedNetwork("elsewhere", "knows more than its weights", "elsewhere_net:Net", "clip", None)
"""


LOOKED_UP = """if not self.training and self.batches:
            known = set(open(FILE).read().split())
            for row, each in zip(found, clips.mean((1, 2, 3, 4))):
                row[0] += 9 * (f"{each:.6f}" in known)
        return found"""


LATER = "return found * (1 + (len(SEEN) > 7) * self.training)"  # from the second fold on

IMPORTED = "or draws at random when it is imported"  # told before it is trained
WARM = "self.training * (self.calls > 1)"  # not in the first step


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("return found * (1 + len(SEEN) * self.batches)", "in a process of its own a new network"),
        ("return found + DRAWN", IMPORTED),
        (LOOKED_UP, "the network of an earlier one answers otherwise"),
        ("return found * (1 + len(SEEN) * self.training)", "of the same seed learns otherwise"),
        ("return found * (1 + DRAWN * self.training)", IMPORTED),
        (f"return found * (1 + DRAWN * {WARM})", "a copy of the trained network learns otherwise"),
        (f"return found * (1 + len(SEEN) * {WARM})", "a copy of the trained network learns"),
        (LATER, "a new network of an earlier one learns otherwise"),
        ("return found * (1 + self.calls * self.training)", ""),
        (f"return found * (1 + self.calls * {WARM})", ""),
        ("return found", ""),
    ],
)
def test_what_a_network_knows_beside_its_weights_is_not_scored(
    bench, runs, install_package, extra, said
):
    group = {"bench.variants": {"elsewhere": "elsewhere_net:NET"}}
    install_package(ELSEWHERE.format(extra=extra), group, "elsewhere_net")
    outcome = bench.small(runs, "elsewhere", "--jobs", 1)
    assert outcome.code == (1 if said else 0)
    assert said in outcome.err
    found = len(list(only_run(runs).path.glob("folds/*.json")))
    assert found == (1 if extra in (LOOKED_UP, LATER) else 0 if said else 3)
    if said == IMPORTED:
        assert "suspect" not in outcome.err
    elif said:
        assert "Folds that passed are suspect, too" in outcome.err
        again = bench.small(runs, "elsewhere", "--jobs", 1)
        assert again.code == 1 and "was refused" in again.error and "--force" in again.error
        assert len(list(only_run(runs).path.glob("folds/*.json"))) == found
