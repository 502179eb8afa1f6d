"""Data sets by name, and their clips. Reading needs the licensed files or generated ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from bench.data.clips import ClipSet
from bench.data.disk.tree import Tree
from bench.data.sets.base import DataSet
from bench.data.sets.casme2 import Casme2
from bench.data.sets.casme3 import Casme3
from bench.data.sets.classes import CHALLENGE
from bench.data.sets.composite import Composite
from bench.data.sets.fourdme import FourDme
from bench.data.sets.manifest import PREFIX, Manifest
from bench.data.sets.mmew import Mmew
from bench.data.sets.samm import Samm
from bench.data.sets.smic import Smic
from bench.errors import UsageError, unknown_name

_CHALLENGE = (Smic(), Casme2(), Samm())

_MORE = (Casme3(), FourDme(), Mmew())

DATASETS: Mapping[str, DataSet] = MappingProxyType(
    {dataset.name: dataset for dataset in (*_CHALLENGE, Composite(_CHALLENGE), *_MORE)}
)
"""Every data set by its name on the command line; a new one is one file and one value here."""


def find_dataset(name: str, allow_outside: bool = False) -> DataSet:
    """The data set of that name, or the manifest of `manifest:FILE`.

    UsageError that suggests the nearest where there is none.
    """
    if name.startswith(PREFIX):
        return Manifest(Path(name.removeprefix(PREFIX)), allow_outside)
    if name not in DATASETS:
        raise unknown_name("data set", name, DATASETS)
    return DATASETS[name]


def load_clips(
    dataset: str,
    root: Path,
    subjects: Sequence[str] | None = None,
    class_map: str = CHALLENGE,
    allow_outside: bool = False,
) -> ClipSet:
    """Clips below the data root, sorted by data set, subject and name, with all problems.

    `subjects` keeps those only; `s01`, `s1` and `1` are the same one. `class_map` is challenge,
    native or a file; `allow_outside` lets a manifest name frames anywhere. Raises UsageError for an
    unknown data set or subject, DataError for a root, layout or spreadsheet that cannot be read.
    """
    found = find_dataset(dataset, allow_outside)
    wanted = None if subjects is None else found.resolve_subjects(subjects)
    return found.load(Tree.at(root), wanted, class_map)


def require_root(dataset: str, root: Path | None) -> Path:
    """`root`, or the UsageError that says how to get the data set and what to do without it.

    The root of a manifest is its own folder.
    """
    if dataset.startswith(PREFIX):
        return Manifest(Path(dataset.removeprefix(PREFIX))).root
    if root is not None:
        return root
    raise UsageError(
        f"no data root for {dataset}: give --data-root DIR or set BENCH_DATA. "
        f"{find_dataset(dataset).how_to_get} Without the licensed files, "
        f"`bench run --surrogate` uses generated clips and "
        f"`bench data synth --dataset {dataset} --out DIR` writes them."
    )
