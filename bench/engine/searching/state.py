"""A supernet with operations of packages rests on its state alone, as a checkpoint holds it.

What an operation keeps beside it, such as a plain counter, is lost where a search is killed: gone
on with, it would find another architecture than an undisturbed one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bench.engine.plan import Unit
from bench.engine.searching.apart import packed, settled, unpacked
from bench.engine.searching.material import SearchMaterial
from bench.errors import BenchError
from bench.methods.operations import OPERATIONS
from bench.system.processes import in_another_process
from bench.training.answers import learn_otherwise, training_gradient
from rnas.strategies.base import Strategy
from rnas.supernet import Supernet


def require_state_alone(
    material: SearchMaterial, strategy: Strategy, state: Mapping[str, Any], elsewhere: bool
) -> None:
    """BenchError where what a supernet learns of a batch rests on more than its saved state.

    Of spaces with operations of packages alone. Compared are the gradients in training mode of the
    supernet of a search, of a new one with the state that a checkpoint is to hold, and with
    `elsewhere` of one in a process of its own. A strategy without a supernet has a new one tried.
    """
    foreign = [name for name in material.space.operations if not OPERATIONS.is_own(name)]
    if not foreign:
        return
    who = " or ".join(map(OPERATIONS.origin, foreign))
    weights = state.get("supernet")
    anew = _learnt(material, _anew(material, weights))
    live = getattr(strategy.searcher or strategy, "supernet", None)
    if live is not None and learn_otherwise(anew, _learnt(material, live)):
        raise BenchError(
            f"{who}: in training mode a new supernet with the state that is saved learns otherwise "
            "from a batch than the one that was searched with, so that a search gone on with after "
            f"a kill would find something else: {KEEP}"
        )
    if elsewhere:
        threads, content = torch.get_num_threads(), packed({"supernet": weights}, who)
        there = in_another_process(_learnt_there, material.unit, threads, content)
        if learn_otherwise(anew, there):
            raise BenchError(
                f"{who}: in training mode a supernet with the same state learns otherwise from a "
                "batch in a process of its own, so that a search depends on what was done before "
                f"it: {KEEP}"
            )


KEEP = (
    "keep what later calls depend on in a buffer (register_buffer), nothing in plain attributes or "
    "at module or class level, and draw from torch's global generator"
)


def _anew(material: SearchMaterial, weights: Mapping[str, Any] | None) -> Supernet:
    """A new supernet, with weights where there are any."""
    supernet, _ = material.supernet()
    if weights is not None:
        supernet.load_state_dict(weights)
    return supernet


def _learnt(material: SearchMaterial, supernet: Supernet) -> Tensor:
    inputs, _ = next(iter(material.train_b()))
    return training_gradient(supernet, inputs)


def _learnt_there(unit: Unit, threads: int, content: bytes) -> Tensor:
    with settled(unit, threads):
        material = SearchMaterial.of(unit)
        return _learnt(material, _anew(material, unpacked(content)["supernet"]))
