"""Finished runs with answers that a test chooses, as folders in the harness's own layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from bench.data.clips import CHALLENGE_CLASSES
from bench.runs.folder import RunFolder, run_folder
from bench.runs.predictions import run_predictions

PEOPLE = ("s01", "s02", "s03", "s04", "s05", "s06", "s07", "s08")
CLIPS = 6

Answering = Callable[[str, int, int], int]
"""(subject, number of the clip, true class) -> predicted class."""


def true_class(number: int) -> int:
    return number % 3


def right(subject: str, number: int, true: int) -> int:
    return true


def right_for(*people: str) -> Answering:
    """Right about these people, the next class for all others."""
    return lambda subject, number, true: true if subject in people else (true + 1) % 3


def wrong_every(step: int, offset: int = 0) -> Answering:
    """Wrong on every so many clips, counted over all people."""

    def answer(subject: str, number: int, true: int) -> int:
        place = PEOPLE.index(subject) * CLIPS + number + offset
        return (true + 1) % 3 if place % step == 0 else true

    return answer


def write_run(
    runs: Path,
    variant: str = "rnas_mer",
    answering: Answering = right,
    *,
    seed: int = 0,
    dataset: str = "smic",
    surrogate: bool = True,
    digest: str = "aaaa1111",
    scope: str = "all",
    selection: str = "last",
    people: tuple[str, ...] = PEOPLE,
    others: dict[str, Answering] | None = None,
    settings: dict | None = None,
    fingerprint: str = "f",
    relabel: Callable[[str, int], int] = lambda subject, number: true_class(number),
) -> Path:
    """Writes the run and returns its folder; `others` answer under other selection rules."""
    rules = {selection: answering, **(others or {})}
    folder = run_folder(runs, dataset, surrogate, variant, "small", digest, seed)
    folder.path.mkdir(parents=True)
    config = {
        "protocol": {"search_scope": scope, "selection": selection},
        "train": {"epochs": 2, **(settings or {})},
    }
    run = {
        "variant": variant,
        "marks": ["reconstruction"] if variant == "automer_3d" else [],
        "dataset": dataset,
        "surrogate": surrogate,
        "preset": "small",
        "config_hash": digest,
        "seed": seed,
        "config": config,
        "folds": list(people),
        "data": {"classes": list(CHALLENGE_CLASSES), "fingerprint": fingerprint},
        "started": "2024-01-01T00:00:00+00:00",
    }
    _write(folder.run, run)
    for subject in people:
        clips = []
        for number in range(CLIPS):
            true = relabel(subject, number)
            chosen = {rule: answer(subject, number, true) for rule, answer in rules.items()}
            clip = {"dataset": dataset, "clip": f"c{number}", "true": true}
            clips.append({**clip, "pred": chosen[selection], "selected": chosen})
        _write(folder.fold(subject), {"subject": subject, "clips": clips})
    drawn = variant.startswith("random_")
    leaks = [f"search_scope={scope}"] if scope == "all" and not drawn else []
    leaks += ["selection=oracle"] if selection == "oracle" else []
    protocol = {
        "aggregation": "pooled",
        "search_scope": scope,
        "selection": selection,
        "leaky": bool(leaks),
        "leaks": leaks,
        "genotype": "random" if drawn else "searched",
        "surrogate": surrogate,
    }
    selections = {rule: run_predictions(folder, rule).metrics() for rule in rules}
    scores = {**selections[selection], "selections": selections}
    _write(folder.metrics, {**scores, "protocol": protocol})
    return folder.path


def give(folder: Path, first: str, origin: str = "given") -> Path:
    """Makes a run one of a given genotype, whose first edge has that operation."""
    run = RunFolder(folder)
    scores = json.loads(run.metrics.read_text())
    protocol = {**scores["protocol"], "genotype": origin, "leaks": ["genotype given"]}
    _write(run.metrics, {**scores, "protocol": protocol})
    genotype = {
        "space": "tiny",
        "path": [0, 1],
        "edges": [[0, 1], [1, 2]],
        "operations": [first, "skip"],
    }
    _write(run.genotype(), {**genotype, "given": "net.json"})
    return folder


def unfinish(folder: Path) -> None:
    """Takes a fold and the scores from a run."""
    run = RunFolder(folder)
    run.metrics.unlink()
    run.fold(PEOPLE[0]).unlink()


def _write(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
