"""What the page of a run says of a fixed network, read from its `run.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from baselines.fixed import FixedNetwork, Recipe, StillInput
from bench.runs.record import RunRecord


def network_facts(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """(what, value) of a fixed network as listings have them, with the recipe of this very run;
    nothing for one that was searched or drawn."""
    network = record.network
    if not network:
        return ()
    facts = {
        "module": network["network"],
        "options": ", ".join(f"{name}={value}" for name, value in network.get("options", ())),
        **_stated(network).facts,
        "recipe": _recipe(network["recipe"]),
    }
    return tuple((what, text) for what, text in facts.items() if text)


def _stated(network: Mapping[str, Any]) -> FixedNetwork:
    """The value that was recorded, whatever is recorded besides."""
    known = {each.name: network[each.name] for each in fields(FixedNetwork) if each.name in network}
    wanted = network["input"]
    seen = wanted if isinstance(wanted, str) else _still(wanted)
    return FixedNetwork(**{"summary": "", **known, "input": seen, "recipe": None})


def _still(recorded: Mapping[str, Any]) -> StillInput:
    shares = tuple(recorded.get("amplifications", ()))
    return StillInput(**{**recorded, "amplifications": shares})


def _recipe(settings: Mapping[str, Any]) -> str:
    if "optimiser" in settings:
        return Recipe(**settings).text
    return (
        f"as derived networks: SGD {settings['lr']:g}, cosine, batch {settings['batch']}, "
        f"{settings['epochs']} epochs"
    )
