"""Parameters and multiply-accumulates (MACs) of a network, in total and per module.

MACs are those of convolutions and linear layers for one clip. The figure is torch's
FlopCounterMode's; those of fvcore and ptflops stand beside it, and agree for our own networks (the
tests say so). GFLOPs = 2·MACs / 10^9. MB = 10^6 bytes.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median_low
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from baselines.fixed import Recipe
from bench.config.settings import TrainConfig
from bench.errors import BenchError
from bench.measuring.live import live_sizes
from bench.measuring.memory import measure_peaks
from bench.measuring.networks import Target
from bench.runs.marks import size_marks
from bench.training.procedure import optimiser_numbers
from rnas.convolution import Convolution
from rnas.supernet import Supernet

BYTES_PER_WEIGHT = 4
MEGA = 10**6

CLIPS = 2
"""Clips per counted pass: with one clip, a single voxel per channel has no batch statistics."""

FVCORE_OPERATORS = ("conv", "linear", "addmm", "mm", "bmm", "matmul", "einsum")

UNCOUNTED = re.compile(r"rnn|lstm|gru|attention|transformer|fft|cdist|bilinear|mv$|^v?dot$")
"""Names of operators that hold products; those with a formula in torch's counter are counted."""

BIASED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)

FIGURES = (
    "params",
    "live_parameters",
    "live_share",
    "live_taps",
    "macs",
    "macs_fvcore",
    "macs_ptflops",
    "gflops",
    "weights_mb",
    "checkpoint_mb",
    "peak_train_mb",
    "peak_infer_mb",
)
"""The numbers of a profile."""

Progress = Callable[[str, int, int], None]


def profile(
    network: nn.Module,
    input_shape: tuple[int, ...],
    training: TrainConfig | Recipe = TrainConfig(),  # noqa: B008 - frozen
) -> dict[str, Any]:
    """The figures of FIGURES but peak memory: both of its figures are None.

    input_shape: (C, T, H, W) of one clip, (C, S, S) of a still. A checkpoint holds the weights and
    the optimisers' state: one momentum buffer for SGD, two moments for Adam (also for α, η, β of a
    supernet). `uncounted`: as `uncounted_operators`.
    """
    params = sum(parameter.numel() for parameter in network.parameters())
    macs = macs_counts(network, input_shape)
    counted = macs["macs"]
    return {
        "params": params,
        **live_sizes(network, input_shape).to_dict(),
        **macs,
        "uncounted": uncounted_operators(network, input_shape),
        "gflops": None if counted is None else 2 * counted / 10**9,
        "weights_mb": params * BYTES_PER_WEIGHT / MEGA,
        "checkpoint_mb": _checkpoint_numbers(network, params, training) * BYTES_PER_WEIGHT / MEGA,
        "peak_train_mb": None,
        "peak_infer_mb": None,
        "input_shape": list(input_shape),
    }


def macs_counts(network: nn.Module, input_shape: tuple[int, ...]) -> dict[str, int | None]:
    """MACs of one clip by each counter; None by one that is missing or cannot count the network."""
    return {name: _counted(count, network, input_shape) for name, count in COUNTERS.items()}


def _counted(
    count: Callable[[nn.Module, tuple[int, ...]], int],
    network: nn.Module,
    input_shape: tuple[int, ...],
) -> int | None:
    try:
        return count(network, input_shape)
    except Exception as error:  # a counter may fail in any way at a network that it does not know
        logging.getLogger(__name__).info("%s: %r", count.__name__, error)
        return None


class _Operators(TorchDispatchMode):
    """Collects the names of operators that multiply and that no counter has a formula for."""

    def __init__(self) -> None:
        super().__init__()
        self.uncounted: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        packet = func.overloadpacket
        if packet not in flop_registry and UNCOUNTED.search(packet.__name__):
            self.uncounted.add(packet.__name__)
        return func(*args, **(kwargs or {}))


@torch.no_grad()
def uncounted_operators(network: nn.Module, input_shape: tuple[int, ...]) -> list[str]:
    """Operators of a network whose products no counter knows: its MACs are a lower bound."""
    operators, model, clips = _Operators(), _evaluating(network), _clips(input_shape)
    with operators:
        model(clips)
    return sorted(operators.uncounted)


def macs_torch(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """MACs of one clip by torch's FlopCounterMode (which counts two operations per MAC)."""
    return _module_flops(network, input_shape)["Global"] // (2 * CLIPS)


@torch.no_grad()
def macs_fvcore(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """MACs of one clip by fvcore, of convolutions and matrix products only."""
    from fvcore.nn import FlopCountAnalysis

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
        analysis = FlopCountAnalysis(_evaluating(network), _clips(input_shape))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        by_operator = analysis.by_operator()
    return int(sum(by_operator[name] for name in FVCORE_OPERATORS)) // CLIPS


@torch.no_grad()
def macs_ptflops(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """MACs of one clip by ptflops (aten back end), minus the bias additions that it includes."""
    from ptflops import get_model_complexity_info

    model, said = _evaluating(network), io.StringIO()
    additions = _count_bias_additions(model)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        counted, _ = get_model_complexity_info(
            model,
            input_shape,
            backend="aten",
            as_strings=False,
            print_per_layer_stat=False,
            verbose=False,
            input_constructor=_clips,
        )
    if counted is None:  # ptflops prints the reason
        reason = (said.getvalue().strip().splitlines() or ["it does not say why"])[-1]
        raise BenchError(f"ptflops could not count this network: {reason}")
    return (int(counted) - sum(additions)) // CLIPS


COUNTERS = MappingProxyType(
    {"macs": macs_torch, "macs_fvcore": macs_fvcore, "macs_ptflops": macs_ptflops}
)
"""Key of a profile -> what counts it."""


@dataclass(frozen=True)
class ModuleShare:
    """A module of a network: its path, its class, and its parameters and MACs."""

    path: str
    kind: str
    depth: int
    params: int
    macs: int


def module_shares(
    network: nn.Module, input_shape: tuple[int, ...], depth: int
) -> tuple[ModuleShare, ...]:
    """The network itself (path "") and its modules down to a depth, in order.

    A module's figures include those of the modules inside it.
    """
    flops = _module_flops(network, input_shape)
    root = type(network).__name__
    return tuple(
        ModuleShare(
            path=path,
            kind=type(module).__name__,
            depth=_depth(path),
            params=sum(parameter.numel() for parameter in module.parameters()),
            macs=_inside(module, f"{root}.{path}" if path else root, flops) // (2 * CLIPS),
        )
        for path, module in network.named_modules()
        if _depth(path) <= depth
    )


@dataclass(frozen=True)
class TargetProfile:
    """The figures of every network of a target."""

    target: Target
    networks: tuple[dict[str, Any], ...]
    shares: tuple[ModuleShare, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The keys of `profile.json`: medians, with their range where there are several networks.

        The lower median of an even number, so that every figure is that of a network.
        """
        first = self.networks[0]
        values = {name: [n[name] for n in self.networks] for name in FIGURES}
        known = {name: [v for v in all_of if v is not None] for name, all_of in values.items()}
        reasons = [n["peak_reason"] for n in self.networks if n.get("peak_reason")]
        record = {
            "variant": self.target.variant,
            "what": self.target.kind,
            "origin": self.target.origin,
            "networks": len(self.networks),
            **first,
            **{name: median_low(some) if some else None for name, some in known.items()},
        }
        record["marks"] = [*self.target.marks, *size_marks([record])]
        if reasons:
            record["peak_reason"] = reasons[0]
        if len(self.networks) > 1:
            record["range"] = {
                name: [min(some), max(some)] if some else None for name, some in known.items()
            }
        if self.shares:
            record["modules"] = [asdict(share) for share in self.shares]
        return record


@dataclass(frozen=True)
class Wanted:
    """What to measure in addition to the counts.

    depth: of the breakdown into modules, 0 for none; peaks: whether to measure peak memory; batch:
    the batch size for it, None for that of the settings.
    """

    device: str
    depth: int = 0
    peaks: bool = True
    batch: int | None = None


def profile_targets(
    targets: Sequence[Target], wanted: Wanted, progress: Progress
) -> list[TargetProfile]:
    """The profile of every target; `progress` is called after every network."""
    total, done = sum(max(len(target.genotypes), 1) for target in targets), 0

    def one_more() -> None:
        nonlocal done
        done += 1
        progress("networks", done, total)

    return [_profile_target(target, wanted, one_more) for target in targets]


def _profile_target(target: Target, wanted: Wanted, one_more: Callable[[], None]) -> TargetProfile:
    """The profile of a target; the breakdown is of the network with the median parameters."""
    networks = target.networks()
    workloads = target.workloads(wanted.device)
    found: list[dict[str, Any]] = []
    for network, workload in zip(networks, workloads, strict=True):
        figures = profile(network, target.input_shape, target.training)
        if wanted.peaks:
            figures |= measure_peaks(workload, wanted.batch or target.batch).to_dict()
        found.append(figures)
        one_more()
    shares: tuple[ModuleShare, ...] = ()
    if wanted.depth:
        params = [figures["params"] for figures in found]
        typical = networks[params.index(median_low(params))]
        shares = module_shares(typical, target.input_shape, wanted.depth)
    return TargetProfile(target, tuple(found), shares)


@torch.no_grad()
def _module_flops(network: nn.Module, input_shape: tuple[int, ...]) -> dict[str, int]:
    """Path of every module that is called (and `Global`) -> operations for CLIPS clips."""
    model, clips = _evaluating(network), _clips(input_shape)
    with FlopCounterMode(display=False) as counter:  # copying is slow inside
        model(clips)
    counts = {path: sum(by.values()) for path, by in counter.get_flop_counts().items()}
    return {"Global": 0} | counts


def _inside(module: nn.Module, path: str, flops: Mapping[str, int]) -> int:
    """Operations within a module; of a container that is never called, the sum of its children."""
    if path in flops:
        return flops[path]
    return sum(_inside(child, f"{path}.{name}", flops) for name, child in module.named_children())


def _count_bias_additions(model: nn.Module) -> list[int]:
    """A list to which the model's next forward pass appends the additions of every bias."""
    additions: list[int] = []

    def count(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        additions.append(output.numel())

    for module in model.modules():
        if isinstance(module, BIASED) and module.bias is not None:
            module.register_forward_hook(count)
    return additions


def _checkpoint_numbers(network: nn.Module, params: int, training: TrainConfig | Recipe) -> int:
    architecture = network.architecture_parameters() if isinstance(network, Supernet) else []
    kept = 1 + optimiser_numbers(training)
    return kept * params + sum(parameter.numel() for parameter in architecture)


def _evaluating(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode that multiplies every tap: MACs are those of whole kernels.

    A copy, since the counters leave hooks behind.
    """
    model = copy.deepcopy(network).cpu().eval()
    for module in model.modules():
        if isinstance(module, Convolution):
            module.__class__ = nn.Conv3d  # type: ignore[assignment]  # the plain forward pass
    return model


def _clips(input_shape: Sequence[int]) -> Tensor:
    return torch.zeros(CLIPS, *input_shape)


def _depth(path: str) -> int:
    return path.count(".") + 1 if path else 0
