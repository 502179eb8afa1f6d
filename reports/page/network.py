"""Facts on a fixed network for the page of its run, read from `run.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baselines.fixed import Recipe
from bench.runs.record import RunRecord


def network_facts(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """(what, value) of a fixed network, with the recipe of this run; empty for other runs."""
    network = record.fixed_network
    if network is None:
        return ()
    facts = {
        "module": network.network,
        "options": ", ".join(f"{name}={value}" for name, value in network.options),
        **network.facts,
        "recipe": _recipe(record.training),
    }
    return tuple((what, text) for what, text in facts.items() if text)


def _recipe(settings: Mapping[str, Any]) -> str:
    if "optimiser" in settings:
        return Recipe(**settings).text
    return (
        f"as derived networks: SGD {settings['lr']:g}, cosine, batch {settings['batch']}, "
        f"{settings['epochs']} epochs"
    )
