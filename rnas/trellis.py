"""The outer search space: which resolutions a path may visit, layer by layer (Section 3.1.2).

A trellis has `layers` layers of states. A state is (layer, level); level k has the downsampling
factor `factors[k]`. Layer 0 is the stem, at level 0. An arrow leads from a state to a state of the
next layer; a path takes one arrow a layer. Nothing here needs torch.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import prod
from types import MappingProxyType
from typing import NamedTuple

from rnas.errors import MethodError

MOVES = MappingProxyType({"up": -1, "stay": 0, "shrink": 1})
"""Name of a move -> change of level. `up` doubles the resolution, `shrink` halves it."""

Path = tuple[int, ...]
"""Downsampling factors of layers 1..L, in order."""


class State(NamedTuple):
    """A resolution (level) at a layer; layer 0 is the stem."""

    layer: int
    level: int


class Arrow(NamedTuple):
    """A transition into `target`, which lies one layer after `source`."""

    source: State
    target: State


@dataclass(frozen=True)
class Trellis:
    """The states and arrows that some path from the stem to the last layer uses.

    factors: downsampling factors, finest first; moves: names in `MOVES`; band: keeps only states
    with |level - layer * (len(factors) - 1) / layers| <= band.
    """

    layers: int
    factors: tuple[int, ...]
    moves: tuple[str, ...]
    band: float | None = None

    def __post_init__(self) -> None:
        unknown = [move for move in self.moves if move not in MOVES]
        if unknown or not self.moves or len(set(self.moves)) < len(self.moves):
            raise MethodError(f"moves {self.moves}: expected some of {', '.join(MOVES)}, each once")
        if self.layers < 1 or not self.factors:
            raise MethodError(f"a trellis needs a layer and a factor, got {self}")
        doubling = tuple(self.factors[0] * 2**level for level in range(len(self.factors)))
        if self.factors != doubling or self.factors[0] < 2 or self.factors[0].bit_count() != 1:
            raise MethodError(
                f"factors {self.factors}: expected powers of two from 2 up, each twice the one "
                "before, as (2, 4, 8, 16)"
            )
        if not self.arrows:
            raise MethodError(f"no path crosses {self}: widen the band or allow more moves")

    def for_clips(self, size: int, least: int) -> Trellis:
        """The trellis without levels at which clips `size` pixels wide have under `least` voxels.

        Two levels stay in any case, so that there is a path to choose.
        """
        wide = [factor for factor in self.factors[2:] if -(-size // factor) >= least]
        return replace(self, factors=(*self.factors[:2], *wide))

    @cached_property
    def arrows(self) -> tuple[Arrow, ...]:
        """All arrows, by target layer, target level, source level (33 in OPEN)."""
        forward = self._reachable()
        kept: list[Arrow] = []
        ends = forward[self.layers]
        for layer in range(self.layers, 0, -1):
            into = [arrow for arrow in self._possible(forward[layer - 1]) if arrow.target in ends]
            kept = sorted(into, key=lambda arrow: (arrow.target, arrow.source)) + kept
            ends = {arrow.source for arrow in into}
        return tuple(kept)

    @cached_property
    def states(self) -> tuple[State, ...]:
        """States of layers 1..L, by layer and level (21 in OPEN); the stem is not among them."""
        return tuple(sorted({arrow.target for arrow in self.arrows}))

    def into(self, state: State) -> tuple[Arrow, ...]:
        """Arrows that enter a state: the sum of Eq. 6 runs over them."""
        return self._by_target.get(state, ())

    def out_of(self, state: State) -> tuple[Arrow, ...]:
        """Arrows that leave a state: β of Eq. 7 is a softmax over them."""
        return self._by_source.get(state, ())

    def exists(self, state: State) -> bool:
        """Whether the stem or any path's layer holds this state."""
        return state == State(0, 0) or state in self._by_target

    @cached_property
    def choices(self) -> tuple[State, ...]:
        """States that more than one arrow leaves, in order: the rows of β (15 in OPEN)."""
        return tuple(state for state in (State(0, 0), *self.states) if len(self.out_of(state)) > 1)

    @cached_property
    def unidentifiable(self) -> frozenset[State]:
        """Rows of β without influence on the loss: every arrow of theirs is its target's only one.

        Such an arrow only scales its target. Directions of several rows that no loss sees depend
        on β: `rnas.identify`.
        """
        return frozenset(
            state
            for state in self.choices
            if state.layer + 1 < self.layers
            and all(len(self.into(arrow.target)) == 1 for arrow in self.out_of(state))
        )

    def paths(self) -> Iterator[Path]:
        """Every path, as downsampling factors of layers 1..L (42 in OPEN)."""

        def extend(state: State, path: Path) -> Iterator[Path]:
            if state.layer == self.layers:
                yield path
            for arrow in self.out_of(state):
                yield from extend(arrow.target, (*path, self.factors[arrow.target.level]))

        return extend(State(0, 0), ())

    @cached_property
    def ways_on(self) -> dict[State, int]:
        """State -> number of paths from there to the last layer; the stem's is that of all."""
        ways: dict[State, int] = {}
        for state in (*reversed(self.states), State(0, 0)):
            ways[state] = sum(ways[arrow.target] for arrow in self.out_of(state)) or 1
        return ways

    def draw_path(self, generator: random.Random) -> Path:
        """A path drawn uniformly over all paths."""
        state = State(0, 0)
        path: Path = ()
        while state.layer < self.layers:
            targets = [arrow.target for arrow in self.out_of(state)]
            (state,) = generator.choices(targets, [self.ways_on[target] for target in targets])
            path = (*path, self.factors[state.level])
        return path

    def arrows_of(self, path: Path) -> tuple[Arrow, ...]:
        """The arrows that a path takes; MethodError where it leaves the trellis."""
        if len(path) != self.layers or not set(path) <= set(self.factors):
            raise MethodError(f"path {path}: expected {self.layers} factors out of {self.factors}")
        levels = (0, *(self.factors.index(factor) for factor in path))
        states = [State(layer, level) for layer, level in enumerate(levels)]
        arrows = tuple(Arrow(*pair) for pair in pairwise(states))
        missing = [arrow for arrow in arrows if arrow not in self.out_of(arrow.source)]
        if missing:
            here, there = (self.factors[state.level] for state in missing[0])
            raise MethodError(
                f"path {path}: no arrow {here}->{there} into layer {missing[0].target.layer}"
            )
        return arrows

    def probability(self, path: Path, beta: Mapping[Arrow, float]) -> float:
        """Probability of a path: the product of its arrows' β."""
        return prod(beta[arrow] for arrow in self.arrows_of(path))

    def uniform(self) -> dict[Arrow, float]:
        """Uniform β: all arrows that leave a state are equally likely."""
        return {arrow: 1 / len(self.out_of(arrow.source)) for arrow in self.arrows}

    @property
    def starts(self) -> dict[str, Callable[[], dict[Arrow, float]]]:
        """The β that a search may start from, by the name of the setting."""
        return {"uniform": self.uniform, "path_uniform": self.path_uniform}

    def path_uniform(self) -> dict[Arrow, float]:
        """β under which all paths are equally likely (1/42 each in OPEN)."""
        ways = self.ways_on
        return {arrow: ways[arrow.target] / ways[arrow.source] for arrow in self.arrows}

    def shares(self, beta: Mapping[Arrow, float]) -> dict[Arrow, float]:
        """Of every arrow q: its β over the sum of the β that enters its target."""
        entering = {state: sum(beta[a] for a in self.into(state)) for state in self.states}
        return {a: beta[a] / entering[a.target] if beta[a] else 0.0 for a in self.arrows}

    @cached_property
    def _by_target(self) -> dict[State, tuple[Arrow, ...]]:
        return self._grouped("target")

    @cached_property
    def _by_source(self) -> dict[State, tuple[Arrow, ...]]:
        return self._grouped("source")

    def _grouped(self, end: str) -> dict[State, tuple[Arrow, ...]]:
        groups: dict[State, list[Arrow]] = {}
        for arrow in self.arrows:
            groups.setdefault(getattr(arrow, end), []).append(arrow)
        return {state: tuple(arrows) for state, arrows in groups.items()}

    def _reachable(self) -> list[set[State]]:
        """States of each layer that the stem can reach."""
        layers = [{State(0, 0)}]
        for _ in range(self.layers):
            layers.append({arrow.target for arrow in self._possible(layers[-1])})
        return layers

    def _possible(self, sources: set[State]) -> Iterator[Arrow]:
        for source in sources:
            for move in self.moves:
                target = State(source.layer + 1, source.level + MOVES[move])
                if self._allowed(target):
                    yield Arrow(source, target)

    def _allowed(self, state: State) -> bool:
        if not 0 <= state.level < len(self.factors):
            return False
        if self.band is None:
            return True
        # Compared in integers: |level * L - layer * top| <= band * L.
        distance = abs(state.level * self.layers - state.layer * (len(self.factors) - 1))
        return distance <= self.band * self.layers


OPEN = Trellis(layers=6, factors=(2, 4, 8, 16), moves=("stay", "shrink"))
"""The optimal path exploring network, Eqs. 6-8: six layers, never back up."""
