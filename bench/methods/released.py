"""`protocol.as_released`: scoring a fixed network as its released code does (no torch)."""

from __future__ import annotations

from dataclasses import replace

from bench.config.settings import INNER_VAL, ORACLE, Config
from bench.methods import registry

OTHER_SETS = "other_sets"


def released_ways(variant: str, config: Config) -> tuple[str, ...]:
    """What a run does as the released code of its network, and not as the harness: words of
    `baselines.fixed.RELEASED_WAYS`; none unless it is asked for."""
    network = registry.variant(variant).network
    return network.released_ways if network and config.protocol.as_released else ()


def released_config(variant: str, config: Config) -> Config:
    """The settings of a run with the selection rule of the released code, where that is asked
    for: then every file, mark and comparison sees it as any other rule."""
    ways = released_ways(variant, config)
    rule = config.protocol.selection
    if OTHER_SETS in ways:
        rule = INNER_VAL
    if ORACLE in ways:
        rule = ORACLE
    return replace(config, protocol=replace(config.protocol, selection=rule))


def trains_on_other_sets(variant: str, config: Config) -> bool:
    """Whether a fold is trained on the data sets that its test subject is not of."""
    return OTHER_SETS in released_ways(variant, config)
