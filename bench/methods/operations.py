"""Operations of installed packages, through the entry-point group `bench.operations`.

An entry point names a `rnas.operations.Operation`; importing this module makes them candidates of
search spaces. They are imported when a network is built from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.system.entry_points import Door, Unfit
from rnas.added import add_source
from rnas.space import OPERATION_NAMES

if TYPE_CHECKING:
    from rnas.operations import Operation

TRIAL_CHANNELS = 8


def known_operations() -> frozenset[str]:
    """Names of all operations, those of installed packages among them."""
    return OPERATION_NAMES.union(OPERATIONS.names())


def installed_operation(name: str) -> Operation | None:
    """The operation that a package registers under this name, None where none does.

    Raises BenchError where it cannot be used.
    """
    return OPERATIONS.load(name) if name in OPERATIONS.names() else None


def _usable(name: str, value: Any) -> Operation:
    """The value of an entry point; Unfit where it is no operation that does what it says."""
    import torch
    from torch import nn

    from rnas.operations import COMBINE, DERIVED_NORM, Operation

    if not isinstance(value, Operation):
        raise Unfit(f"expected a rnas.operations.Operation, got {type(value).__name__}")
    if len(value.branches) > 1 and value.combine not in COMBINE:
        raise Unfit(f"it joins branches by {value.combine!r}, expected {', '.join(COMBINE)}")
    with torch.random.fork_rng(devices=[]), torch.no_grad():  # what is drawn here changes no run
        # As in a mixed operation, where a name such as `forward` has no place.
        module = nn.ModuleDict({name: value.build(TRIAL_CHANNELS, DERIVED_NORM)})[name]
        clips = torch.rand(2, TRIAL_CHANNELS, 3, 4, 5)
        given = clips.clone()
        shape = tuple(module(given).shape)
        another = value.build(TRIAL_CHANNELS, DERIVED_NORM)
    if not given.equal(clips):
        raise Unfit("it changes its input in place, which other operations read, too")
    if {*module.parameters()} & {*another.parameters()}:
        raise Unfit("what it builds shares weights with what it built before: make them anew")
    if shape != clips.shape:
        raise Unfit(f"it maps (B, C, T, H, W) {tuple(clips.shape)} to {shape}")
    said = value.parameters(TRIAL_CHANNELS)
    counted = sum(parameter.numel() for parameter in module.parameters())
    if said != counted:
        raise Unfit(f"of {TRIAL_CHANNELS} channels it has {counted} parameters and says {said}")
    return value


OPERATIONS = Door("bench.operations", "operation", _usable, taken=tuple(sorted(OPERATION_NAMES)))
add_source(installed_operation)
