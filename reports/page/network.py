"""Facts on a fixed network for the page of its run, read from `run.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from baselines.fixed import FixedNetwork, Recipe, StillInput
from bench.runs.record import RunRecord


def network_facts(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """(what, value) of a fixed network, with the recipe of this run; empty for other runs."""
    network = record.run.get("network")
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
    """The recorded network, without keys of other versions."""
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
