"""Search strategies through the command line: resumed, priced, and their reach foretold."""

import io

import pytest
from tiny_runs import only_run, without_seals

from bench.errors import BenchError
from bench.methods.strategies import STRATEGIES

TINY = ("data.frames=2", "candidates=3", "brief_epochs=1", "path_epochs=1", "population=2")
OPTIONS = [word for each in (*TINY, "generations=2") for word in ("--set", each)]

pytestmark = pytest.mark.usefixtures("short")


def search(bench, runs, strategy, *more):
    options = ("--set", f"strategy={strategy}", *OPTIONS, *more)
    return bench.small(runs, "short", *options, command="search")


def found(runs):
    """The result and the log of the search, durations aside."""
    run = only_run(runs)
    result = run.json("search/genotype.json")
    assert result["cost"].pop("seconds") > 0
    (log,) = (run.path / "search").glob("*.csv")
    return result, [line.rsplit(",", 1)[0] for line in log.read_text().splitlines()]


@pytest.mark.parametrize("name", ["random_search", "single_path"])  # test_resume_cli: an epoch
def test_a_search_goes_on_after_its_first_step(bench, tmp_path, monkeypatch, name):
    assert search(bench, tmp_path / "straight", name).code == 0
    strategy = STRATEGIES.load(name)
    step = strategy.step
    done = []

    def stopping(self, number):
        if done:
            raise BenchError("the power is off")
        done.append(number)
        return step(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(strategy, "step", stopping)
        assert search(bench, tmp_path / "stopped", name).code == 1
    checkpoint = only_run(tmp_path / "stopped").path / "search/checkpoint.pt"
    assert checkpoint.exists()
    assert search(bench, tmp_path / "stopped", name).code == 0
    assert found(tmp_path / "stopped") == found(tmp_path / "straight")
    result, log = found(tmp_path / "straight")
    assert result["strategy"] == name and result["cost"]["networks"] >= 1
    assert result["reach"] is None and "beta" not in result
    assert len(log) > 2 and not checkpoint.exists()


def test_a_checkpoint_of_an_earlier_version_goes_on_at_an_unknown_cost(bench, runs, monkeypatch):
    import torch

    from rnas.strategies.first_order import FirstOrder

    step = FirstOrder.step

    def stopping(self, number):
        if number:
            raise BenchError("the power is off")
        return step(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(FirstOrder, "step", stopping)
        assert search(bench, runs, "first_order").code == 1
    checkpoint = only_run(runs).path / "search/checkpoint.pt"
    _, _, payload = checkpoint.read_bytes().partition(b"\n")
    state = torch.load(io.BytesIO(payload), weights_only=True)
    without_seals(only_run(runs))
    torch.save({name: state[name] for name in ("searcher", "rows", "weights")}, checkpoint)
    assert search(bench, runs, "first_order").code == 0
    assert only_run(runs).json("search/genotype.json")["cost"] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "reach 0.0006 (architecture steps: 1; entropy of α at least 1.000, cannot decide)"),
        (("--set", "reach=3"), "reach 3 (architecture steps: 1; entropy of α at least 0.083)"),
        (("--set", "strategy=single_path"), "reach n/a (single_path)"),
    ],
)
def test_a_dry_run_says_how_far_the_search_can_move(bench, runs, options, said):
    outcome = bench.small(runs, "rnas_mer_3", *options, "--dry-run")
    assert outcome.code == 0 and said in outcome.out
    assert "reach" not in bench.small(runs, "random_rnas_mer_3", "--dry-run").out


FAILING = """
import random

from rnas.genotype import random_genotype
from rnas.strategies.base import Cost, Step, Strategy

class Stuck(Strategy):
    steps = 1

    def step(self, step):
        return self.material.nothing

    def genotype(self): ...
    def state_dict(self): ...
    def load_state_dict(self, state): ...

class Aimless(Stuck):
    def __init__(self, material):
        raise ValueError("no\\naim")

class Fickle(Stuck):
    def step(self, step):
        return Step({}, Cost())

    def genotype(self):
        return random_genotype(self.material.space, random)

    def state_dict(self):
        return {}
"""


@pytest.mark.parametrize("name", ["stuck", "aimless"])
def test_a_strategy_of_a_package_that_fails_is_named_with_it(bench, runs, install_package, name):
    entries = {"stuck": "stuck_search:Stuck", "aimless": "stuck_search:Aimless"}
    install_package(FAILING, {"bench.strategies": entries}, "stuck_search")
    outcome = search(bench, runs, name)
    assert outcome.code == 1
    assert f"search strategy {name} of bench.strategies, package stuck_search" in outcome.error
    assert "failed: " in outcome.error
    (failure,) = only_run(runs).json("failures.json")
    assert "stuck_search.py" in failure["traceback"]


def test_a_strategy_that_decodes_otherwise_each_time_is_refused(bench, runs, install_package):
    install_package(
        FAILING, {"bench.strategies": {"fickle": "stuck_search:Fickle"}}, "stuck_search"
    )
    outcome = search(bench, runs, "fickle")
    assert outcome.code == 1 and "decodes another genotype when it is asked again" in outcome.error
