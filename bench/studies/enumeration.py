"""Does β rank paths by accuracy? Every path of a trellis is trained from scratch with one cell.

A search ranks paths by their probability, the product of its arrows' β (Algorithm 2). Kendall's
τ-b compares this ranking with that of the measured scores; the ranking of uniform β, which nothing
was learnt for, serves as baseline.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.clips import ClipSet
from bench.engine.request import Request
from bench.errors import BenchError, DataError, UsageError
from bench.protocol.metrics import UAR, UF1, metrics
from bench.runs.folder import ENUMERATION, RunFolder
from bench.runs.predictions import run_predictions
from bench.runs.record import read_run
from bench.runs.searches import SearchRecord, read_search
from bench.scoring.statistics import resampled
from bench.seeds import derive_seed
from bench.studies.trials import Trial, given_trials
from rnas.decode import viterbi
from rnas.genotype import Genotype, check_genotype, random_genotype
from rnas.sizes import count_parameters
from rnas.space import SearchSpace
from rnas.trellis import Arrow, State, Trellis

FOLDER = ENUMERATION
MOST_PATHS = 200
"""OPEN has 42 and AutoMER's parallelogram 147; Auto-DeepLab's trellis has thousands."""

SCORES = (UAR.name, UF1.name)
DRAWS = 1000
"""Bootstrap resamples behind an interval of τ-b."""

CELL_DIGITS = 8
"""Digits of a cell's hash in the name of its folder."""

Beta = Mapping[Arrow, float]


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
    files = [folder.genotype(name) for name in read_run(folder).searches.names]
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
        raise DataError(f"{file} holds no β: it was drawn or given, or its strategy moves none")
    return beta


def shared_cell(genotypes: Sequence[Genotype]) -> Genotype:
    """The cell that all searches of a run decoded; UsageError where they differ."""
    cells = {(genotype.edges, genotype.operations) for genotype in genotypes}
    if len(cells) > 1:
        raise UsageError(
            "the searches of the folds decoded different cells: choose --cell random, or a run "
            "with search_scope=all"
        )
    return genotypes[0]


def random_cell(space: SearchSpace, seed: int) -> Genotype:
    """A uniformly drawn cell of the space; its path is arbitrary."""
    return random_genotype(space, random.Random(derive_seed(seed, "enumerate-cell")))


def trials(request: Request, cell: Genotype, space: SearchSpace, clips: ClipSet) -> list[Trial]:
    """One trial per path of the trellis, all with the same cell.

    They lie below `<runs>/enumeration/<hash of the cell>/<path>/`, each as an ordinary run.
    """
    content = json.dumps([cell.edges, cell.operations])
    digest = hashlib.sha256(content.encode()).hexdigest()[:CELL_DIGITS]
    found: list[Trial] = []
    for path in space.outer.paths():
        place = request.runs / FOLDER / digest / path_name(path)
        found += given_trials(request, place, cell._replace(path=path), space, clips)
    return found


def path_name(path: Sequence[int]) -> str:
    """A path as the name of a folder: `2-4-8-8-16-16`."""
    return "-".join(map(str, path))


def measure(trials: Sequence[Trial], space: SearchSpace, beta: Beta | None) -> dict[str, Any]:
    """How well β, uniform β and the number of parameters rank the trained paths.

    `paths`: each with its probabilities, parameters and scores; `tau`: per score and ranking
    Kendall's τ-b with its interval over subjects, and τ-b of β minus τ-b of uniform β (`gain`);
    `ceiling`: the largest τ-b that is possible given the ties in a ranking; `decoded`, `uniform`:
    the path that β and uniform β decode to, with its rank among all paths by score.

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
    scores = {name: metrics()[name].function(matrices.sum(axis=1)) for name in SCORES}
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
    """τ-b of each ranking with the scores, and that of β minus uniform, with bootstrap intervals.

    Subjects are resampled.
    """
    subjects = matrices.shape[1]

    def interval(statistic: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
        def of_resamples(chosen: np.ndarray) -> np.ndarray:
            return statistic(found(chosen))

        generator = np.random.default_rng(derive_seed(0, "enumerate", score))
        return resampled(of_resamples, (subjects,), DRAWS, generator).to_dict()

    def found(chosen: np.ndarray) -> np.ndarray:
        """Scores (..., paths) of the subjects in `chosen` (..., S)."""
        counts = (chosen[..., None] == np.arange(subjects)).sum(axis=-2)
        return metrics()[score].function(np.einsum("...s,psij->...pij", counts, matrices))

    taus = {name: interval(partial(kendall, values)) for name, values in rankings.items()}
    if "beta" not in rankings:
        return taus
    gain = interval(
        lambda scores: kendall(rankings["beta"], scores) - kendall(rankings["uniform"], scores)
    )
    return {**taus, "gain": gain}


def kendall(values: Sequence[float], scores: np.ndarray | Sequence[float]) -> np.ndarray:
    """Kendall's τ-b of N values with `scores` (..., N); 0 where all values of one are equal.

    As scipy.stats.kendalltau, which takes one array of scores at a time, too slow for resamples.
    """
    first, second = np.triu_indices(len(values), 1)
    order, orders = (
        np.sign(numbers[..., first] - numbers[..., second])
        for numbers in (np.asarray(values, float), np.asarray(scores, float))
    )
    untied = np.sqrt((order**2).sum()), np.sqrt((orders**2).sum(axis=-1))
    with np.errstate(invalid="ignore"):
        tau = orders @ order / untied[0] / untied[1]
    return np.nan_to_num(np.clip(tau, -1, 1))


def ceiling(values: Sequence[float]) -> float:
    """The largest possible τ-b with scores without ties: below 1 where `values` has ties."""
    from scipy.stats import rankdata

    return float(kendall(values, rankdata(values, method="ordinal")))


def _ranked(
    space: SearchSpace, beta: Beta, trials: Sequence[Trial], scores: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """The path that β decodes to, and its rank by each score (1: no path scores better)."""
    path, probability = viterbi(space.outer, beta)
    place = [trial.genotype.path for trial in trials].index(path)
    ranks = {name: int((values > values[place]).sum()) + 1 for name, values in scores.items()}
    return {"path": list(path), "probability": probability, "rank": ranks}
