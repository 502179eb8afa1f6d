"""One flat registry of variants, filled through the entry-point group `bench.variants`.

An entry point names a `rnas.SearchSpace` or a `baselines.fixed.FixedNetwork`; built-in variants
enter by the same door as a user's own. Every search space also gets its `random_<variant>` control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import entry_points

from baselines.fixed import FixedNetwork
from bench.errors import BenchError, UsageError, unknown_name
from bench.methods.variants import RANDOM_PREFIX, Variant, variants_of
from rnas.space import SearchSpace

__all__ = ["RANDOM_PREFIX", "Variant", "select_variants", "variant", "variants"]

ENTRY_POINTS = "bench.variants"
GROUPS = ("all", "nas", "ablation", "random", "peers", "own")


@cache
def variants() -> Mapping[str, Variant]:
    """Name -> variant: searches, then fixed networks, then the searches' random controls."""
    values: dict[str, SearchSpace | FixedNetwork] = {}
    for entry in sorted(_entries(), key=lambda entry: entry.name):
        value = _load(entry)
        if values.setdefault(entry.name, value) != value:
            raise BenchError(
                f"two packages register different variants named {entry.name!r}; rename or "
                "uninstall one"
            )
    return {entry.name: entry for entry in variants_of(values)}


def variant(name: str) -> Variant:
    """The variant of a name; UsageError suggests the nearest."""
    known = variants()
    if name not in known:
        raise unknown_name("variant", name, known)
    return known[name]


def select_variants(patterns: Sequence[str]) -> tuple[str, ...]:
    """Variant names that match names, globs (`rnas_mer*`) or groups, each once, in that order.

    `all` is everything but the random controls (`random*` selects those).
    """
    selected: list[str] = []
    for pattern in patterns:
        selected += _matches(pattern)
    return tuple(dict.fromkeys(selected))


def _matches(pattern: str) -> list[str]:
    known = variants()
    if pattern in known:
        return [pattern]
    if pattern == "all":
        return [name for name, entry in known.items() if not entry.control]
    if any(character in pattern for character in "*?["):
        found = [name for name in known if fnmatchcase(name, pattern)]
        if not found:
            raise UsageError(f"no variant matches {pattern!r}. Known: {', '.join(known)}.")
        return found
    members = [name for name, entry in known.items() if pattern in entry.groups]
    if pattern in GROUPS and not members:
        raise UsageError(f"group {pattern!r} has no variants installed (see `bench list variants`)")
    if not members:
        raise unknown_name("variant", pattern, [*known, *GROUPS])
    return members


def _entries():
    return entry_points(group=ENTRY_POINTS)


def _load(entry) -> SearchSpace | FixedNetwork:
    try:
        value = entry.load()
    except Exception as error:  # a user's package may fail in any way; say whose it is
        raise BenchError(
            f"variant {entry.name!r} cannot be loaded from {entry.value}: {error}; "
            "fix or uninstall the package that registers it"
        ) from error
    if not isinstance(value, SearchSpace | FixedNetwork) or value.name != entry.name:
        raise BenchError(
            f"variant {entry.name!r}: {entry.value} must be a rnas.SearchSpace or a "
            f"baselines.fixed.FixedNetwork of that name, got {value!r:.80}"
        )
    return value
