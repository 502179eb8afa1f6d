"""The supernet beside a peer's on the same clips: MONAI's DiNTS (extra `peers`), step and decode.

The two search different things, so the figure to compare is time per candidate operation that a
step evaluates; both counts are in the benchmark's `extra_info`.
"""

import pytest
import torch
import torch.nn.functional as F

from ablations import RNAS_MER
from rnas.decode import viterbi
from rnas.fast.supernet import FastSupernet
from rnas.search import Searcher, SearchSettings
from rnas.trellis import State

dints = pytest.importorskip(
    "monai.networks.nets.dints", reason="MONAI is absent: pip install -e '.[peers]'"
)

CLASSES = 3
BLOCKS, DEPTHS, WIDTH = 6, 4, 0.125

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # MONAI's own
]


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 3, 8, 32, 32, generator=generator), torch.arange(4) % CLASSES


@pytest.fixture
def topology():
    return dints.TopologySearch(
        channel_mul=WIDTH, num_blocks=BLOCKS, num_depths=DEPTHS, use_downsample=False
    )


def candidates(space) -> int:
    """Operations that one forward pass of the supernet evaluates: per arrow, present edge, name."""
    trellis, total = space.outer, 0
    for arrow in trellis.arrows:
        older = trellis.exists(State(arrow.target.layer - 2, arrow.target.level))
        edges = [edge for edge in space.edges if older or edge.source != 1]
        total += len(edges) * len(space.choosable)
    return total


def per_candidate(benchmark):
    if benchmark.enabled:
        milliseconds = 1000 * benchmark.stats.stats.median
        benchmark.extra_info["ms / candidate"] = milliseconds / benchmark.extra_info["candidates"]


@pytest.mark.benchmark(group="search step beside a peer, 4 x 3 x 8 x 32 x 32")
def test_step_of_rnas_mer(benchmark, batch):
    searcher = Searcher(FastSupernet(RNAS_MER, CLASSES), SearchSettings())
    benchmark.extra_info["candidates"] = candidates(RNAS_MER)

    def step():
        searcher.step_architecture(*batch)
        return searcher.step_weights(*batch)

    assert torch.isfinite(benchmark.pedantic(step, rounds=5, warmup_rounds=1))
    per_candidate(benchmark)


@pytest.mark.benchmark(group="search step beside a peer, 4 x 3 x 8 x 32 x 32")
def test_step_of_dints(benchmark, batch, topology):
    clips, labels = batch
    network = dints.DiNTS(topology, in_channels=3, num_classes=CLASSES, use_downsample=False)
    architecture = [topology.log_alpha_a, topology.log_alpha_c]
    weights = [p for p in network.parameters() if all(p is not a for a in architecture)]
    optimisers = [torch.optim.Adam(architecture), torch.optim.SGD(weights, lr=0.1)]
    benchmark.extra_info["candidates"] = sum(
        len(cell.op.ops) for cell in topology.cell_tree.values()
    )

    def step():
        for optimiser in optimisers:
            loss = F.cross_entropy(network(clips).mean((2, 3, 4)), labels)
            network.zero_grad()
            loss.backward()
            optimiser.step()
        return loss.detach()

    assert torch.isfinite(benchmark.pedantic(step, rounds=5, warmup_rounds=1))
    per_candidate(benchmark)


@pytest.mark.benchmark(group="decoding a path")
def test_decoding_of_rnas_mer(benchmark):
    path, _ = benchmark(viterbi, RNAS_MER.outer, RNAS_MER.outer.uniform())
    assert path == (4, 8, 16, 16, 16, 16)


@pytest.mark.benchmark(group="decoding a path")
def test_decoding_of_dints(benchmark, topology):
    nodes, *_ = benchmark.pedantic(topology.decode, rounds=3)
    assert nodes.shape == (BLOCKS + 1, DEPTHS)
