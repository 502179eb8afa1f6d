"""Runs of every kind of search space, and what a figure shows as a reader's eye measures it."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from drawn_runs import ONE_WAY, make_run

from ablations import RNAS_MER, RNAS_MER_1
from baselines import AUTODEEPLAB_3D, AUTOMER_3D

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
