"""One flat registry of variants, filled through the entry-point group `bench.variants`.

An entry point names a `rnas.SearchSpace` or a `baselines.fixed.FixedNetwork`; built-in variants
enter by the same door as a user's own. Every search space also gets its `random_<variant>` control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from baselines.fixed import FixedNetwork, StillInput
from bench.errors import UsageError, unknown_name
from bench.methods.operations import known_operations
from bench.system.entry_points import Door, Unfit
from rnas.space import SearchSpace

ENTRY_POINTS = "bench.variants"
RANDOM_PREFIX = "random_"
GROUPS = ("all", "nas", "ablation", "random", "peers", "own")


@dataclass(frozen=True)
class Variant:
    """A method under test.

    kind: `search` (Algorithm 1), `random` (a uniformly drawn genotype of the same space), or
    `fixed` (a network that is trained as it is); space: of the first two; network: of the last;
    groups: the names by which `--variant` selects it together with others.
    """

    name: str
    kind: str
    groups: tuple[str, ...]
    summary: str
    marks: tuple[str, ...] = ()
    space: SearchSpace | None = None
    network: FixedNetwork | None = None

    @property
    def still(self) -> StillInput | None:
        """The image per clip that it wants; None for those that see clips."""
        return None if self.network is None or self.network.input == "clip" else self.network.input

    @property
    def group(self) -> str:
        """The first of its groups: the one listings show."""
        return self.groups[0] if self.groups else "own"


@cache
def variants() -> Mapping[str, Variant]:
    """Name -> variant: searches, then fixed networks, then the searches' random controls."""
    values = VARIANTS.values().values()
    spaces = [value for value in values if isinstance(value, SearchSpace)]
    networks = [value for value in values if isinstance(value, FixedNetwork)]
    known = [
        *(_named(space, kind="search", space=space) for space in spaces),
        *(_named(network, kind="fixed", network=network) for network in networks),
        *map(_control, spaces),
    ]
    return {entry.name: entry for entry in known}


def _named(value: SearchSpace | FixedNetwork, **fields: Any) -> Variant:
    return Variant(
        name=value.name, groups=value.groups, summary=value.summary, marks=value.marks, **fields
    )


def _control(space: SearchSpace) -> Variant:
    return Variant(
        name=RANDOM_PREFIX + space.name,
        kind="random",
        groups=("random",),
        summary=f"Control: a uniformly drawn genotype and path of {space.name}'s search space",
        marks=space.marks,
        space=space,
    )


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
        return [name for name, entry in known.items() if entry.kind != "random"]
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


def _usable(name: str, value: Any) -> SearchSpace | FixedNetwork:
    """The value of an entry point; Unfit where it is no variant of that name."""
    if not isinstance(value, SearchSpace | FixedNetwork) or value.name != name:
        raise Unfit(
            "expected a rnas.SearchSpace or a baselines.fixed.FixedNetwork of that name, got "
            f"{getattr(value, 'name', type(value).__name__)!r}"
        )
    if name.startswith(RANDOM_PREFIX):
        raise Unfit(f"names that begin with {RANDOM_PREFIX} are those of the controls")
    if isinstance(value, SearchSpace):
        unknown = [each for each in value.operations if each not in known_operations()]
        if unknown:
            raise Unfit(f"its search space has the unknown operation {unknown[0]!r}")
    return value


VARIANTS = Door(ENTRY_POINTS, "variant", _usable, taken=GROUPS)
