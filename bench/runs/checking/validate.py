"""Whether a run folder is complete and clean: `bench validate`. Trains nothing, needs no torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.config.settings import Config
from bench.data.cache import content_digests, data_fingerprint
from bench.data.sets.catalogue import find_dataset
from bench.data.sets.manifests.manifest import Manifest
from bench.data.sources import Source, find_clips, surrogate_folder
from bench.data.steps.keys import weights_digest
from bench.errors import BenchError, DataError
from bench.protocol.splits import tested_labels
from bench.runs.checking.crosschecks import contradictions, mislabelled
from bench.runs.checking.files import Finding, RunFiles, guarded, read_files, unreadable
from bench.runs.checksums import (
    FITS_NOTHING,
    SEALED,
    changed_files,
    fits_nothing,
    result_files,
    sealed_files,
)
from bench.runs.failures import read_failures
from bench.runs.folder import RunFolder
from bench.runs.record import RunFile, read_run_file
from bench.runs.searches import read_summary
from bench.system.files import read_json, stray
from bench.system.result_files import EDITED, SEAL, is_edited


@dataclass(frozen=True)
class Verdict:
    """The findings on a run or a result file, and what could not be checked, with the reason.

    manifest: the file that the labels were compared with, where a run's clips come from one.
    """

    folder: Path
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...] = ()
    manifest: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `bench validate --format json` prints it."""
        return {
            "run": str(self.folder),
            "sound": not self.findings,
            "findings": [asdict(finding) for finding in self.findings],
            "unchecked": list(self.unchecked),
            **({"manifest": str(self.manifest)} if self.manifest else {}),
        }


def validate(folder: RunFolder, data_root: Path | None, cache: Path) -> Verdict:
    """Everything wrong with a run folder.

    data_root: where its clips are, if not where `run.json` says; cache: where surrogates are.
    """
    try:
        run = read_run_file(folder)
    except DataError as error:
        return Verdict(folder.path, (unreadable(folder, "run.json", error),))
    except BenchError as error:
        return Verdict(folder.path, (Finding("incomplete", "run.json", str(error)),))
    files, findings = read_files(folder, run)
    findings += [*contradictions(files), *guarded(_seals, files), *guarded(_told, files)]
    labels, unchecked = _compared_with_data(files, data_root, cache)
    listed = None if unchecked else _manifest_of(run)
    return Verdict(folder.path, (*findings, *labels), (*unchecked, *_other_files(run)), listed)


NO_RESULT = (
    "is neither a result (JSON) nor a model file, and other files have no seal: name one of these, "
    "or a run folder"
)


def validate_result(file: Path) -> Verdict:
    """Whether the JSON file of a study, a comparison or another result was edited."""
    try:
        content = read_json(file)
    except BenchError as error:
        what = str(error) if file.suffix.lower() == ".json" else NO_RESULT
        return Verdict(file, (Finding("unreadable", file.name, what),))
    results = content if isinstance(content, list) and content else [content]
    if any(map(is_edited, results)):
        return Verdict(file, (Finding("changed", file.name, EDITED),))
    if not all(isinstance(result, dict) and SEAL in result for result in results):
        return Verdict(file, (), (f"not sealed: without a {SEAL} nothing tells of edits",))
    return Verdict(file, ())


def _seals(files: RunFiles) -> Iterator[Finding]:
    """No file has changed since the run made it."""
    folder, sealed = files.folder, sealed_files(files.folder)
    if not sealed and files.run.format < SEALED:
        what = "is missing: repeat the command that made this older run, it seals its files"
        yield Finding("incomplete", folder.checksums.name, what)
        return
    if not sealed:
        yield Finding("changed", folder.checksums.name, "was removed after the run made it")
        return
    wrong = changed_files(folder, whole=True)
    if fits_nothing(folder, wrong):
        yield Finding("changed", folder.checksums.name, FITS_NOTHING)
        return
    for name, what in sorted(wrong.items()):
        yield Finding("changed", name, what)
    if files.complete and files.metrics is not None:
        there = {path.relative_to(folder.path).as_posix() for path in result_files(folder)} - {
            folder.failures.name
        }
        for name in sorted(there - sealed.keys()):
            what = stray(name, "was added after the run was complete")
            yield Finding("changed", name, what)


def _told(files: RunFiles) -> Iterator[Finding]:
    """What it says of failures and of its searches together can be read."""
    read_failures(files.folder)
    read_summary(files.folder)
    yield from ()


def _other_files(run: RunFile) -> Iterator[str]:
    """The files that its settings name and that are there, but are others than when it was made.

    The run is as sound as it was, and cannot be gone on with: a line that is no finding.
    """
    try:
        config, pretrained = run.settings, run.pretrained
    except (BenchError, KeyError, TypeError):  # told with the labels
        return
    named = {
        "data.landmarks": (config.data.landmarks, run.data.landmarks),
        "data.magnifier_weights": (config.data.magnifier_weights, run.data.magnifier),
        "train.pretrained": (config.train.pretrained, pretrained and pretrained.sha256),
    }
    for setting, (name, recorded) in named.items():
        if not (name and recorded):
            continue
        with suppress(OSError, BenchError):  # it may lie on another machine
            if weights_digest(name) != recorded:
                yield (
                    f"{setting}={name}: the file is another by now than the run was made with; put "
                    "that one back to go on with it"
                )


# Against the clips themselves


def _compared_with_data(
    files: RunFiles, data_root: Path | None, cache: Path
) -> tuple[list[Finding], tuple[str, ...]]:
    """Findings on clips and labels, or the reason why they could not be compared."""
    try:
        config = files.run.settings
        source = run_source(files.run, config, data_root, cache)
        found = find_clips(source, config.data)
        expected = tested_labels(found, config, files.run.seed)
        fingerprint = data_fingerprint(found.clips, content_digests(found.clips, cache))
    except (BenchError, KeyError, TypeError) as error:
        return [], (f"labels not compared with the data: {error}",)
    wrong = guarded(lambda files: mislabelled(files, expected), files)
    if not wrong and files.run.data.fingerprint not in (None, fingerprint):
        what = "data.fingerprint is not that of the clips"
        wrong = [Finding("labels", files.folder.run.name, what)]
    if not wrong and files.run.data.apexes not in (None, found.apexes):
        what = "data.apexes is not that of the clips: their apex frames are coded otherwise by now"
        wrong = [Finding("labels", files.folder.run.name, what)]
    return wrong, ()


def _manifest_of(run: RunFile) -> Path | None:
    listed = find_dataset(run.data.source or run.dataset)
    return listed.path if isinstance(listed, Manifest) else None


def run_source(run: RunFile, config: Config, data_root: Path | None, cache: Path) -> Source:
    """Where the run's clips are; BenchError where they are not, or not known to be."""
    data, surrogate = run.data, run.surrogate
    dataset = data.source or run.dataset
    if surrogate and not data.root:
        source = Source(dataset, None, True, cache)
        if not surrogate_folder(source, config.data).exists():
            raise BenchError(f"no such surrogate clips in the cache {cache}")
        return source
    root = data_root or (Path(data.root) if data.root else None)
    if root is None or not root.exists():
        raise BenchError(f"{root} is not there; say where the clips are with --data-root")
    return Source(dataset, root, surrogate, cache)
