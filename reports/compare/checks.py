"""Whether two entries may be compared at all, and where they differ if not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from bench.config.settings import settings_table
from bench.data.sets.identity import plain_name, plain_subject, unpadded
from bench.errors import DataError, UsageError
from bench.runs.predictions import Answer, ClipKey
from reports.compare.entries import Entry
from reports.reading.groups import GENOTYPES, differing

OTHER_FRAMES = "frames"
"""What is allowed to differ where clips of the same names were cropped or aligned anew."""

OF_CLIPS = ("apexes", "landmarks", "magnifier weights")
"""What was made of the clips otherwise under the same settings, in the words of `differing`."""

NAMED = 3
"""Clips that a message names one by one."""

FREE = ("protocol",)
"""Sections of the configuration that are compared as a protocol, not as settings."""


def check_comparable(entries: Sequence[Entry], allowed: Collection[str] = ()) -> None:
    """Checks that the scores of entries of one data set may be compared.

    Raises DataError where they answer other clips or labels, or saw other frames and OTHER_FRAMES
    is not `allowed`, UsageError where their protocols differ in a field of `Protocol` that is not.
    """
    for entry in entries:
        for record, predictions in zip(entry.records[1:], entry.predictions[1:], strict=True):
            first, other = (f"{entry.name} seed {seed}" for seed in (entry.first.seed, record.seed))
            _check_answers(first, entry.predictions[0], other, predictions)
    reference = entries[0]
    for entry in entries[1:]:
        _check_answers(reference.name, reference.predictions[0], entry.name, entry.predictions[0])
        if OTHER_FRAMES not in allowed:
            _check_files(reference, entry)
    for one, two in combinations(entries, 2):
        found = one.protocol.differences(two.protocol, allowed)
        if found:
            raise UsageError(
                f"{one.name} and {two.name} on {one.dataset} differ in protocol: "
                f"{'; '.join(found)}; choose runs alike (--config-hash HASH, --preset NAME), or "
                "compare them on purpose with --across-protocols"
            )


def setting_notes(entries: Sequence[Entry]) -> list[str]:
    """A line for each setting other than the protocol that is not the same in all entries.

    And one where the frames are not. Of a log no setting is known.
    """
    configs = {entry.name: dict(_settings(entry)) for entry in entries if entry.first.config}
    defaults = {key: default for key, default, *_ in settings_table()}  # of newer settings
    keys = dict.fromkeys(key for config in configs.values() for key in config)
    seen = {entry.first.data.fingerprint for entry in entries} - {None}
    notes = []
    if len(seen) > 1:
        notes.append(f"frames differ: {len(seen)} kinds under the same names of clips")
    every = [record for entry in entries for record in entry.records]
    notes += [f"{what} differ between the runs" for what in differing(every) if what in OF_CLIPS]
    for variant in dict.fromkeys(record.variant for record in every):
        if GENOTYPES in differing([record for record in every if record.variant == variant]):
            notes.append(f"{GENOTYPES} differ between the runs of {variant}")
    for key in keys:
        values: dict[str, list[str]] = {}
        for name, config in configs.items():
            values.setdefault(str(config.get(key, defaults.get(key))), []).append(name)
        if len(values) > 1:
            told = "; ".join(f"{value} in {', '.join(names)}" for value, names in values.items())
            notes.append(f"setting {key} differs: {told}")
    return notes


def _settings(entry: Entry) -> Iterator[tuple[str, Any]]:
    for section, values in entry.first.config.items():
        if section not in FREE:
            for name, value in values.items():
                yield f"{section}.{name}", value


def _check_answers(one: str, first: Any, two: str, second: Any) -> None:
    names = [[name.casefold() for name in each.classes] for each in (first, second)]
    if sorted(names[0]) != sorted(names[1]):
        raise DataError(
            f"{one} and {two} have other classes: {', '.join(first.classes)} against "
            f"{', '.join(second.classes)}"
        )
    left, right = ({a.key: a for a in each.answers} for each in (first, second))
    if left.keys() != right.keys():
        raise DataError(f"{one} and {two} answer other clips: {_only(one, two, left, right)}")
    differing = [key for key in left if names[0][left[key].true] != names[1][right[key].true]]
    if differing:
        key = differing[0]
        raise DataError(
            f"{one} and {two} take other labels as true for {len(differing)} clip(s): "
            f"{key} is {first.classes[left[key].true]} against {second.classes[right[key].true]}"
        )


def _only(
    one: str, two: str, left: Mapping[ClipKey, Answer], right: Mapping[ClipKey, Answer]
) -> str:
    parts, keys, rest = [], left.keys(), right.keys()
    for name, own, other in ((one, left, right), (two, right, left)):
        alone = sorted(own.keys() - other.keys())
        if alone:
            more = f" and {len(alone) - NAMED} more" if len(alone) > NAMED else ""
            parts.append(f"only {name} has {', '.join(map(str, alone[:NAMED]))}{more}")
    if not {*map(_as_read, keys - rest)}.isdisjoint(map(_as_read, rest - keys)):
        parts.append("names alike may be of one person or clip: write one name in both")
    return "; ".join(parts)


def _as_read(key: ClipKey) -> tuple[str, str, str]:
    """A clip by names that do not differ by case, prefix and zeros."""
    return plain_name(key.dataset), plain_subject(key.subject), unpadded(plain_name(key.clip))


def _check_files(one: Entry, two: Entry) -> None:
    first, second = (e.first.data.fingerprint for e in (one, two))
    if first and second and first != second:
        raise DataError(
            f"{one.name} and {two.name} on {one.dataset} have clips of the same names with other "
            "frames (data.fingerprint in run.json): other files, or surrogates of another "
            "difficulty, seed or version; compare frames that were cropped anew with "
            "--other-frames"
        )
