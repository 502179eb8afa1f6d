"""The steps of a package's strategy: in a process of their own, each as if the last were killed.

There is nothing in that process of what earlier searches may have left at module level, and nothing
goes from step to step but the state that is saved. Three steps are done again: the first and the
last from the same state in other processes, the second by the strategy that did the first. What
comes out otherwise was drawn at random without a seed, or kept outside the state.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from math import isclose, isnan
from typing import Any

import torch
from torch import Tensor

from bench.engine.plan import Unit
from bench.engine.searching.material import WatchedMaterial
from bench.errors import BenchError
from bench.methods.strategies import STRATEGIES
from bench.seeds import derive_seed, seeded
from bench.system.guarding import PROCESS, undisturbed
from bench.system.processes import in_another_process, keep_freed_memory, process_pool
from bench.training.compute import current_card, float32_arithmetic
from rnas.genotype import Genotype
from rnas.strategies.base import Step, Strategy

ALIKE = 1e-4
"""Most that numbers of a step done twice may differ, as a share of the largest of their tensor."""


AGAIN = "when it is done again from the same state in another process"
AS_KILLED = "with the strategy that did step 1 than with a new one that has its state"


@dataclass(frozen=True)
class Stepped:
    """A step that was done: how long it took, in seconds, and the state after it (`packed`).

    trained: genotypes, epochs and names of its trials.
    """

    step: Step
    seconds: float
    state: bytes
    trained: Sequence[tuple[str, int, str]]


@dataclass
class Apart:
    """A process of its own that does the steps of one search.

    alive: the strategy that did the first step in this process, until it has done the second.
    """

    material: WatchedMaterial
    pool: ProcessPoolExecutor
    alive: Strategy | None = None

    def step(self, number: int, state: bytes | None, last: bool) -> Stepped:
        """Does a step from the state before it, None at the start.

        Raises BenchError where the step does something else when it is done again. Steps are done
        twice on a CPU alone: on a card sums come in no fixed order.
        """
        done: Stepped = self._there(_step_there, number, state)
        if self.material.unit.job.device == "cpu":
            self._do_again(done, number, state, last)
        return done

    def _do_again(self, done: Stepped, number: int, state: bytes | None, last: bool) -> None:
        if number == 0:
            self.alive = made_anew(self.material, state)
            self._require_alike(number, done, done_step(self.material, self.alive, number), AGAIN)
        elif number == 1:
            alive = self.alive or self._after_first()
            self._require_alike(number, done, done_step(self.material, alive, number), AS_KILLED)
            self.alive = None
        if number and last:
            unit, threads = self.material.unit, torch.get_num_threads()
            again = in_another_process(_step_there, unit, threads, number, state)
            self._require_alike(number, done, again, AGAIN)

    def _after_first(self) -> Strategy:
        """Where a search goes on after its first step."""
        strategy = made_anew(self.material, None)
        done_step(self.material, strategy, 0)
        return strategy

    def genotype(self, state: bytes) -> Genotype:
        """What a state decodes to there."""
        found: Genotype = self._there(_genotype_there, state)
        return found

    def _there(self, work: Callable, *arguments: Any) -> Any:
        threads = torch.get_num_threads()
        try:
            return self.pool.submit(work, self.material.unit, threads, *arguments).result()
        except BrokenProcessPool as error:
            raise BenchError("a helper process died, perhaps out of memory") from error

    def _require_alike(self, number: int, done: Stepped, again: Stepped, how: str) -> None:
        what = (
            unlike(done.trained, again.trained, "the networks that it has trained")
            or unlike(unpacked(done.state), unpacked(again.state), "its state")
            or unlike(vars(done.step.cost), vars(again.step.cost), "its cost")
            or unlike(_plain_weights(done.step), _plain_weights(again.step), "its weights")
        )
        if what:
            raise BenchError(
                f"step {number + 1} of {self.material.origin} comes out otherwise {how} (unlike: "
                f"{what}): draw from self.material.generator(step) or "
                "the seeded generators of torch, NumPy and Python, and keep all that later steps "
                "need in state_dict(), nothing at module or class level, and no times"
            )


@contextmanager
def apart(material: WatchedMaterial) -> Iterator[Apart]:
    """The process that does the steps of a search, as long as the block; it starts when asked."""
    with process_pool(1) as pool:
        yield Apart(material, pool)


def done_step(material: WatchedMaterial, strategy: Strategy, number: int) -> Stepped:
    """Has a strategy do a step in this process.

    Raises BenchError where the step alters the clips, says that it cost less than it did, moves α,
    η and β and does not say by what, or leaves a state that cannot be saved or from which a new
    strategy decodes to another genotype.
    """
    unit = material.unit
    with _at_work(material):
        drawn = seeded(derive_seed(unit.job.seed, "strategy step", unit.fold, number))
        started = time.perf_counter()
        with drawn, material.counting() as count:
            step = strategy.step(number)
        seconds = time.perf_counter() - started
        material.require_unaltered()
        material.require_counted(step.cost, count, number)
        require_gradients_said(strategy, step, material.origin)
        state = packed(strategy.state_dict(), material.origin)
        if _decoded(material, strategy) != _decoded(material, made_anew(material, state)):
            raise BenchError(
                f"{material.origin} decodes another genotype after step {number + 1} when it is "
                "made anew with the state it then had, as after a kill: keep all that genotype() "
                "and later steps need in state_dict(), and restore it in load_state_dict()"
            )
        return Stepped(step, seconds, state, count.trained)


def require_gradients_said(strategy: Strategy, step: Step, origin: str) -> None:
    """BenchError where a strategy moves α, η and β and its class does not say by what.

    Without `by_gradient` a search that cannot decide would not be marked so.
    """
    said = any("by_gradient" in vars(each) for each in type(strategy).__mro__ if each != Strategy)
    moves = strategy.searcher is not None or step.weights is not None
    if moves and not said:
        raise BenchError(
            f"{origin} moves α, η and β (it has a searcher, or weights in its steps) and does not "
            "say whether by gradients: set by_gradient = True in its class, so that the reach of "
            "the search is shown, or False where none are used"
        )


def _decoded(material: WatchedMaterial, strategy: Strategy) -> Genotype | None:
    """What a strategy decodes to, None where it cannot yet."""
    with seeded(derive_seed(material.unit.job.seed, "strategy")):
        try:
            return strategy.genotype()
        except Exception:  # a package's may say so in any way
            return None


def made_anew(material: WatchedMaterial, state: bytes | None) -> Strategy:
    """A new strategy, with a state where there is one."""
    job, fold = material.unit.job, material.unit.fold
    with seeded(derive_seed(job.seed, "strategy", fold)):
        strategy = STRATEGIES.load(job.config.search.strategy)(material)
        if state is not None:
            strategy.load_state_dict(unpacked(state))
    return strategy


def packed(state: Mapping[str, Any], origin: str) -> bytes:
    """A state as a checkpoint holds it; BenchError where that cannot be read back."""
    content = BytesIO()
    try:
        torch.save(state, content)
        unpacked(content.getvalue())
    except Exception as error:  # what torch and pickle raise has no common class
        raise BenchError(
            f"the state of {origin} cannot be saved and read back ({type(error).__name__}): "
            "state_dict() holds tensors and plain values alone"
        ) from error
    return content.getvalue()


def unpacked(state: bytes) -> Any:
    """What was packed, tensors on the CPU."""
    return torch.load(BytesIO(state), map_location="cpu", weights_only=True)


def unlike(one: Any, other: Any, where: str) -> str:
    """Where two states differ by more than rounding, as `its state['best'][0]`; else empty."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return "" if _alike(one, other) else where
    if isinstance(one, float) and isinstance(other, float):
        same = isclose(one, other, rel_tol=ALIKE) or (isnan(one) and isnan(other))
        return "" if same else where
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if one.keys() != other.keys():
            return where
        parts = ((one[key], other[key], f"{where}[{key!r}]") for key in one)
    elif _is_sequence(one) and _is_sequence(other):
        if len(one) != len(other):
            return where
        pairs = enumerate(zip(one, other, strict=True))
        parts = ((*pair, f"{where}[{place}]") for place, pair in pairs)
    else:
        return "" if one == other else where
    return next(filter(None, (unlike(*part) for part in parts)), "")


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _alike(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if not (one.is_floating_point() and one.numel()):
        return torch.equal(one, other)
    scale = float(one.nan_to_num().abs().max())
    return torch.allclose(one, other, rtol=0, atol=ALIKE * scale, equal_nan=True)


def _plain_weights(step: Step) -> Any:
    if step.weights is None:
        return None
    return [step.weights.operations, step.weights.edges, list(step.weights.beta.values())]


@contextmanager
def _at_work(material: WatchedMaterial) -> Iterator[None]:
    """A package's strategy is at work: its errors name it, what it sets is set back."""
    config = material.unit.job.config
    answering = STRATEGIES.answering(config.search.strategy)
    kept = undisturbed(material.origin, PROCESS)
    with answering, kept, float32_arithmetic(config.compute.precision):
        yield


def _step_there(unit: Unit, threads: int, number: int, state: bytes | None) -> Stepped:
    with settled(unit, threads):
        material = _material(unit)
        with _at_work(material):
            strategy = made_anew(material, state)
        return done_step(material, strategy, number)


def _genotype_there(unit: Unit, threads: int, state: bytes) -> Genotype:
    with settled(unit, threads):
        material = _material(unit)
        with _at_work(material):
            return made_anew(material, state).genotype()


@contextmanager
def settled(unit: Unit, threads: int) -> Iterator[None]:
    """This process as the one that waits for it."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    with current_card(unit.job.device):
        yield


@cache
def _material(unit: Unit) -> WatchedMaterial:
    """Of the one search of this process."""
    return WatchedMaterial.watched(unit)
