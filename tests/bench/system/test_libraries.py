"""What a package's module replaces of torch, NumPy or the harness is set back, it is refused."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from bench.config.settings import Config
from bench.errors import BenchError
from bench.methods import registry
from bench.protocol import metrics
from bench.system.libraries import unreplaced

NETWORK = """
from torch import nn
from baselines.fixed import FixedNetwork, Recipe, StillInput

class Net(nn.Sequential):
    def __init__(self, classes):
        super().__init__(nn.Flatten(), nn.LazyLinear(classes))

def method(name, network):
    recipe = Recipe("adam", lr=0.01, epochs=1, batch=8)
    still = StillInput("flow", 8, "minmax")
    return FixedNetwork(name=name, summary="a", network=network, input=still, recipe=recipe)

METHOD = method("mine", "mine_module:Net")
"""


def wrapped(function):
    @functools.wraps(function)
    def longer(*arguments, **options):
        return function(*arguments, **options)

    return longer


def a_method():
    nn.Conv2d.reset_parameters = lambda conv: None  # which it inherits


def a_wrapped_function():
    functional.relu = wrapped(functional.relu)


def another_class():
    nn.ReLU = nn.GELU


def other_defaults():
    nn.BatchNorm2d.__init__.__defaults__ = (1e-3, 0.5, True, True, None, None)


def other_code():
    nn.init.zeros_.__code__ = (lambda tensor: tensor.fill_(1)).__code__


def other_code_of_a_static_method():
    torch.autograd.Function.vmap.__code__ = (lambda *_: 1).__code__


def of_numpy():
    np.mean = np.median


def of_an_optimiser():
    del torch.optim.Adam


def of_the_harness():
    metrics.uf1 = metrics.uar


REPLACING = {
    "torch.nn.modules.conv.Conv2d.reset_parameters": a_method,
    "torch.nn.functional.relu": a_wrapped_function,
    "torch.nn.ReLU": another_class,
    "torch.nn.modules.batchnorm._BatchNorm.__init__": other_defaults,
    "torch.nn.init.zeros_": other_code,
    "torch.autograd.function.Function.vmap": other_code_of_a_static_method,
    "numpy.mean": of_numpy,
    "torch.optim.Adam": of_an_optimiser,
    "bench.protocol.metrics.uf1": of_the_harness,
}


@pytest.mark.parametrize("name", REPLACING)
def test_what_is_replaced_is_named_and_set_back(name):
    with unreplaced() as replaced:
        REPLACING[name]()
    assert replaced == [name]
    with unreplaced() as replaced:
        pass
    assert not replaced
    assert nn.BatchNorm2d(1).eps == 1e-5 and not nn.init.zeros_(torch.ones(1)).any()
    assert nn.Conv2d.reset_parameters is nn.Conv3d.reset_parameters


def test_what_is_added_or_a_library_does_itself_replaces_nothing():
    with unreplaced() as replaced:
        import sklearn.linear_model  # noqa: F401
        import torch._dynamo  # noqa: F401 - replaces torch.manual_seed

        nn.Conv2d.ours = functional.ours = wrapped(functional.relu)

        class Ours(nn.Conv2d):
            def reset_parameters(self):
                pass

    assert not replaced
    del nn.Conv2d.ours, functional.ours


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ("nn.Linear.reset_parameters = lambda layer: None", "linear.Linear.reset_parameters"),
        ("import torch\ntorch.nn.functional.relu = torch.sigmoid", "torch.nn.functional.relu"),
        ("import bench.protocol.metrics as m\nm.uf1 = m.uar", "bench.protocol.metrics.uf1"),
    ],
)
def test_a_variant_whose_module_replaces_something_is_refused(install_package, changes, name):
    own = nn.Linear.reset_parameters, functional.relu, metrics.uf1
    groups = {"bench.variants": {"mine": "mine_module:METHOD"}}
    install_package(NETWORK + changes, groups, "mine_module")
    with pytest.raises(BenchError, match=rf"mine of bench.variants.*it replaces .*{name}"):
        registry.variant("mine")
    assert (nn.Linear.reset_parameters, functional.relu, metrics.uf1) == own


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("torch.set_default_dtype(torch.float64)", "the default dtype"),
        ("torch.set_grad_enabled(False)", "gradients"),
    ],
)
def test_what_a_module_sets_when_it_is_imported_is_set_back(install_package, capsys, change, what):
    groups = {"bench.variants": {"mine": "mine_module:METHOD"}}
    install_package(f"import torch\n{change}\n{NETWORK}", groups, "mine_module")
    assert registry.variant("mine").name == "mine"
    assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()
    said = f"warning: the module mine_module of a package changed {what} of the process: set back"
    assert said in capsys.readouterr().err


def test_a_network_that_replaces_something_when_it_is_built_is_refused(install_package):
    changes = NETWORK.replace(
        "        super()", "        nn.Linear.extra_repr = lambda layer: ''\n        super()"
    )
    groups = {"bench.variants": {"mine": "mine_module:METHOD"}}
    install_package(changes, groups, "mine_module")
    variant = registry.variant("mine")
    with pytest.raises(BenchError, match=r"it replaces torch.nn.*Linear.extra_repr"):
        variant.check(Config())
    assert "lambda" not in nn.Linear.extra_repr.__qualname__
