"""What a run's page says of a fixed network is what listings say of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from baselines.peers import PEERS
from bench.methods.variants import WITHOUT_EFFECT
from bench.runs.record import RunRecord
from reports.page.network import network_facts


def record_of(network):
    return RunRecord(
        folder=Path("run"),
        dataset="smic",
        surrogate=True,
        variant="x",
        preset="smoke",
        config_hash="a",
        seed=0,
        folds=("s01",),
        network=network,
    )


@pytest.mark.parametrize("entry", PEERS, ids=lambda entry: entry.name)
def test_a_recorded_network_says_what_its_variant_says(entry):
    recipe = entry.recipe or {"lr": 0.1, "batch": 8, "epochs": 3}
    recorded = {**asdict(entry), "recipe": recipe if isinstance(recipe, dict) else asdict(recipe)}
    recorded = {key: value for key, value in recorded.items() if key not in WITHOUT_EFFECT}
    found = dict(network_facts(record_of(json.loads(json.dumps(recorded)))))
    stated = {what: text for what, text in entry.facts.items() if what not in ("marks", "recipe")}
    assert {what: found[what] for what in stated} == stated
    assert found["module"] == entry.network
    assert found["recipe"] == (
        entry.recipe.text
        if entry.recipe
        else "as derived networks: SGD 0.1, cosine, batch 8, 3 epochs"
    )


def test_a_searched_network_has_no_such_facts():
    assert network_facts(record_of(None)) == ()
