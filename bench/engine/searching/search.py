"""The search phase: a strategy on the clips of a run, resumable at every step, and decoding."""

from __future__ import annotations

import random
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.data.clips import ClipSet, subjects_among
from bench.data.sources import used_labels
from bench.engine.material import made_on
from bench.engine.plan import Report, Unit
from bench.engine.searching.apart import apart, made_anew, packed, unpacked
from bench.engine.searching.checkpoints import ANEW, load_checkpoint, save_checkpoint
from bench.engine.searching.health import search_health
from bench.engine.searching.material import (
    SearchMaterial,
    WatchedMaterial,
    search_halves,
    search_steps,
)
from bench.engine.searching.state import require_state_alone
from bench.errors import BenchError
from bench.methods.strategies import STRATEGIES
from bench.runs.agreement import summarise
from bench.runs.checksums import SEALED
from bench.runs.job import Job
from bench.runs.record import read_run_file
from bench.runs.searches import genotype_record, read_genotype
from bench.seeds import derive_seed, seeded
from bench.system.files import csv_of_records, write_json, write_text
from bench.system.guarding import PROCESS, undisturbed
from bench.training.compute import float32_arithmetic
from rnas.decode import gauge_free
from rnas.genotype import Genotype, check_genotype, random_genotype
from rnas.strategies.base import Cost, Step, Strategy
from rnas.supernet import Architecture, ArchitectureWeights


def search(unit: Unit, report: Report) -> None:
    """The strategy's steps and its decoding; resumes after the last finished step."""
    name = unit.job.config.search.strategy
    drawn = seeded(derive_seed(unit.job.seed, "strategy", unit.fold))
    with STRATEGIES.answering(name), undisturbed(STRATEGIES.origin(name), PROCESS), drawn:
        _search(unit, report)


def _search(unit: Unit, report: Report) -> None:
    if STRATEGIES.is_own(unit.job.config.search.strategy):
        _search_here(unit, report)
    else:
        _search_apart(unit, report)


def _search_here(unit: Unit, report: Report) -> None:
    """With a strategy of the harness, in this process."""
    job, material = unit.job, SearchMaterial.of(unit)
    strategy = STRATEGIES.load(job.config.search.strategy)(material)
    past, _ = _resumed(unit, strategy)
    for number in range(len(past.rows), strategy.steps):
        report(strategy.title(number), number, strategy.steps)
        started = time.perf_counter()
        drawn = seeded(derive_seed(job.seed, "strategy step", unit.fold, number))
        with float32_arithmetic(job.config.compute.precision), drawn:
            step = strategy.step(number)
        past.add(step, time.perf_counter() - started)
        state, first_or_last = strategy.state_dict(), number in (0, strategy.steps - 1)
        require_state_alone(material, strategy, state, elsewhere=first_or_last)
        _save_search(unit, strategy.steps, state, past)
        report(strategy.title(number), number + 1, strategy.steps)
    _finish(unit, strategy, material, past)


def _search_apart(unit: Unit, report: Report) -> None:
    """With a strategy of a package, in a process of its own (`bench.engine.searching.apart`)."""
    material = WatchedMaterial.watched(unit)
    strategy = made_anew(material, None)
    past, found = _resumed(unit, strategy)
    state = None if found is None else packed(found, material.origin)
    with apart(material) as other:
        for number in range(len(past.rows), strategy.steps):
            report(strategy.title(number), number, strategy.steps)
            done = other.step(number, state, last=number + 1 == strategy.steps)
            state = done.state
            past.add(done.step, done.seconds)
            _save_search(unit, strategy.steps, unpacked(state), past)
            report(strategy.title(number), number + 1, strategy.steps)
        decoded = None if state is None else other.genotype(state)
    strategy = made_anew(material, state)
    _require_again(unit, strategy, decoded)
    material.require_unaltered()
    _finish(unit, strategy, material, past)


def _finish(unit: Unit, strategy: Strategy, material: SearchMaterial, past: Past) -> None:
    job = unit.job
    about = {
        "made_on": made_on(job),
        "searched_on": subjects_among(
            material.clip_set, [*material.halves[0], *material.halves[1]]
        ),
        "strategy": job.config.search.strategy,
        "reach": job.config.search.reached(material.steps) if strategy.by_gradient else None,
        "cost": past.cost,
    }
    _write_decoded(unit, strategy, material, about)
    summarise_searches(job)


def search_reach(job: Job, clip_set: ClipSet) -> tuple[int, float] | None:
    """Architecture steps and reach of the run's search, of several the one with the least reach.

    None where nothing is searched, or no gradient moves α, η and β.
    """
    settings = job.config.search
    if not (job.method.learns and STRATEGIES.load(settings.strategy).by_gradient):
        return None
    labels = used_labels(clip_set.clips, job.config.data, job.seed)
    sizes = [len(search_halves(job, clip_set, labels, name)[0]) for name in job.searches.names]
    steps = min(search_steps(size, settings.batch) for size in sizes)
    return settings.architecture_steps(steps), settings.reached(steps)


def draw(unit: Unit, report: Report) -> None:
    """Draws a genotype in place of a search: no clip is looked at."""
    job = unit.job
    space = job.method.configured_space(job.config)
    seed = derive_seed(job.seed, "random-genotype", unit.fold)
    genotype = random_genotype(space, random.Random(seed))
    write_json(unit.output, {**genotype_record(job, space, genotype), "searched_on": []})
    summarise_searches(job)


def summarise_searches(job: Job) -> None:
    """Writes what the searches inside all folds decoded to, once every one has; else nothing."""
    if not job.searches.per_fold:
        return
    files = {name: job.folder.genotype(name) for name in job.searches.names}
    if not files or not all(file.exists() for file in files.values()):
        return
    genotypes = {fold: read_genotype(file) for fold, file in files.items()}
    summary = summarise(genotypes, job.method.configured_space(job.config))
    write_json(job.folder.search_summary, summary)


@dataclass(frozen=True)
class Past:
    """What a search has logged so far.

    rows: one per step; weights: of α, η and β, one per epoch that moves them; cost: as
    `genotype.json` records it, None where an earlier version began the search.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    weights: list[dict[str, Any]] = field(default_factory=list)
    cost: dict[str, float] | None = field(default_factory=lambda: _cost_record(Cost(), 0.0))

    def add(self, step: Step, seconds: float) -> None:
        """Adds what a step logged, and its cost."""
        self.rows.append({**step.row, "seconds": round(seconds, 3)})
        if step.weights:
            self.weights.append(_weights_record(step.weights))
        if self.cost is not None:
            new = _cost_record(step.cost, seconds)
            self.cost.update({name: value + new[name] for name, value in self.cost.items()})


def _cost_record(cost: Cost, seconds: float) -> dict[str, float]:
    return {"seconds": seconds, **asdict(cost)}


def _resumed(unit: Unit, strategy: Strategy) -> tuple[Past, Any]:
    """What a checkpoint logged, and the state that the strategy now has from it, None without one.

    The logs are written anew: a killed process may have left them a step behind.
    """
    checkpoint = unit.job.folder.checkpoint(unit.fold)
    if not checkpoint.exists():
        return Past(), None
    sealed = read_run_file(unit.job.folder).format >= SEALED
    state = load_checkpoint(checkpoint, _about(unit, strategy.steps), sealed)
    try:
        strategy.load_state_dict(state["searcher"])
        past = Past(state["rows"], state["weights"], state.get("cost"))
    except Exception as error:
        raise BenchError(f"{checkpoint} cannot be read ({type(error).__name__}); {ANEW}") from error
    if len(past.rows) > strategy.steps:
        raise BenchError(f"{checkpoint} has {len(past.rows)} of {strategy.steps} epochs; {ANEW}")
    _write_logs(unit, past)
    return past, state["searcher"]


def _about(unit: Unit, steps: int) -> dict[str, Any]:
    """Whose state a checkpoint holds: the run, its clips, the fold, and how many steps it takes."""
    job = unit.job
    return {
        "run": job.stamp,
        "data": read_run_file(job.folder).data.fingerprint,
        "fold": unit.fold,
        "epochs": steps,
    }


def _save_search(unit: Unit, steps: int, searcher: Any, past: Past) -> None:
    """Saves a search; the checkpoint comes first, since the logs are derived from it."""
    state = {"searcher": searcher, **vars(past)}
    save_checkpoint(unit.job.folder.checkpoint(unit.fold), _about(unit, steps), state)
    _write_logs(unit, past)


def _write_logs(unit: Unit, past: Past) -> None:
    folder = unit.job.folder
    if not past.weights:
        write_text(folder.steps(unit.fold), csv_of_records(past.rows))
        return
    write_text(folder.history(unit.fold), csv_of_records(past.rows))
    space = unit.job.method.configured_space(unit.job.config)
    labels = {
        "operations": space.operations,
        "edges": [[edge.source, edge.node] for edge in space.edges],
    }
    write_json(folder.architecture(unit.fold), {**labels, "epochs": past.weights})


def _write_decoded(
    unit: Unit, strategy: Strategy, material: SearchMaterial, about: dict[str, Any]
) -> None:
    """Writes the genotype and facts about the search; what it was decoded from, if there is any."""
    genotype = check_genotype(strategy.genotype(), material.space)
    _require_again(unit, strategy, genotype)
    record = {**genotype_record(unit.job, material.space, genotype), **about}
    if strategy.searcher:
        batch, train_b = material.settings.batch, material.halves[1]
        with float32_arithmetic(unit.job.config.compute.precision):
            health = search_health(strategy.searcher, genotype, material.clips, train_b, batch)
        architecture = strategy.searcher.supernet.architecture
        record |= {"health": health, **_decoded_from(architecture, genotype)}
    write_json(unit.output, record)


def _require_again(unit: Unit, strategy: Strategy, genotype: Genotype | None) -> None:
    """BenchError where a strategy decodes to another genotype than it did, None if it did not."""
    if genotype is not None and strategy.genotype() != genotype:
        raise BenchError(
            f"{STRATEGIES.origin(unit.job.config.search.strategy)} decodes another genotype when "
            "it is asked again: draw what is random in its steps, and keep what it decodes in its "
            "state"
        )


def _decoded_from(architecture: Architecture, genotype: Genotype) -> dict[str, Any]:
    """The weights of α, η and β at the end of a search."""
    space = architecture.space
    weights = architecture.weights()
    return {
        "path_probability": space.outer.probability(genotype.path, weights.beta),
        "gauge_free_path": gauge_free(space.outer, weights.beta, architecture.start),
        **_weights_record(weights),
        "beta": [
            {
                "layer": arrow.target.layer,
                "from": space.outer.factors[arrow.source.level],
                "to": space.outer.factors[arrow.target.level],
                "probability": probability,
                "identifiable": arrow.source not in space.outer.unidentifiable,
            }
            for arrow, probability in weights.beta.items()
        ],
    }


def _weights_record(weights: ArchitectureWeights) -> dict[str, Any]:
    """Weights as JSON: β in the order of the trellis's arrows."""
    return {
        "operation_weights": weights.operations,
        "edge_weights": weights.edges,
        "beta": list(weights.beta.values()),
    }
