"""Every registered fixed network: it builds, trains one step by its recipe, and profiles."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch

from baselines import peers
from baselines.losses import LOSSES
from bench.config.settings import Config, TrainConfig
from bench.errors import BenchError
from bench.measuring.profiling import profile
from bench.measuring.workload import Workload, inference, update
from bench.methods import registry
from bench.seeds import seeded
from bench.training.procedure import procedure

FIXED = [entry for entry in registry.variants().values() if entry.kind == "fixed"]
CLIP = (3, 8, 32, 32)

pytestmark = pytest.mark.usefixtures("one_thread")
every_network = pytest.mark.parametrize("entry", FIXED, ids=lambda entry: entry.name)


def shape(network) -> tuple[int, ...]:
    return CLIP if network.input == "clip" else network.input.shape


def test_every_peer_is_registered_under_its_name_and_in_the_group():
    registered = {entry.name: entry.network for entry in FIXED}
    assert all(registered[peer.name] is peer for peer in peers.PEERS)
    assert set(registry.select_variants(["peers"])) == {peer.name for peer in peers.PEERS}
    assert set(registry.select_variants(["rcn_*"])) == {"rcn_a", "rcn_f", "rcn_s", "rcn_w"}


@every_network
def test_profiles_with_counters_that_agree(entry):
    network = entry.network.build(3)
    found = profile(network, shape(entry.network), entry.network.recipe or TrainConfig())
    assert found["macs"] == found["macs_fvcore"] == found["macs_ptflops"] > 0
    assert found["params"] == (entry.network.params or found["params"])


@every_network
def test_a_step_of_the_harness_is_a_step_of_plain_torch(entry):
    """Its optimisers are fused, which relies on how gradients lie in memory."""
    recipe = entry.network.recipe
    if recipe is None:
        pytest.skip("trained as derived networks are")
    with seeded(0):
        ours = entry.network.build(3).train()
        images = torch.rand(2, *entry.network.input.shape)
    theirs = copy.deepcopy(ours)
    batch = (images, torch.tensor([0, 2]))

    way = procedure(recipe)
    with seeded(1):  # the same dropout
        way.step(ours, way.optimiser(ours), batch)
    settings = {"lr": recipe.lr, "weight_decay": recipe.weight_decay, "foreach": False}
    if recipe.optimiser == "adam":
        optimiser = torch.optim.Adam(theirs.parameters(), **settings)
    else:
        optimiser = torch.optim.SGD(theirs.parameters(), momentum=recipe.momentum, **settings)
    with seeded(1):
        LOSSES[recipe.loss](theirs(images), batch[1]).backward()
    torch.nn.utils.clip_grad_norm_(theirs.parameters(), recipe.clip or torch.inf)
    optimiser.step()

    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(mine, other, atol=1e-6)


@pytest.mark.parametrize(
    "entry", [entry for entry in FIXED if entry.network.input == "clip"], ids=lambda e: e.name
)
def test_a_network_of_clips_takes_a_flow_image_as_a_clip_of_one_frame(entry):
    build = partial(entry.network.build, 3)
    workload = Workload(build, (3, 1, 28, 28), 3, training=entry.network.recipe)
    inference(workload, 2)()
    update(workload, 2)()


THEIRS = """
import torch
from torch import nn

from baselines.fixed import FixedNetwork, StillInput


class Net(nn.Sequential):
    def __init__(self, classes):
        super().__init__(nn.Flatten(), nn.LazyLinear(classes))
        torch.set_default_dtype(torch.float64)

    def forward(self, images):
        torch.set_num_threads(torch.get_num_threads() + 1)
        return super().forward(images)


STILL = StillInput("flow", 4)
LAZY = FixedNetwork("lazy", "sizes of its input", "their_methods:Net", STILL, recipe=None)
NONE = FixedNetwork("none", "no network", "builtins:str", STILL, recipe=None)
"""


def test_one_of_a_package_takes_sizes_from_clips_and_leaves_the_process_alone(install, capsys):
    install(THEIRS, {name: f"their_methods:{name.upper()}" for name in ("lazy", "none")})
    before, lazy, config = torch.get_num_threads(), registry.variant("lazy"), Config()
    assert lazy.record(config, 3)["network"]["params"] == 3 * 48 + 3
    build = lazy.builder(config, 3, None)
    with seeded(3):
        network = build()
    with seeded(3):
        assert build()[1].weight.equal(network[1].weight)
    assert network.training
    network(torch.rand(2, 3, 4, 4))
    assert torch.get_num_threads() == before
    assert torch.get_default_dtype() == torch.float32
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all("network lazy of package their_methods changed the" in line for line in said)
    with pytest.raises(BenchError, match=r"none: .* cannot be built .* expected a torch.nn.Module"):
        registry.variant("none").check(config)
