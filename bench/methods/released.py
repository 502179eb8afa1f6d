"""`protocol.as_released`: scoring a fixed network as its released code does (no torch)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.config.settings import INNER_VAL, ORACLE, Config
from bench.methods import registry

OTHER_SETS = "other_sets"


def released_ways(variant: str, config: Config) -> tuple[str, ...]:
    """How a run follows the released code of its network, if that is asked for.

    Words of `baselines.fixed.RELEASED_WAYS`.
    """
    return registry.variant(variant).released_ways if config.protocol.as_released else ()


def released_config(variant: str, config: Config) -> Config:
    """The settings of a run with the selection rule of the released code, where asked for.

    Every file, mark and comparison then sees it as any other rule.
    """
    ways = released_ways(variant, config)
    changes: dict[str, Any] = {}
    if OTHER_SETS in ways:
        changes = {"selection": INNER_VAL}
    if ORACLE in ways:
        changes = {"selection": ORACLE}
    return replace(config, protocol=replace(config.protocol, **changes))


def trains_on_other_sets(variant: str, config: Config) -> bool:
    """Whether a fold is trained on the data sets that its test subject is not of."""
    return OTHER_SETS in released_ways(variant, config)
