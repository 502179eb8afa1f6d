"""One flat registry of variants, filled through the entry-point group `bench.variants`.

An entry point names a `rnas.SearchSpace`, a `baselines.fixed.FixedNetwork` or a
`baselines.classical.baseline.ClassicalBaseline`; built-in variants enter by the same door as a
user's own. Every search space also gets its `random_<variant>` control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from bench.errors import UsageError, unknown_name
from bench.methods.kinds import is_registrable, variants_of
from bench.methods.operations import known_operations
from bench.methods.variants import ENTRY_POINTS, RANDOM_PREFIX, Variant
from bench.system.entry_points import Door, Unfit
from bench.system.typed_fields import require_types
from rnas.space import SearchSpace

__all__ = ["ENTRY_POINTS", "RANDOM_PREFIX", "Variant", "select_variants", "variant", "variants"]

GROUPS = ("all", "nas", "ablation", "random", "peers", "control", "classical", "own")


@cache
def variants() -> Mapping[str, Variant]:
    """Name -> variant, kind by kind in the order of `bench.methods.kinds.KINDS`."""
    return {entry.name: entry for entry in variants_of(VARIANTS.values())}


def variant(name: str) -> Variant:
    """The variant of a name.

    UsageError suggests the nearest where there is none, BenchError says what is wrong with a
    plug-in of that name.
    """
    known = variants()
    if name not in known:
        VARIANTS.raise_refusal(name)
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
        VARIANTS.raise_refusal(pattern)
        raise unknown_name("variant", pattern, [*known, *GROUPS])
    return members


def _usable(name: str, value: Any) -> Any:
    """The value of an entry point; Unfit where it is no variant of that name."""
    if not is_registrable(value) or value.name != name:
        raise Unfit(
            "expected a rnas.SearchSpace, a baselines.fixed.FixedNetwork or a "
            "baselines.classical.baseline.ClassicalBaseline of that name, got "
            f"{getattr(value, 'name', type(value).__name__)!r}"
        )
    require_types(value)
    if name.startswith(RANDOM_PREFIX):
        raise Unfit(f"names that begin with {RANDOM_PREFIX} are those of the controls")
    if isinstance(value, SearchSpace):
        unknown = [each for each in value.operations if each not in known_operations()]
        if unknown:
            raise Unfit(f"its search space has the unknown operation {unknown[0]!r}")
    return value


VARIANTS = Door(ENTRY_POINTS, "variant", _usable, taken=GROUPS)
