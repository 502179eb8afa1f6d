"""What the page of a run says of a fixed network, read from its `run.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baselines.fixed import Recipe, StillInput
from bench.store import RunRecord


def network_facts(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """(what, value) of a fixed network; nothing for one that was searched or drawn."""
    network = record.run.get("network")
    if not network:
        return ()
    options = ", ".join(f"{name}={value}" for name, value in network.get("options", ()))
    named = (
        ("module", network["network"]),
        ("options", options),
        ("reference", network.get("reference")),
        ("input", _input(network["input"])),
        ("training", _recipe(network["recipe"])),
        ("parameters", f"{network['params']:,}"),
        ("pretraining of the published scores", network.get("pretraining")),
        ("epoch that the released code scores", network.get("released_selection")),
        ("our deviations", "; ".join(network.get("deviations", ()))),
    )
    return tuple((name, str(value)) for name, value in named if value)


def _input(wanted: str | Mapping[str, Any]) -> str:
    return wanted if isinstance(wanted, str) else StillInput(**wanted).text


def _recipe(settings: Mapping[str, Any]) -> str:
    if "optimiser" in settings:
        return Recipe(**settings).text
    return (
        f"as derived networks: SGD {settings['lr']:g}, cosine, batch {settings['batch']}, "
        f"{settings['epochs']} epochs"
    )
