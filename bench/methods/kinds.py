"""Every kind of method, and the variants of registered values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench.errors import unknown_name
from bench.methods.classical import Estimated
from bench.methods.networks import Fixed
from bench.methods.spaces import Drawn, Searched
from bench.methods.variants import Variant
from rnas.space import SearchSpace

KINDS: tuple[type[Variant], ...] = (Searched, Fixed, Estimated, Drawn)
"""Every kind, in the order of listings. A registered value has a variant of each kind that takes
its type."""


def variants_of(values: Mapping[str, Any]) -> list[Variant]:
    """The variants of registered values, in the order of listings."""
    found = values.values()
    listed = [kind.of(value) for kind in KINDS for value in found if isinstance(value, kind.value)]
    controls: dict[SearchSpace, str] = {}
    return [_one_experiment(v, controls) if isinstance(v, Drawn) else v for v in listed]


def _one_experiment(control: Drawn, earlier: dict[SearchSpace, str]) -> Drawn:
    """The control, marked where an earlier one derives the same networks; adds it to `earlier`."""
    same = earlier.setdefault(control.space.network, control.name)
    if same == control.name:
        return control
    return replace(control, marks=(*control.marks, f"same networks as {same} at equal F"))


def is_registrable(value: Any) -> bool:
    """Whether some kind of variant takes a value of this type."""
    return isinstance(value, tuple(kind.value for kind in KINDS))


def kind_named(word: str) -> type[Variant]:
    """The kind of a word in `run.json`; UsageError where there is no such kind."""
    known = {kind.kind: kind for kind in KINDS}
    if word not in known:
        raise unknown_name("kind of method", word, known)
    return known[word]
