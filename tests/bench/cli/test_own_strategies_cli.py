"""Strategies of packages: their steps rest on the state that is saved, the seeds and the clips."""

import pytest
from tiny_runs import only_run
from toy_search import ToyMaterial

from bench.engine.searching.apart import require_gradients_said
from bench.errors import BenchError
from rnas.strategies.base import Cost, Step, Strategy
from rnas.strategies.first_order import FirstOrder

TINY = ("data.frames=2", "candidates=3", "brief_epochs=1", "path_epochs=1", "population=2")
OPTIONS = [word for each in (*TINY, "generations=2") for word in ("--set", each)]

pytestmark = pytest.mark.usefixtures("short")

BEST = """
import os, random
from pathlib import Path

from rnas.genotype import Genotype, random_genotype
from rnas.strategies.base import Cost, Step, Strategy
from rnas.strategies.first_order import FirstOrder
from rnas.strategies.random_search import RandomSearch
from rnas.strategies.single_path import SinglePath

SEEN = []

class Best(Strategy):
    steps = 3
    best = ((-1.0,), "")

    def drawn(self, step):
        return random_genotype(self.material.space, self.material.generator(step))

    def cost(self, trial):
        return trial.cost

    def step(self, step):
        if step and Path(__file__).with_name("power_off").exists():
            raise ValueError("the power is off")
        drawn = self.drawn(step)
        trial = self.material.trial(drawn, epochs=1, name=str(step))
        self.best = max(self.best, (trial.fitness, drawn.to_json()))
        return Step({"accuracy": trial.accuracy}, self.cost(trial))

    def genotype(self):
        return Genotype.from_json(self.best[1])

    def state_dict(self):
        return {"best": self.best}

    def load_state_dict(self, state):
        self.best = state["best"]
"""


@pytest.fixture
def search(bench, runs, install_package):
    """Searches with the class of that name in a package of these lines and those of BEST."""

    def found(lines, name="Mine", *options, runs=runs):
        if not done:
            done.append(name)
            entries = {"mine": f"mine_search:{name}"}
            install_package(f"{BEST}\n{lines}\n", {"bench.strategies": entries}, "mine_search")
        options = ("--set", "strategy=mine", *OPTIONS, *options)
        return bench.small(runs, "short", *options, command="search")

    done = []
    return found


def drawing(by, begin="pass"):
    return f"""
class Mine(Best):
    def __init__(self, material):
        super().__init__(material)
        {begin}

    def drawn(self, step):
        return random_genotype(self.material.space, {by})
"""


@pytest.mark.parametrize("by", ["random.Random(os.urandom(8))", "random.SystemRandom()"])
def test_draws_without_a_seed_are_refused(search, by):
    said = search(drawing(by)).error
    assert "step 1 of search strategy mine of bench.strategies, package mine_search" in said
    assert "from the same state in another process" in said
    assert "draw from self.material.generator(step)" in said


@pytest.mark.parametrize("begin", ["random.Random(0)", "material.generator(0)"])
def test_a_generator_that_is_not_in_the_state_is_refused(search, begin):
    said = search(drawing("self.rng", f"self.rng = {begin}")).error
    assert "step 2 of" in said and "with the strategy that did step 1" in said
    assert "state_dict()" in said


@pytest.mark.parametrize("state", ["{}", "{'best': ((-1.0,), '')}"])
def test_a_state_without_what_is_decoded_is_refused(search, state):
    said = search(f"""
class Mine(Best):
    def state_dict(self):
        return {state}

    def load_state_dict(self, state):
        self.best = state.get("best", self.best)
""").error
    assert "another genotype after step 1 when it is made anew with the state it then had" in said


def test_a_state_that_cannot_be_read_back_is_refused(search):
    lines = """
class Mine(Best):
    def state_dict(self):
        return {"best": self.best, "rng": random.Random(0)}
"""
    assert "state_dict() holds tensors and plain values alone" in search(lines).error


@pytest.mark.parametrize(("where", "scope"), [("SEEN", "all"), ("Best.kept", "fold")])
def test_memory_beside_the_state_is_refused(search, where, scope):
    lines = f"""
Best.kept = []

class Mine(Best):
    def drawn(self, step):
        {where}.append(step)
        return random_genotype(self.material.space, random.Random(len({where})))
"""
    outcome = search(lines, "Mine", "--set", f"search_scope={scope}")
    assert outcome.code == 1 and "nothing at module or class level" in outcome.err


@pytest.mark.parametrize("change", ["clips.videos.zero_()", "clips.labels.numpy()[:] = 1"])
def test_clips_that_are_altered_in_place_are_refused(search, change):
    said = search(f"""
class Mine(Best):
    def drawn(self, step):
        self.material.{change}
        return super().drawn(step)
""").error
    assert "alters the clips or labels of its material in place" in said


COSTS = {
    "nothing": ("Cost()", "cost 0 clip_passes"),
    "half": ("Cost(trial.cost.clip_passes / 2, trial.cost.macs, 1)", "alone cost"),
    "no batch": (
        "[list(self.material.train_b()), trial.cost][1]",
        "takes batches of clips in step 1, but counts no clip_passes and macs",
    ),
    "no MACs": (
        "[list(self.material.pairs(0)), trial.cost + Cost(4)][1]",
        "takes batches of clips in step 1, but counts no macs",
    ),
    "few clip passes": (
        "[list(self.material.pairs(0)), trial.cost + Cost(0.3, 10**12)][1]",
        "counts no clip_passes for them, or too few",
    ),
    "few MACs": (
        "[list(self.material.train_b()), trial.cost + Cost(100, 1000)][1]",
        "counts no macs for them, or too few",
    ),
}


@pytest.mark.parametrize("name", COSTS)
def test_a_cost_below_what_the_bench_did_is_refused(search, name):
    cost, expected = COSTS[name]
    said = search(f"""
class Mine(Best):
    def cost(self, trial):
        return {cost}
""").error
    assert expected in said


@pytest.mark.parametrize("method", ["genotype", "__init__"])
def test_a_network_trained_outside_the_steps_is_refused(search, method):
    said = search(f"""
class Mine(Best):
    def {method}(self, *given):
        answer = super().{method}(*given)
        self.material.trial(self.drawn(0), 1, "x")
        return answer
""").error
    assert "outside its steps" in said


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("RandomSearch", "random_search"),
        ("SinglePath", "single_path"),
        ("FirstOrder", "first_order"),
    ],
)
def test_a_strategy_finds_the_same_in_a_package(bench, search, runs, tmp_path, name, own):
    """In a process of its own, with a new object for each step."""
    assert search("", name).code == 0
    options = ("--set", f"strategy={own}", *OPTIONS)
    assert bench.small(tmp_path / "own", "short", *options, command="search").code == 0
    theirs, ours = (
        only_run(each).json("search/genotype.json") for each in (runs, tmp_path / "own")
    )
    for result in (theirs, ours):
        assert result.pop("strategy") and result["cost"].pop("seconds") > 0
        del result["made_on"], result["run"]
    assert theirs == ours


@pytest.mark.parametrize("name", ["Best", "Counting"])
def test_a_killed_search_ends_as_an_unbroken_one(search, tmp_path, runs, name):
    lines = """
class Counting(Best):
    def drawn(self, step):
        return random_genotype(self.material.space, random)
"""
    switch = tmp_path / "power_off"
    switch.touch()
    assert "the power is off" in search(lines, name).error
    assert (only_run(runs).path / "search/checkpoint.pt").exists()
    switch.unlink()
    assert search(lines, name).code == 0
    assert search(lines, name, runs=tmp_path / "straight").code == 0
    found = [only_run(each).json("search/genotype.json") for each in (runs, tmp_path / "straight")]
    for each in found:
        each["cost"].pop("seconds")
    assert found[0] == found[1]


class Plain(Strategy):
    def step(self, step): ...
    def genotype(self): ...
    def state_dict(self): ...
    def load_state_dict(self, state): ...


class Said(Plain):
    by_gradient = False


class FirstOrderAgain(FirstOrder):
    """Says it as its parent does."""


class WithSearcher(Plain):
    searcher = object()


class SaidSearcher(WithSearcher):
    by_gradient = True


STEP = Step({}, Cost())
MOVED = Step({}, Cost(), weights=object())


@pytest.mark.parametrize(("made", "step"), [(Plain, MOVED), (WithSearcher, STEP)])
def test_one_that_moves_the_architecture_says_whether_by_gradients(made, step):
    with pytest.raises(BenchError, match=r"mine moves .* set by_gradient = True in its class"):
        require_gradients_said(made(None), step, "mine")


@pytest.mark.parametrize(("made", "step"), [(Plain, STEP), (Said, MOVED), (SaidSearcher, MOVED)])
def test_one_that_says_it_or_moves_nothing_passes(made, step):
    require_gradients_said(made(None), step, "mine")


def test_one_that_inherits_it_passes():
    require_gradients_said(FirstOrderAgain(ToyMaterial()), MOVED, "mine")


def test_states_are_alike_up_to_rounding():
    import torch

    from bench.engine.searching.apart import packed, unlike, unpacked

    state = {"w": torch.ones(3), "best": [(0.5, "a"), None], "nan": float("nan")}
    same = unpacked(packed(state, "it"))
    assert unlike(state, same, "state") == ""
    for other, where in (
        ({**same, "w": torch.ones(3) * 1.1}, "state['w']"),
        ({**same, "w": torch.ones(2)}, "state['w']"),
        ({**same, "best": [(0.5, "b"), None]}, "state['best'][0][1]"),
        ({**same, "best": [(0.5, "a")]}, "state['best']"),
        ({"w": same["w"]}, "state"),
    ):
        assert unlike(state, other, "state") == where
    with pytest.raises(BenchError, match="plain values"):
        packed({"f": test_states_are_alike_up_to_rounding}, "it")
