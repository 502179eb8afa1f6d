"""Runs as the tables see them: as records, and as folders on disk. All figures are made up."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType

import pytest
from drawn_runs import ONE_WAY, make_run

from ablations import RNAS_MER, RNAS_MER_1
from baselines import AUTODEEPLAB_3D, AUTOMER_3D
from bench.runs.folder import run_folder
from bench.runs.record import RunFile, RunRecord

FOLDS = {"smic": 16, "casme2": 24, "samm": 28, "composite": 68}


def make_metrics(uar=0.5, *, scope="fold", selection="last", surrogate=False, **more) -> dict:
    """Metrics of a run; the three scores differ, so that a mixed-up column shows."""
    leaky = scope == "all" or selection == "oracle"
    protocol = {
        "aggregation": "pooled",
        "search_scope": scope,
        "selection": selection,
        "leaky": leaky,
        "surrogate": surrogate,
    }
    scores = dict.fromkeys(("uar", "uf1", "acc"))
    if uar is not None:
        scores = {"uar": uar, "uf1": uar / 2, "acc": uar / 4}
    return {
        **scores,
        "absent": [],
        "clips": 9,
        "subjects": 3,
        "slices": {},
        "trained": None,
        "protocol": protocol,
        **more,
    }


def make_record(
    variant="rnas_mer",
    dataset="smic",
    *,
    surrogate=False,
    preset="small",
    config_hash="aaaa1111",
    seed=0,
    started="2024-01-01T00:00:00+00:00",
    uar=0.5,
    metrics=...,
    profile=None,
    done=None,
    total=None,
    config=None,
    **more,
) -> RunRecord:
    total = FOLDS.get(dataset, 5) if total is None else total
    folds = tuple(f"f{index}" for index in range(total))
    if metrics is ...:
        metrics = make_metrics(uar, surrogate=surrogate)
    folder = run_folder(Path("runs"), dataset, surrogate, variant, preset, config_hash, seed)
    return RunRecord(
        folder=folder.path,
        dataset=dataset,
        surrogate=surrogate,
        variant=variant,
        preset=preset,
        config_hash=config_hash,
        seed=seed,
        started=started,
        config=config or {},
        metrics=metrics,
        profile=profile,
        folds=folds,
        finished=folds[:done],
        **more,
    )


@pytest.fixture
def record():
    """Makes a run record; every argument has a default."""
    return make_record


@pytest.fixture
def metrics():
    """Makes the metrics of a run."""
    return make_metrics


@pytest.fixture
def write_run(tmp_path):
    """Writes a run folder below `tmp_path / "runs"` and returns its path."""

    def write(**settings) -> Path:
        made = make_record(**settings)
        name = made.dataset + ("-surrogate" if made.surrogate else "")
        configuration = f"{made.preset}-{made.config_hash}"
        folder = tmp_path / "runs" / name / made.variant / configuration / f"seed{made.seed}"
        (folder / "folds").mkdir(parents=True)
        for fold in made.finished:
            (folder / "folds" / f"{fold}.json").write_text("{}")
        keys = [field.name for field in fields(RunFile) if field.name not in ("data", "provenance")]
        run = {key: getattr(made, key) for key in keys}
        (folder / "run.json").write_text(json.dumps(run))
        for file, content in (("metrics", made.metrics), ("profile", made.profile)):
            if content is not None:
                (folder / f"{file}.json").write_text(json.dumps(content))
        return folder

    return write


SUBJECTS = tuple(f"s{number:02d}" for number in range(1, 17))

KINDS = MappingProxyType(
    {
        "open": {"space": RNAS_MER, "epochs": 15},
        "no_edge_norm": {"space": RNAS_MER_1, "preset": "small", "surrogate": False},
        "autodeeplab": {"space": AUTODEEPLAB_3D, "folds": SUBJECTS},
        "automer": {"space": AUTOMER_3D, "epochs": 2},
        "one_way": {"space": ONE_WAY, "epochs": 1},
        "random": {"space": RNAS_MER, "variant": "random_rnas_mer"},
        "folds": {"space": RNAS_MER, "scope": "fold", "folds": SUBJECTS, "digest": "bbbb2222"},
        "autodeeplab_folds": {"space": AUTODEEPLAB_3D, "scope": "fold", "digest": "bbbb2222"},
    }
)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Kind -> run record of that kind."""
    root = tmp_path_factory.mktemp("drawn")
    return {kind: make_run(root, **settings) for kind, settings in KINDS.items()}


@pytest.fixture
def run(tmp_path):
    """Writes a run of one's own below `tmp_path / "runs"`, a small RNAS-MER by default."""

    def write(space=RNAS_MER, **settings):
        return make_run(tmp_path / "runs", space, **settings)

    return write
