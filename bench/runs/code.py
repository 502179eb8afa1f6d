"""The code of installed packages that a run used, and whether it is still the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.data.sets.catalogue import DOOR
from bench.methods.operations import OPERATIONS
from bench.methods.registry import VARIANTS
from bench.methods.strategies import STRATEGIES
from bench.methods.variants import RANDOM_PREFIX, Variant
from bench.protocol.metrics import ENTRY_POINTS, METRIC
from bench.runs.record import RunFile
from bench.system.package_code import package_code
from bench.system.packages import brought


def code_used(
    variant: str,
    method: type[Variant],
    dataset: str | None,
    config: Mapping[str, Mapping[str, Any]],
    record: Mapping[str, Any],
) -> dict[str, str]:
    """`variant NAME` and the like -> SHA-256 of its source, of all that packages bring to a run.

    dataset: as `run.json` names the source; record: `space` and `network` of the method.
    """
    network, space = record["network"] or {}, record["space"] or {}
    built_from = network.get("network", "").partition(":")[0]
    strategy = config.get("search", {}).get("strategy", "") if method.learns else ""
    asked = [
        (VARIANTS.what, VARIANTS.group, variant.removeprefix(RANDOM_PREFIX), (built_from,)),
        (DOOR.what, DOOR.group, dataset or "", ()),
        (STRATEGIES.what, STRATEGIES.group, strategy, ()),
        *((OPERATIONS.what, OPERATIONS.group, name, ()) for name in space.get("operations", ())),
        *((METRIC, ENTRY_POINTS, name, ()) for name in brought(ENTRY_POINTS)),
    ]
    found = {f"{what} {name}": package_code(group, name, also) for what, group, name, also in asked}
    return {name: code for name, code in found.items() if code is not None}


def recorded_code(run: RunFile) -> dict[str, str] | None:
    """The code of packages that a run was made with, by name; None where it recorded none."""
    makers = [each.code for each in (run.provenance, *run.continued) if each.code is not None]
    return {name: code for made in makers for name, code in made.items()} if makers else None


def changed_code(run: RunFile) -> tuple[str, ...]:
    """What packages brought to a run and is installed with other code now, as `code_used` names it.

    Runs of earlier versions recorded no code: nothing is known of it.
    """
    if not (recorded := recorded_code(run)):
        return ()
    now = code_now(run)
    return tuple(name for name, code in recorded.items() if now.get(name, code) != code)


def code_now(run: RunFile) -> dict[str, str]:
    """What `code_used` says of a run with the packages that are installed now."""
    record = {"space": run.space, "network": run.network}
    return code_used(run.variant, run.method, run.data.source, run.config, record)


def changed_network(run: RunFile, derived: bool) -> tuple[str, ...]:
    """As `changed_code`, of what its trained network computes with and nothing else.

    derived: whether it is built from a recorded space and genotype, by the operations alone.
    """
    what = OPERATIONS.what if derived else VARIANTS.what
    return tuple(name for name in changed_code(run) if name.startswith(f"{what} "))


def changed_making(run: RunFile) -> tuple[str, ...]:
    """As `changed_code`, but for metrics: what a run, or a network of it, is made with."""
    return tuple(name for name in changed_code(run) if not name.startswith(f"{METRIC} "))


def metrics_changed(run: RunFile) -> bool:
    """Whether a package's metric has other code now."""
    return any(name.startswith(f"{METRIC} ") for name in changed_code(run))
