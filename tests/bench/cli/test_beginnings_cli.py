"""What a network of a package begins with and answers: refused, or told beside the result."""

from __future__ import annotations

import pytest
from own_packages import installing
from tiny_runs import only_run

SOURCE = """
import torch
from torch import nn
from baselines.fixed import FixedNetwork, Recipe

class Net(nn.Sequential):  # 3 * 4 * 27 + 4 + 8 weights, then 15
    def __init__(self, classes):
        super().__init__(
            nn.Conv3d(3, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.AdaptiveAvgPool3d(1),
            nn.Flatten(), nn.Linear(4, classes),
        )

class Half(Net):  # its first layer could come from a file, which may have seen anybody
    def __init__(self, classes):
        super().__init__(classes)
        generator = torch.Generator().manual_seed(0)
        for weight in self[0].parameters():
            weight.data.normal_(generator=generator)

class Whole(Net):
    def __init__(self, classes):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            super().__init__(classes)

class Soft(Net):
    def forward(self, clips):
        return super().forward(clips).softmax(1)

def value(name, network, loss="cross_entropy", **told):
    recipe = Recipe("adam", 1e-2, epochs=1, batch=8, loss=loss)
    return FixedNetwork(name, "Mine", f"mine_net:{network}", "clip", recipe, **told)

HALF, TOLD = value("half", "Half"), value("told", "Half", pretraining="many faces")
WHOLE, SOFT = value("whole", "Whole"), value("soft", "Soft")
MARGIN = value("soft_margin", "Soft", "margin")
"""
ENTRIES = {
    **{"half": "mine_net:HALF", "told": "mine_net:TOLD", "soft_margin": "mine_net:MARGIN"},
    **{"whole": "mine_net:WHOLE", "soft": "mine_net:SOFT"},
}
SHARE = "96%"
"""328 of 343 weights that are no constants."""


@pytest.fixture(autouse=True)
def mine(tmp_path):
    with installing(tmp_path) as put:
        put(SOURCE, {"bench.variants": ENTRIES}, "mine_net")
        yield


def test_weights_that_begin_alike_are_told_beside_the_result(bench, runs):
    outcome = bench.small(runs, "half")
    assert outcome.code == 0, outcome.err
    assert f"{SHARE} of the weights begin alike with every seed" in outcome.out
    assert only_run(runs).json("metrics.json")["begins_alike"] == pytest.approx(328 / 343)
    assert f"begins alike: {SHARE} of the weights" in bench("tables", "--runs", runs).out
    assert bench("validate", runs).code == 0


@pytest.mark.parametrize("variant", ["told", "soft_margin"])
def test_declared_ones_and_probabilities_for_another_loss_are_not(bench, runs, variant):
    outcome = bench.small(runs, variant)
    assert outcome.code == 0, outcome.err
    assert "begin alike" not in outcome.out
    assert "begins_alike" not in only_run(runs).json("metrics.json")


@pytest.mark.parametrize(
    ("variant", "said"),
    [("whole", "the same trainable weights with every seed"), ("soft", "leave out the last")],
)
def test_others_are_refused_before_they_are_trained(bench, runs, variant, said):
    outcome = bench.small(runs, variant)
    assert outcome.code == 1 and said in outcome.err
    assert not list(only_run(runs).path.glob("folds/*.json"))
