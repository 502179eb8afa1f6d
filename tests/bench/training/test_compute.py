"""Precision, memory format and compilation leave a network's function as it is."""

from __future__ import annotations

import io
import random
import shutil

import pytest
import torch

from ablations import RNAS_MER, RNAS_MER_2, RNAS_MER_3
from baselines import AUTODEEPLAB_3D
from bench.config.settings import ComputeConfig
from bench.training.compute import accelerated, float32_arithmetic
from rnas.derived import DerivedNetwork
from rnas.fast.supernet import FastSupernet
from rnas.genotype import random_genotype
from rnas.search import Searcher, SearchSettings
from rnas.trellis import Trellis

pytestmark = pytest.mark.usefixtures("one_thread")

BF16 = ComputeConfig(precision="bf16", channels_last=False)
LAST = ComputeConfig(channels_last=True)
PLAIN = ComputeConfig(channels_last=False)
HALF_A_PERCENT = 2**-7
"""bfloat16 keeps eight bits."""


def clips():
    return torch.randn(4, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))


def derived(space=RNAS_MER):
    torch.manual_seed(0)
    return DerivedNetwork(space, random_genotype(space, random.Random(0)), 3).eval()


class TestADerivedNetwork:
    def test_is_called_as_it_is_where_nothing_is_asked_for(self):
        network = derived()
        assert torch.equal(accelerated(network, PLAIN)(clips()), network(clips()))

    def test_channels_last_changes_the_order_of_sums_alone(self):
        network = derived()
        expected = network(clips())
        found = accelerated(network, LAST)(clips())
        assert torch.allclose(found, expected, atol=1e-5)
        weight = next(network.stem.parameters())
        assert weight.is_contiguous(memory_format=torch.channels_last_3d)

    def test_bfloat16_answers_in_float32_near_the_exact_logits(self):
        network = derived()
        expected = network(clips())
        found = accelerated(network, BF16)(clips())
        assert found.dtype == torch.float32
        assert not torch.equal(found, expected)
        assert (found - expected).norm() < 8 * HALF_A_PERCENT * expected.norm()

    @pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++")
    def test_compiled_trains_as_it_is(self):
        network = derived(RNAS_MER_3.resized(nodes=1, outer=Trellis(1, (2,), ("stay",))))
        evaluate = accelerated(network, ComputeConfig(compile="default"))
        expected = network(clips())
        assert torch.allclose(evaluate(clips()), expected, atol=1e-4)


class TestASupernet:
    @pytest.mark.parametrize(
        ("space", "compute", "near"),
        [
            (RNAS_MER, BF16, 0.2),
            (AUTODEEPLAB_3D, BF16, float("inf")),  # 12 norms over single voxels magnify rounding
            (RNAS_MER, LAST, 1e-4),
            (AUTODEEPLAB_3D, LAST, 1e-4),
        ],
        ids=["rnas bf16", "autodeeplab bf16", "rnas channels_last", "autodeeplab channels_last"],
    )
    def test_takes_a_step_of_search(self, space, compute, near):
        torch.manual_seed(0)
        dtype = torch.float32 if compute == BF16 else torch.float64
        outer = Trellis(3, (2, 4, 8), ("stay", "shrink"))
        small = space.resized(nodes=1, channels=4, outer=outer)
        supernet = FastSupernet(small, 3).to(dtype)
        inputs = clips().to(dtype)
        plain = supernet(inputs).float()
        searcher = Searcher(supernet, SearchSettings(), accelerated(supernet, compute))
        found = searcher.evaluate(inputs).detach()
        assert (found - plain).norm() < near * plain.norm()
        labels = torch.arange(4) % 3
        before = supernet.architecture.operation_logits.detach().clone()
        for loss in (
            searcher.step_architecture(inputs, labels),
            searcher.step_weights(inputs, labels),
        ):
            assert loss.isfinite()
        assert not torch.equal(before, supernet.architecture.operation_logits)

    @pytest.mark.parametrize("compute", [PLAIN, LAST], ids=["contiguous", "channels_last"])
    def test_goes_on_bit_for_bit_from_a_file(self, compute):
        """Fused SGD walks weights, gradients and momenta in memory: all must lie alike."""

        def searcher(seed):
            torch.manual_seed(seed)
            outer = Trellis(2, (2, 4), ("stay", "shrink"))
            supernet = FastSupernet(RNAS_MER_2.resized(nodes=1, channels=4, outer=outer), 3)
            settings = SearchSettings(epochs=2, warmup=0.0)  # both optimisers remember
            return Searcher(supernet, settings, accelerated(supernet, compute))

        pairs = [((clips(), torch.arange(4) % 3),) * 2] * 2
        straight, file = searcher(0), io.BytesIO()
        straight.run_epoch(0, pairs)
        torch.save(straight.state_dict(), file)
        file.seek(0)
        resumed = searcher(1)
        resumed.load_state_dict(torch.load(file, weights_only=True))
        logs = [each.run_epoch(1, pairs) for each in (straight, resumed)]
        assert logs[0] == logs[1]
        states = [each.supernet.state_dict() for each in (straight, resumed)]
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])

    def test_is_compiled_as_one_graph_without_gradients_that_a_step_throws_away(self):
        """CUDA graphs gain little on pieces, and Dynamo gives up on one function after eight.

        A compiled backward pass returns a gradient per input that wants one.
        """
        from functorch.compile import make_boxed_func, nop  # slow to import
        from torch._dynamo.backends.common import aot_autograd

        returned = []

        def backward(graph, inputs):
            (results,) = graph.graph.find_nodes(op="output")[0].args
            returned.append(sum(result is not None for result in results))
            return make_boxed_func(graph.forward)

        outer = Trellis(1, (2, 4), ("stay", "shrink"))
        kinds = ("add_1_3", "max_3_5", "avg_1_5", "conv_3", "skip", "none")
        space = RNAS_MER.resized(nodes=1, channels=4, kernels="shared", outer=outer)
        supernet = FastSupernet(space.resized(operations=kinds), 3)
        accelerated(supernet, ComputeConfig(compile="default"))
        backend = aot_autograd(fw_compiler=nop, bw_compiler=backward)
        whole = torch.compile(supernet, backend=backend, fullgraph=True)
        expected, found = supernet(clips()), []
        searcher = Searcher(
            supernet, SearchSettings(), lambda x: found.append(whole(x)) or found[-1]
        )
        labels = torch.arange(4) % 3
        searcher.step_architecture(clips(), labels)
        searcher.step_weights(clips(), labels)
        assert torch.allclose(found[0], expected, atol=1e-5)
        assert len(returned) == 2
        assert returned[0] == len(searcher.architecture) < returned[1]


class TestFloat32Arithmetic:
    @pytest.mark.parametrize(("precision", "expected"), [("fp32", "ieee"), ("tf32", "tf32")])
    def test_holds_inside_the_block_only(self, precision, expected):
        places = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)
        before = [place.fp32_precision for place in places]
        with pytest.raises(KeyError), float32_arithmetic(precision):
            assert [place.fp32_precision for place in places] == [expected] * 2
            raise KeyError
        assert [place.fp32_precision for place in places] == before

    @pytest.mark.parametrize("precision", ["fp32", "tf32"])
    def test_both_sets_of_switches_agree(self, precision):
        """torch refuses to read the older ones where they differ, and torch.compile reads them."""
        older = (torch.backends.cuda.matmul, torch.backends.cudnn)
        before = [place.allow_tf32 for place in older]
        with float32_arithmetic(precision):
            assert [place.allow_tf32 for place in older] == [precision == "tf32"] * 2
        assert [place.allow_tf32 for place in older] == before
