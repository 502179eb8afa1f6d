"""The composite of MEGC2019: SMIC, CASME II and SAMM as one set of 442 clips."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from bench.data.clips import ClipSet
from bench.data.disk.tree import Tree
from bench.data.sets.base import ANNOTATION_SETTING, FRAMES_SETTING, DataSet, SingleSet
from bench.data.sets.classes import CHALLENGE, NATIVE
from bench.data.sets.releases.casme2 import Casme2
from bench.data.sets.releases.samm import Samm
from bench.data.sets.releases.smic import Smic
from bench.errors import UsageError


class Composite(DataSet):
    """Several data sets, in their order; a subject of any part is a subject of the composite."""

    name = "composite"
    title = "MEGC2019 composite"
    summary = "442 clips of 68 subjects: SMIC, CASME II and SAMM together"

    _parts: ClassVar[tuple[SingleSet, ...]] = (Smic(), Casme2(), Samm())
    how_to_get = "; ".join(part.how_to_get.rstrip(".") for part in _parts) + "."

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the data sets."""
        return tuple(part.name for part in self._parts)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The challenge's subjects of all parts."""
        return tuple(subject for part in self._parts for subject in part.subjects)

    def subject_of(self, text: str) -> str | None:
        """The subject of the part with that prefix; a bare number is SAMM's, as in the list."""
        for part in self._parts:
            bare = text.strip().isdigit()
            if bare != bool(part.subject_prefix) and (subject := part.subject_of(text)):
                return subject
        return None

    def load(
        self, tree: Tree, subjects: Collection[str] | None = None, class_map: str = CHALLENGE
    ) -> ClipSet:
        """The clips of the parts that have one of `subjects`, all from one root.

        Raises DataError that names the first missing part, UsageError for native classes, which
        differ between the parts.
        """
        if class_map == NATIVE:
            raise UsageError(
                "data.class_map=native: SMIC, CASME II and SAMM have different classes of their "
                "own; take one of them, or name a file that maps the words of all three"
            )
        for value, setting in (
            (tree.layout.frames, FRAMES_SETTING),
            (tree.layout.annotation, ANNOTATION_SETTING),
        ):
            if value and "=" not in value:
                raise UsageError(
                    f"{setting}={value}: say for which set, as in {setting}=casme2={value}"
                )
        needed = [p for p in self._parts if subjects is None or set(p.subjects) & set(subjects)]
        for part in needed:
            part.find_home(tree)
        loaded = [part.load(tree, subjects, class_map) for part in needed]
        return ClipSet(
            self.name,
            loaded[0].classes,
            tuple(clip for part in loaded for clip in part.clips),
            tuple(problem for part in loaded for problem in part.problems),
            loaded[0].class_map,
        )
