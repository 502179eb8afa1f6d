"""The search step by evaluation, precision, size, and how it reaches the card.

A step is forward and backward for α, η and β, then for w, with both updates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.util import find_spec
from itertools import product

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from ablations import RNAS_MER
from bench.config.settings import ComputeConfig, Precision
from bench.seeds import seeded
from bench.training.compute import accelerated, float32_arithmetic
from reports.gpu.apart import run_apart
from reports.gpu.measuring import (
    TERA,
    Call,
    captured,
    forget_peaks,
    on_gpu,
    peak_mb,
    product_flops,
    timed,
)
from reports.gpu.record import Recorder, Row, Settings
from rnas.fast.supernet import FastSupernet
from rnas.optimisers import Adam
from rnas.search import Searcher, SearchSettings
from rnas.space import SearchSpace
from rnas.supernet import Supernet
from rnas.trellis import Trellis

CLASSES = 3
PAPER = (8, 3, 16, 112, 112)
SIZES = (PAPER, (2, 3, 16, 56, 56), (4, 3, 8, 32, 32))
PRECISIONS: tuple[Precision, ...] = ("fp32", "tf32", "bf16")
EAGER, GRAPH, COMPILED = "eager", "CUDA graph", "compiled"
MATRIX = 8192

COMPILE_LIMIT_S = 40.0
"""Seconds for one compilation with its timing: it may take minutes, and then is no use here."""

SECONDS = 0.5
"""For the repeats of one row."""

TINY_SIZE = (2, 3, 4, 16, 16)
TINY_SPACE = RNAS_MER.resized(nodes=1, channels=4, outer=Trellis(2, (2, 4), ("stay", "shrink")))
TINY_MATRIX = 128
TINY_COMPILE_LIMIT_S = 1.0

LEAST_LEFT_S = 8.0
"""With less time left no further row is begun."""


@dataclass(frozen=True)
class Case:
    """A step to be timed. evaluation: `fast` or `reference`; kernels: `per_op` or `shared`."""

    evaluation: str
    kernels: str
    precision: Precision
    mode: str
    size: tuple[int, ...]

    @property
    def about(self) -> Row:
        """The headings that say which step a row is about."""
        return {
            "clips": "×".join(map(str, self.size)),
            "evaluation": f"{self.evaluation}, {self.kernels.replace('_', ' ')} kernels",
            "precision": self.precision,
            "mode": self.mode,
        }


def work(settings: Settings, record: Recorder) -> None:
    """The card's own matrix product, the steps, then what may be missing or take too long."""
    space = TINY_SPACE if settings.tiny else RNAS_MER
    products = _products(settings, record)
    flops: dict[tuple, int] = {}
    for case in _cases(settings):
        if record.left_s < LEAST_LEFT_S:
            record.say("the rest is left out")
            break
        record.attempt(case.about, partial(measured, case, space, settings.device, products, flops))
    for case in _compiled_cases(settings):
        most = TINY_COMPILE_LIMIT_S if settings.tiny else COMPILE_LIMIT_S
        limit = min(most, record.left_s - LEAST_LEFT_S / 2)
        if limit < TINY_COMPILE_LIMIT_S:
            break
        arguments = (case, space, settings.device, products)
        outcome = run_apart(_measured_apart, arguments, limit)
        record.add({**case.about, **(outcome.value or {"reason": outcome.reason})})
    if record.left_s > LEAST_LEFT_S:
        about = {"clips": "4×3×8×32×32", "evaluation": "DiNTS of MONAI"}
        record.attempt(about, partial(_dints, settings))


def measured(
    case: Case,
    space: SearchSpace,
    device: str,
    products: dict[Precision, float],
    flops: dict[tuple, int] | None = None,
) -> Row:
    """Median and interquartile range, peak memory, and the share of the card's arithmetic."""
    forget_peaks(device)
    known = {} if flops is None else flops
    with float32_arithmetic(case.precision):
        step = search_step(case, space, device)
        counted = (case.evaluation, case.kernels, case.size)
        if counted not in known and case.mode != COMPILED:
            with FlopCounterMode(display=False) as counter:
                step()
            known[counted] = counter.get_total_flops()
        if case.mode == GRAPH:
            step = captured(step, device)
        spread = timed(step, device, SECONDS)
    row: Row = {} if case.mode != GRAPH or on_gpu(device) else {"note": "a CPU has none: eager"}
    row |= {"ms": spread.median_ms, "IQR ms": spread.iqr_ms, "peak MB": peak_mb(device)}
    if counted in known:
        achieved = known[counted] / (spread.median_ms / 1000)
        row["TFLOP/s"] = achieved / TERA
        row["of the matrix product"] = achieved / products[case.precision]
    return row


def search_step(case: Case, space: SearchSpace, device: str) -> Call:
    """A step on noise that lies on the device."""
    supernet = _supernet(case.evaluation, space.resized(kernels=case.kernels), device)
    compute = ComputeConfig(
        precision=case.precision,
        channels_last=False,
        compile="default" if case.mode == COMPILED else "off",
    )
    searcher = Searcher(supernet, SearchSettings(), accelerated(supernet, compute))
    if case.mode == GRAPH:  # its step counters must lie on the device
        searcher.architecture_optimiser = Adam(
            searcher.architecture, lr=SearchSettings.architecture_lr, capturable=on_gpu(device)
        )
    generator = torch.Generator().manual_seed(0)
    clips = torch.randn(case.size, generator=generator).to(device)
    labels = (torch.arange(case.size[0]) % CLASSES).to(device)

    def step() -> None:
        searcher.step_architecture(clips, labels)
        searcher.step_weights(clips, labels)

    return step


@lru_cache(maxsize=1)  # thousands of modules: it is built once for all precisions and modes
def _supernet(evaluation: str, space: SearchSpace, device: str) -> Supernet:
    build = {"fast": FastSupernet, "reference": Supernet}[evaluation]
    with seeded(0):
        return build(space, CLASSES).to(device).train()


def _cases(settings: Settings) -> Iterator[Case]:
    """What is worth most first: the fast step at the paper's size, then the rest."""
    sizes = (TINY_SIZE,) if settings.tiny else SIZES
    precisions = ("fp32",) if settings.tiny else PRECISIONS
    ways = ("shared",) if settings.tiny else ("per_op", "shared")
    for size, kernels in product(sizes, ways):
        for precision, mode in product(precisions, (EAGER, GRAPH)):
            yield Case("fast", kernels, precision, mode, size)
    for size, precision in product(reversed(sizes), precisions):
        yield Case("reference", "per_op", precision, EAGER, size)


def _compiled_cases(settings: Settings) -> Iterator[Case]:
    """Shared kernels first: the smaller graph compiles sooner."""
    size = TINY_SIZE if settings.tiny else PAPER
    kernels = ("shared",) if settings.tiny else ("shared", "per_op")
    for each in kernels:
        yield Case("fast", each, "fp32", COMPILED, size)


def _measured_apart(
    case: Case, space: SearchSpace, device: str, products: dict[Precision, float]
) -> Row:
    return measured(case, space, device, products)


def _products(settings: Settings, record: Recorder) -> dict[Precision, float]:
    """The matrix product in every precision, operations a second."""
    size = TINY_MATRIX if settings.tiny else MATRIX
    found = {}
    for precision in PRECISIONS:
        found[precision] = product_flops(settings.device, precision, size, SECONDS)
        record.add(
            {
                "evaluation": f"matrix product, {size}×{size}",
                "precision": precision,
                "TFLOP/s": found[precision] / TERA,
            }
        )
    return found


def _dints(settings: Settings) -> Row:
    """The step of a peer's supernet on the same clips, where MONAI is installed."""
    if find_spec("monai") is None:
        return {"reason": "MONAI is not installed (extra `peers`)"}
    from monai.networks.nets.dints import DiNTS, TopologySearch

    topology = TopologySearch(
        channel_mul=0.125,
        num_blocks=6,
        num_depths=4,
        use_downsample=False,
        device=settings.device,
    )
    network = DiNTS(topology, in_channels=3, num_classes=CLASSES, use_downsample=False)
    network.to(settings.device)
    architecture = [topology.log_alpha_a, topology.log_alpha_c]
    weights = [p for p in network.parameters() if all(p is not a for a in architecture)]
    optimisers = [torch.optim.Adam(architecture), torch.optim.SGD(weights, lr=0.1)]
    clips = torch.randn(4, 3, 8, 32, 32, device=settings.device)
    labels = torch.arange(4, device=settings.device) % CLASSES

    def step() -> None:
        for optimiser in optimisers:
            loss = F.cross_entropy(network(clips).mean((2, 3, 4)), labels)
            network.zero_grad()
            loss.backward()
            optimiser.step()

    forget_peaks(settings.device)
    spread = timed(step, settings.device, SECONDS)
    return {
        "precision": "fp32",
        "mode": EAGER,
        "ms": spread.median_ms,
        "IQR ms": spread.iqr_ms,
        "peak MB": peak_mb(settings.device),
    }
