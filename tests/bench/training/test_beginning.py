"""What a network begins with is its seed's alone, whatever was built or trained before it."""

from __future__ import annotations

import random
from functools import cache, partial

import numpy as np
import pytest
import torch
from torch import nn

from bench.errors import BenchError
from bench.training.beginning import Beginning
from bench.training.initial import initialised
from bench.training.tensors import StillTensors

STILLS = StillTensors(torch.rand(5, 1, 4, 4), labels=torch.tensor([0, 1, 2, 0, 1]), classes=3)


class Network(nn.Module):
    """Its last layer begins at zero, so that it answers zeros before it is trained."""

    def __init__(self):
        super().__init__()
        self.hidden, self.head = nn.Linear(16, 4), nn.Linear(4, 3)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images):
        return self.head(self.seen(self.hidden(images.flatten(1))))

    def seen(self, features):
        return features


def kept() -> type[Network]:
    """A network with one part that all share."""
    shared = nn.Linear(16, 4)

    class Kept(Network):
        def __init__(self):
            super().__init__()
            self.hidden = shared

    return Kept


def frozen() -> type[Network]:
    """The same, but no training moves that part."""
    whole = kept()
    whole().hidden.requires_grad_(False)
    return whole


def unseeded() -> type[Network]:
    """A network whose weights are drawn elsewhere."""
    source = torch.Generator()

    class Unseeded(Network):
        def __init__(self):
            super().__init__()
            with torch.no_grad():
                self.hidden.weight.normal_(generator=source)

    return Unseeded


def sharing() -> type[Network]:
    """A network with a buffer that all share."""
    mean = torch.zeros(4)

    class Sharing(Network):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", mean)

        def seen(self, features):
            if self.training:
                self.mean.add_(features.detach().mean(0))
            return features

    return Sharing


def remembering() -> type[Network]:
    """A network whose class remembers what it has seen in training."""

    class Remembering(Network):
        memory = ()

        def seen(self, features):
            if self.training:
                type(self).memory += (features.detach().mean(0),)
            return features + sum(self.memory)

    return Remembering


def learning() -> type[Network]:
    """A network that begins with what the last one ended with."""
    ended = {}

    class Learning(Network):
        def __init__(self):
            super().__init__()
            self.load_state_dict(ended or self.state_dict())

        def seen(self, features):
            if self.training:
                ended.update({name: each.clone() for name, each in self.state_dict().items()})
            return features

    return Learning


class Projecting(Network):
    """A network with random numbers that are no part of its weights."""

    def __init__(self):
        super().__init__()
        self.projections = [torch.randn(4, 4)]

    def seen(self, features):
        return features @ self.projections[0]


class Averaging(Network):
    """A network that learns what is no part of its weights."""

    mean = 0.0

    def seen(self, features):
        if self.training:
            self.mean = features.detach().mean(0)
        return features - self.mean


class Noise:
    """No module; draws in its later calls."""

    def __init__(self, generator):
        self.generator = generator


def drawing(make):
    """A network that keeps generators of random numbers, for later."""

    class Drawing(Network):
        def __init__(self):
            super().__init__()
            self.noises = {"late": [Noise(make())]}

    return Drawing


UNSEEDED = {
    "numpy": np.random.default_rng,
    "older numpy": np.random.RandomState,
    "python": random.Random,
    "system": random.SystemRandom,
    "torch": lambda: torch.Generator().manual_seed(torch.Generator().seed()),
}
SEEDED = {
    "numpy": lambda: np.random.default_rng(3),
    "older numpy": lambda: np.random.RandomState(int(torch.randint(9, ()))),
    "python": lambda: random.Random(random.random()),
    "torch": lambda: torch.Generator().manual_seed(torch.initial_seed()),
}


class Seeding(Network):
    def __init__(self):
        torch.manual_seed(5)
        super().__init__()


def forked(network):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network.hidden.reset_parameters()


def by_generator(network):
    source = torch.Generator().manual_seed(7)
    for weight in network.hidden.parameters():
        weight.data.normal_(generator=source)


def by_numpy(network):
    source = np.random.default_rng(7)
    for weight in network.hidden.parameters():
        weight.data.copy_(torch.from_numpy(source.normal(size=weight.shape)))


LOADED = nn.Linear(16, 4).state_dict()


def loaded(network):
    network.hidden.load_state_dict(LOADED)


class Same(Network):
    """All that does not begin at zero begins in one way; `more` numbers are drawn beside it."""

    def __init__(self, way, more=0):
        super().__init__()
        way(self)
        self.more = nn.Parameter(torch.randn(more))


def nothing(network):
    pass


def in_frozen(network, values):
    network.hidden.load_state_dict(values)
    network.hidden.requires_grad_(False)


def in_buffers(network, values):
    network.register_buffer("first", values["weight"])
    network.register_buffer("second", values["bias"], persistent=False)


def in_attributes(network, values):
    network.parts = [values["weight"], {"bias": values["bias"].numpy()}]


def in_hidden_layers(network, values):
    layer = nn.Linear(16, 4)
    layer.load_state_dict(values)
    network.layers = (layer,)


class Loaded(Network):
    """Holds 16 * 4 + 4 numbers of a file beside 16 * 4 + 4 that are drawn, if they are kept."""

    def __init__(self, way):
        super().__init__()
        way(self, LOADED)
        self.more = nn.Parameter(torch.randn(68 if way is in_frozen else 0))


class Designed(Network):
    """A small filter that is designed, among weights that are drawn."""

    def __init__(self):
        super().__init__()
        self.filter = nn.Parameter(torch.tensor([-1.0, 0.0, 1.0]))


def begin(build, pretrained=False) -> Beginning:
    new = partial(initialised, build, 3, "in_order")
    return Beginning.of(new, build, STILLS, range(5), pretrained)


def trained(beginning: Beginning) -> None:
    network = beginning.network.train()
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        nn.functional.cross_entropy(network(STILLS.images), STILLS.labels).backward()
        optimiser.step()


@pytest.mark.parametrize("build", [Network, frozen()])
def test_a_sound_one_is_left_as_its_seed_gives_it(build):
    state = torch.random.get_rng_state()
    expected = initialised(build, 3, "in_order").state_dict()
    beginning = begin(build)
    found = beginning.network.state_dict()
    assert all(found[name].equal(value) for name, value in expected.items())
    trained(beginning)
    beginning.require_kept()
    assert torch.random.get_rng_state().equal(state)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (kept(), "shares trainable weights"),
        (cache(Network), "shares trainable weights"),
        (unseeded(), "begin with different hidden.weight"),
        (Projecting, "register every tensor"),
        (Seeding, "leave out torch.manual_seed"),
    ],
)
def test_others_are_refused_before_they_are_trained(build, said):
    with pytest.raises(BenchError, match=said):
        begin(build)


@pytest.mark.parametrize("make", UNSEEDED.values(), ids=UNSEEDED)
def test_generators_without_a_seed_are_refused_before_they_draw(make):
    with pytest.raises(BenchError, match="generators of random numbers in different states"):
        begin(drawing(make))


@pytest.mark.parametrize("make", SEEDED.values(), ids=SEEDED)
def test_those_that_the_seed_decides_are_not(make):
    begin(drawing(make)).require_kept()


@pytest.mark.parametrize("way", [forked, by_generator, by_numpy, loaded])
def test_weights_that_no_seed_changes_are_refused_or_told(way):
    with pytest.raises(BenchError, match=r"same trainable weights with every seed.*pretraining"):
        begin(partial(Same, way))
    assert begin(partial(Same, way), pretrained=True).alike == 0
    assert begin(partial(Same, way, more=68)).alike == 0.5  # of 16 * 4 + 4 and as many
    assert begin(partial(Same, way, more=68), pretrained=True).alike == 0


@pytest.mark.parametrize("way", [in_frozen, in_buffers, in_attributes, in_hidden_layers])
def test_what_no_training_moves_is_told_wherever_it_is_kept(way):
    assert begin(partial(Loaded, way)).alike == 0.5
    assert begin(partial(Loaded, way), pretrained=True).alike == 0


class Normed(Network):
    """Drawn, but for the constants of a batch norm and the places of an index."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(400)
        self.register_buffer("places", torch.arange(400))


@pytest.mark.parametrize("build", [Network, Designed, partial(Same, nothing), Normed])
def test_drawn_weights_and_small_designed_filters_are_not_told(build):
    assert begin(build).alike == 0


def test_what_a_training_leaves_outside_the_weights_is_refused_after_it():
    beginning = begin(Averaging)
    beginning.require_kept()
    trained(beginning)
    with pytest.raises(BenchError, match="register every tensor"):
        beginning.require_kept()


@pytest.mark.parametrize(
    ("make", "what"),
    [(sharing, "mean"), (remembering, "answers"), (learning, "head.weight|hidden.weight")],
)
def test_what_a_training_leaves_behind_is_refused_after_it(make, what):
    beginning = begin(make())
    trained(beginning)
    with pytest.raises(BenchError, match=f"of the same seed begins with other ({what})"):
        beginning.require_kept()


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0)[::-1],
        np.arange(6.0).astype(">f4"),
        np.arange(6.0, dtype=np.longdouble),
        torch.eye(3).to_sparse(),
        torch.empty(3, device="meta"),
    ],
)
def test_whatever_a_network_holds_it_can_begin(value):
    def build():
        network = Network()
        network.kept = value
        return network

    assert 0 <= begin(build).alike < 1
