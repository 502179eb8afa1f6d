"""What is written for other programs answers as the network does, or is not written."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from bench.errors import BenchError
from bench.models.exporting import export


class Small(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(2))

    def forward(self, x):
        return super().forward(x).mean(2)


class BySign(Small):
    """Images of -1 to 1 are brought to 0 to 1."""

    def forward(self, x):
        return super().forward((x + 1) / 2 if x.min() < 0 else x)


class BySize(Small):
    """Large values are brought to 0 to 1."""

    def forward(self, x):
        return super().forward(x / 255 if float(x.abs().amax()) > 2 else x)


class ByBatch(Small):
    """One clip alone is answered otherwise."""

    def forward(self, x):
        return super().forward(x) * (2 if len(x) == 1 else 1)


class Chosen(Small):
    """A choice that a graph holds; Python asks for what is the same in every batch."""

    def forward(self, x):
        assert x.shape[1] == 3
        return super().forward(torch.where(x < 0, (x + 1) / 2, x))


def written(network, form, path, capfd):
    """Whether it is; what was said in place of it is one line, and nothing else is shown."""
    model = SimpleNamespace(
        network=network(), shape=(3, 6, 6), classes=("a", "b"), record=SimpleNamespace(title="net")
    )
    try:
        export(model, path, form)
    except BenchError as error:
        assert not path.exists() and "\n" not in str(error) and f"no {form}" in str(error)
        assert capfd.readouterr() == ("", "")
        return False
    return path.exists()


@pytest.mark.parametrize("network", [BySign, BySize, ByBatch])
def test_a_choice_that_python_makes_is_not_written_as_a_graph(network, tmp_path, capfd):
    assert not written(network, "torchscript", tmp_path / "net", capfd)


@pytest.mark.parametrize("network", [Small, Chosen])
def test_what_answers_alike_is_written(network, tmp_path, capfd):
    assert written(network, "torchscript", tmp_path / "net", capfd)


def test_a_refusal_of_torch_is_one_line(tmp_path, capfd):
    assert not written(BySign, "pt2", tmp_path / "net", capfd)
