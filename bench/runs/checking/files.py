"""The files of a run that can be read, and findings on those that cannot."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import BenchError
from bench.runs.folder import RunFolder
from bench.runs.folds import FoldRecord, read_fold
from bench.runs.record import RunFile
from bench.runs.searches import SearchRecord, read_search
from bench.runs.typed import MALFORMED, lost_form, read_object

Found = TypeVar("Found")


@dataclass(frozen=True)
class Finding:
    """Something wrong with a run.

    kind: incomplete, configuration, leak, search, scores, labels, changed or unreadable;
    where: a file below the run folder, or the check that an edited file broke.
    """

    kind: str
    where: str
    what: str


@dataclass(frozen=True)
class RunFiles:
    """The files of a run that could be read.

    searches: by the fold that a search belongs to, "" for the run's only one.
    """

    folder: RunFolder
    run: RunFile
    folds: dict[str, FoldRecord]
    searches: dict[str, SearchRecord]
    metrics: dict[str, Any] | None

    @property
    def complete(self) -> bool:
        """Whether every fold could be read."""
        return len(self.folds) == len(self.run.folds)


def guarded(check: Callable[[RunFiles], Iterator[Finding]], files: RunFiles) -> list[Finding]:
    """The findings of a check; a file so altered that the check fails is a finding too."""
    findings: list[Finding] = []
    try:
        findings.extend(check(files))
    except BenchError as error:
        findings.append(unreadable(files.folder, "run.json", error))
    except MALFORMED as error:
        what = f"a file has lost its form ({lost_form(error)}): restore it, or make the run anew"
        findings.append(Finding("unreadable", check.__name__.strip("_"), what))
    return findings


def unreadable(folder: RunFolder, name: str, error: BenchError) -> Finding:
    """The finding on a file of a run that cannot be read: the one that the error begins with.

    name: of the file that was to be read, where the error begins with none.
    """
    said = str(error)
    below = said.removeprefix(f"{folder.path}{os.sep}")
    if below == said:
        return Finding("unreadable", name, said)
    parts = re.split(r"(:? )", below)
    heads = ("".join(parts[:end]) for end in range(1, len(parts), 2))
    own = next((head for head in heads if (folder.path / head).is_file()), name)
    return Finding("unreadable", own, below.removeprefix(own).lstrip(": "))


def read_files(folder: RunFolder, run: RunFile) -> tuple[RunFiles, list[Finding]]:
    """The files of a run, and a finding for every one that is missing or corrupt."""
    findings: list[Finding] = []

    def read(paths: Mapping[str, Path], reader: Callable[[Path], Found]) -> dict[str, Found]:
        found = {}
        for name, path in paths.items():
            try:
                found[name] = reader(path)
            except BenchError as error:
                found_wrong = unreadable(folder, below(folder, path), error)
                kind = "unreadable" if path.exists() else "incomplete"
                findings.append(replace(found_wrong, kind=kind))
        return found

    folds = read({name: folder.fold(name) for name in run.folds}, read_fold)
    searches = read({name: folder.genotype(name) for name in run.searches.names}, read_search)
    metrics = read({"": folder.metrics}, read_object).get("")
    return RunFiles(folder, run, folds, searches, metrics), findings


def below(folder: RunFolder, path: Path) -> str:
    """A file of a run as findings name it: its path below the run folder."""
    return str(path.relative_to(folder.path))
