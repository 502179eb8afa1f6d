"""Operations of installed packages, through the entry-point group `bench.operations`.

An entry point names a `rnas.operations.Operation`; importing this module makes them candidates of
search spaces. They are imported when a network is built from them.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.system.entry_points import Door, PluginError, Unfit
from bench.system.typed_fields import require_types
from rnas.added import add_source
from rnas.space import OPERATION_NAMES

if TYPE_CHECKING:
    from torch import Tensor, nn

    from rnas.operations import Norm, Operation

TAG = "_bench_operation"
"""Attribute of a module that a package's operation has built: the operation's name."""

TRIAL_CHANNELS = (8, 16)

TRIAL_SIZES = ((3, 4, 5), (1, 4, 5), (3, 1, 1), (1, 1, 1))
"""T, H and W; a package's operation need not take any but the first."""

CHANGES_INPUT = "changes its input, which other operations read, too: leave out `inplace=True`"


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
    from bench.system.guarding import PROCESS, undisturbed
    from bench.system.libraries import replacing, unreplaced
    from rnas.operations import COMBINE, Operation

    if not isinstance(value, Operation):
        raise Unfit(f"expected a rnas.operations.Operation, got {type(value).__name__}")
    require_types(value)
    if len(value.branches) > 1 and value.combine not in COMBINE:
        raise Unfit(f"it joins branches by {value.combine!r}, expected {', '.join(COMBINE)}")
    for channels in TRIAL_CHANNELS:
        with undisturbed(OPERATIONS.origin(name), PROCESS), unreplaced() as replaced:
            _try(name, value, channels)
        if replaced:
            raise Unfit(replacing(replaced))
    return replace(value, build=partial(_built, name, value.build))


def _try(name: str, value: Operation, channels: int) -> None:
    """Unfit where what it builds of so many channels is not what it says."""
    import torch
    from torch import nn

    from rnas.operations import DERIVED_NORM, SEARCH_NORM

    with torch.random.fork_rng(devices=[]), torch.no_grad():  # what is drawn here changes no run
        # As in a mixed operation, where a name such as `forward` has no place.
        module = nn.ModuleDict({name: value.build(channels, DERIVED_NORM)})[name]
        clips = torch.randn(2, channels, *TRIAL_SIZES[0])
        shape = tuple(module(clips.clone()).shape)
        changing = [size for size in TRIAL_SIZES if _changes_input(module, channels, size)]
        another = value.build(channels, DERIVED_NORM)
        searched = value.build(channels, SEARCH_NORM)
    if changing:
        raise Unfit(f"of T, H, W {changing[0]} it {CHANGES_INPUT}")
    if {*module.parameters()} & {*another.parameters()}:
        raise Unfit("what it builds shares weights with what it built before: make them anew")
    for built, norm in ((searched, SEARCH_NORM), (module, DERIVED_NORM)):
        _refuse_own_norms(built, norm)
    if shape != clips.shape:
        raise Unfit(f"it maps (B, C, T, H, W) {tuple(clips.shape)} to {shape}")
    said = value.parameters(channels)
    counted = sum(parameter.numel() for parameter in module.parameters())
    if said != counted:
        raise Unfit(f"of {channels} channels it has {counted} parameters and says {said}")


def _changes_input(module: nn.Module, channels: int, size: tuple[int, ...]) -> bool:
    """Whether it does in training or evaluation mode; not where it cannot take that size at all."""
    import torch

    clips = torch.randn(2, channels, *size)
    given = clips.clone()
    for training in (True, False):
        try:
            module.train(training)(given)
        except Exception:  # instance norm, say, takes no single voxel
            if size == TRIAL_SIZES[0]:
                raise
    return not given.equal(clips)


def _refuse_own_norms(module: nn.Module, norm: Norm) -> None:
    """Unfit where a batch norm is not as `norm` makes it, and as all others then are."""
    from torch.nn.modules.batchnorm import _BatchNorm

    wanted = (norm.affine, norm.affine)
    for name, each in module.named_modules():
        if isinstance(each, _BatchNorm) and (each.affine, each.track_running_stats) != wanted:
            when = "the derived network" if norm.affine else "the search"
            what = "with" if norm.affine else "without"
            own = f"{type(each).__name__} {name}".rstrip()
            raise Unfit(
                f"its {own} is not made by `norm`: in {when} all batch norms are {what} weights "
                "and running statistics; build it as norm(channels)"
            )


def _built(
    name: str, build: Callable[[int, Norm], nn.Module], channels: int, norm: Norm
) -> nn.Module:
    """What a package's operation builds, under its name."""
    from bench.system.guarding import PROCESS, guard, undisturbed

    with undisturbed(OPERATIONS.origin(name), PROCESS):
        module = build(channels, norm)
    guard(module, OPERATIONS.origin(name))
    setattr(module, TAG, name)
    watch = _Inputs()
    module.register_forward_pre_hook(watch.begin)
    module.register_forward_hook(watch.end)
    return module


class _Inputs:
    """Hooks of a module, which can be copied and pickled with it."""

    def __init__(self) -> None:
        self.version: int | None = None

    def begin(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.version = _version(inputs[0])

    def end(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        """PluginError where the input was changed, or the output has another shape."""
        expected, found = tuple(inputs[0].shape), tuple(getattr(output, "shape", ()))
        if found != expected:
            raise PluginError(
                f"{OPERATIONS.origin(getattr(module, TAG))} maps {expected} to "
                f"{found or output!r}; expected the same shape"
            )
        if self.version != _version(inputs[0]):
            raise PluginError(
                f"of (B, C, T, H, W) {expected} {OPERATIONS.origin(getattr(module, TAG))} "
                f"{CHANGES_INPUT}"
            )


def _version(tensor: Tensor) -> int | None:
    """How often torch has changed it in place; None where it does not count."""
    import torch

    if torch.compiler.is_compiling() or tensor.is_inference():
        return None
    return tensor._version


def failing_operation(error: BaseException) -> str | None:
    """The package's operation at work when the error was raised, for messages; None if none was."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        name = getattr(frame.f_locals.get("self"), "__dict__", {}).get(TAG)
        if name is not None:
            return OPERATIONS.origin(name)
    return None


OPERATIONS = Door("bench.operations", "operation", _usable, taken=tuple(sorted(OPERATION_NAMES)))
add_source(installed_operation)
