"""Ground truth of a trellis: every path trained on its own with one cell, against β.

A search ranks paths by their probability, the product of its arrows' β (Algorithm 2). Whether that
ranking means anything is seen by training every path from scratch and comparing the two orders
(Kendall's τ-b), beside the same for uniform β, whose ranking nothing has been learnt for.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.clips import ClipSet
from bench.engine.request import Request, jobs_of
from bench.errors import BenchError, DataError, UsageError
from bench.protocol.metrics import STATISTICS
from bench.runs.folder import RunFolder
from bench.runs.job import Job
from bench.runs.predictions import run_predictions
from bench.runs.record import read_run_file
from bench.runs.searches import SearchRecord, read_search
from bench.scoring.statistics import resampled
from bench.seeds import derive_seed
from bench.system.files import write_json
from rnas.decode import viterbi
from rnas.genotype import Genotype, check_genotype, random_genotype
from rnas.sizes import count_parameters
from rnas.space import SearchSpace
from rnas.trellis import Arrow, State, Trellis

FOLDER = "enumeration"
MOST_PATHS = 200
"""OPEN has 42 and AutoMER's parallelogram 147; Auto-DeepLab's trellis has thousands."""

SCORES = ("uar", "uf1")
DRAWS = 1000
CELL_DIGITS = 8

Beta = Mapping[Arrow, float]


@dataclass(frozen=True)
class Trial:
    """A path to train on its own: its genotype, the file that holds it, and its run."""

    genotype: Genotype
    file: Path
    job: Job


def check_paths(space: SearchSpace) -> None:
    """UsageError where a trellis has more paths than can be trained one by one."""
    ways = space.outer.ways_on[State(0, 0)]
    if ways > MOST_PATHS:
        raise UsageError(
            f"{space.name} has {ways} paths, more than the {MOST_PATHS} that can be trained one by "
            "one; name a variant with OPEN's trellis, e.g. rnas_mer"
        )


def read_searches(folder: RunFolder, space: SearchSpace) -> tuple[tuple[Genotype, ...], Beta]:
    """The genotypes that a run decoded, one per search, and the mean of their β.

    Raises BenchError where the run has not been searched, DataError where it holds no β of this
    trellis.
    """
    files = [folder.genotype(name) for name in read_run_file(folder).searches.names]
    found = [read_search(file) for file in files]
    betas = [_beta(search, space.outer, file) for search, file in zip(found, files, strict=True)]
    mean = {arrow: float(np.mean([beta[arrow] for beta in betas])) for arrow in space.outer.arrows}
    return tuple(check_genotype(search.genotype, space) for search in found), mean


def _beta(search: SearchRecord, trellis: Trellis, file: Path) -> Beta:
    try:
        beta = search.beta_of(trellis)
    except ValueError as error:
        raise DataError(f"{file}: {error}; name a run of the same variant") from None
    if beta is None:
        raise DataError(f"{file} holds no β: it was drawn or given, not searched")
    return beta


def shared_cell(genotypes: Sequence[Genotype]) -> Genotype:
    """The one cell of a run's searches; UsageError where its folds decoded different ones."""
    cells = {(genotype.edges, genotype.operations) for genotype in genotypes}
    if len(cells) > 1:
        raise UsageError(
            "the searches of the folds decoded different cells: choose --cell random, or a run "
            "with search_scope=all"
        )
    return genotypes[0]


def random_cell(space: SearchSpace, seed: int) -> Genotype:
    """A uniformly drawn cell of the space, on some path."""
    return random_genotype(space, random.Random(derive_seed(seed, "enumerate-cell")))


def trials(request: Request, cell: Genotype, space: SearchSpace, clips: ClipSet) -> list[Trial]:
    """One trial per path of the trellis, all with the same cell; writes their genotype files.

    They lie below `<runs>/enumeration/<hash of the cell>/<path>/`, each as an ordinary run.
    """
    content = json.dumps([cell.edges, cell.operations])
    digest = hashlib.sha256(content.encode()).hexdigest()[:CELL_DIGITS]
    found = []
    for path in space.outer.paths():
        place = request.runs / FOLDER / digest / path_name(path)
        genotype = check_genotype(cell._replace(path=path), space)
        write_json(place / "genotype.json", genotype.to_dict())
        (job,) = jobs_of(replace(request, runs=place), clips)
        found.append(Trial(genotype, place / "genotype.json", job))
    return found


def path_name(path: Sequence[int]) -> str:
    """A path in words: `2-4-8-8-16-16`."""
    return "-".join(map(str, path))


def measure(trials: Sequence[Trial], space: SearchSpace, beta: Beta | None) -> dict[str, Any]:
    """How well β, uniform β and sheer size rank the paths that were trained.

    `paths`: each with its probabilities, parameters and scores; `tau`: per score and ranking
    Kendall's τ-b with its interval over subjects, and that of β less that of uniform β (`gain`);
    `ceiling`: the most that a ranking's ties allow its τ-b with scores that have none;
    `decoded`, `uniform`: the path each decodes to, with its rank among all by score.

    Raises BenchError where a path is not finished.
    """
    for trial in trials:
        if not trial.job.folder.metrics.exists():
            raise BenchError(f"{trial.job.folder.path} is not finished; repeat the command")
    matrices = np.stack([run_predictions(trial.job.folder).matrices for trial in trials])
    ways = {**({"beta": beta} if beta else {}), "uniform": space.outer.uniform()}
    rankings = {
        name: [space.outer.probability(trial.genotype.path, each) for trial in trials]
        for name, each in ways.items()
    }
    rankings["params"] = [count_parameters(space, trial.genotype) for trial in trials]
    scores = {name: STATISTICS[name](matrices.sum(axis=1)) for name in SCORES}
    return {
        "space": space.name,
        "cell": {
            "edges": [list(edge) for edge in trials[0].genotype.edges],
            "operations": list(trials[0].genotype.operations),
        },
        "subjects": matrices.shape[1],
        "paths": [
            {
                "path": list(trial.genotype.path),
                **{name: values[place] for name, values in rankings.items()},
                **{name: float(values[place]) for name, values in scores.items()},
                "run": str(trial.job.folder.path),
            }
            for place, trial in enumerate(trials)
        ],
        "tau": {name: _taus(matrices, name, rankings) for name in SCORES},
        "ceiling": {name: ceiling(values) for name, values in rankings.items()},
        "decoded": _ranked(space, beta, trials, scores) if beta else None,
        "uniform": _ranked(space, ways["uniform"], trials, scores),
    }


def _taus(
    matrices: np.ndarray, score: str, rankings: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    """τ-b of each ranking with the scores, and of β less uniform, with intervals over subjects."""

    def interval(statistic: Callable[[np.ndarray], float]) -> dict[str, Any]:
        def of_resamples(chosen: np.ndarray) -> np.ndarray:
            return np.apply_along_axis(lambda subjects: statistic(found(subjects)), -1, chosen)

        generator = np.random.default_rng(derive_seed(0, "enumerate", score))
        return resampled(of_resamples, matrices.shape[1], DRAWS, generator).to_dict()

    def found(subjects: np.ndarray) -> np.ndarray:
        return STATISTICS[score](matrices[:, subjects].sum(axis=1))

    taus = {
        name: interval(lambda scores, values=values: kendall(values, scores))
        for name, values in rankings.items()
    }
    if "beta" not in rankings:
        return taus
    gain = interval(
        lambda scores: kendall(rankings["beta"], scores) - kendall(rankings["uniform"], scores)
    )
    return {**taus, "gain": gain}


def kendall(values: Sequence[float], scores: Sequence[float]) -> float:
    """Kendall's τ-b; 0 where one of the two orders nothing, all its values being equal."""
    from scipy.stats import kendalltau

    tau = float(kendalltau(values, scores).statistic)
    return 0.0 if np.isnan(tau) else tau


def ceiling(values: Sequence[float]) -> float:
    """The largest τ-b with scores that all differ: below 1 where values are equal."""
    from scipy.stats import rankdata

    return kendall(values, rankdata(values, method="ordinal"))


def _ranked(
    space: SearchSpace, beta: Beta, trials: Sequence[Trial], scores: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """The path that β decodes to, and how many paths score better, plus 1."""
    path, probability = viterbi(space.outer, beta)
    place = [trial.genotype.path for trial in trials].index(path)
    ranks = {name: int((values > values[place]).sum()) + 1 for name, values in scores.items()}
    return {"path": list(path), "probability": probability, "rank": ranks}
