"""Fields of what packages give are of the types that their annotations say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypedDict

import numpy as np
import pytest

from ablations import RNAS_MER
from baselines.classical.baseline import ClassicalBaseline, ClipInput
from baselines.fixed import FixedNetwork, Recipe, StillInput
from bench.methods import registry
from bench.protocol.metrics import ACC
from bench.system.entry_points import Unfit
from bench.system.typed_fields import require_types
from rnas.operations import OPERATIONS

if TYPE_CHECKING:
    from fractions import Fraction

RECIPE = Recipe("adam", lr=1e-3, epochs=3, batch=8)
STILL = StillInput("flow", 28)
NETWORK = FixedNetwork(name="a", summary="a", network="a:B", input=STILL, recipe=RECIPE)
CLASSICAL = ClassicalBaseline(
    name="a", summary="a", input=ClipInput(), features=np.ravel, fit=lambda *_: None
)
OPERATION = OPERATIONS["conv_3"]


@pytest.mark.parametrize(
    ("value", "field", "wrong"),
    [
        (RNAS_MER, "edge_norm", "off"),
        (RNAS_MER, "attention", 0),
        (RNAS_MER, "nodes", 2.0),
        (RNAS_MER, "groups", "own"),
        (NETWORK, "channels_last", "no"),
        (NETWORK, "recipe", replace(RECIPE, shuffle="off")),
        (NETWORK, "input", replace(STILL, divisor=True)),
        (NETWORK, "options", (("width", 3), (4, 5))),
        (CLASSICAL, "features", "ravel"),
        (CLASSICAL, "marks", ["ours"]),
        (ACC, "heading", 3),
        (OPERATION, "parameters", 300),
    ],
)
def test_a_field_of_another_type_is_named(value, field, wrong):
    require_types(value)
    with pytest.raises(Unfit, match=rf"its {field}.*expected "):
        require_types(replace(value, **{field: wrong}))


@pytest.mark.parametrize("lr", [1, np.float32(0.1), np.int64(1)])
def test_other_numbers_are_numbers(lr):
    require_types(replace(NETWORK, recipe=replace(RECIPE, lr=lr), params=np.int64(3)))


def test_what_the_harness_brings_is_of_its_types():
    for value in registry.VARIANTS.values().values():
        require_types(value)


class Scale(Protocol):
    def scale(self) -> float: ...


class Sizes(TypedDict):
    width: int


@dataclass(frozen=True)
class Odd:
    """Of annotations that say nothing of a value, and one that does."""

    scale: Scale
    sizes: Sizes
    names: Iterable[str]
    remark: "as one likes"  # noqa: F722
    share: "Fraction | None"  # noqa: UP037
    width: int = 3


@dataclass(frozen=True)
class Derived(Odd):
    depth: int = field(default=2, kw_only=True)
    width: int = 4


def test_annotations_that_say_nothing_of_a_value_refuse_nothing():
    value = Derived(RECIPE, {"width": 3}, ["a"], "b", None)
    require_types(value)
    for name in ("width", "depth"):
        with pytest.raises(Unfit, match=rf"its {name} is '3', expected int"):
            require_types(replace(value, **{name: "3"}))
