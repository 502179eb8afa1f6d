"""CAS(ME)^3 part C (Li et al., IEEE TPAMI 2023): a mock crime, without annotated apex frames."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from bench.data.clips import Clip, Problem
from bench.data.disk.finding import Names
from bench.data.disk.tree import Tree
from bench.data.sets.releases.coded import ClipFolders, Coded, CodedSet
from bench.data.sets.spreadsheet import Row

RECORDING = "a"
"""The only recording of each subject."""


class Casme3C(CodedSet):
    """`part_C/01/a/color/373.jpg`, the frames of a recording; or cut, `ME_C/01/1/color/373.jpg`.

    A clip is named by its number, the column `count`.
    """

    name = "casme3c"
    title = "CAS(ME)^3 part C"
    summary = "micro-expressions of a mock crime at 30 frames/s, Chinese Academy of Sciences"
    how_to_get = (
        "CAS(ME)^3 is licensed by the Institute of Psychology, Chinese Academy of Sciences, on a "
        "signed agreement; put CAS(ME)3_part_C_ME.xlsx and part_C/01/a/color/ into the data root "
        "or a CASME3 folder below it."
    )
    names = Names(
        homes=("casme3",),
        inside=("partc", "mec", "rgb", "data", "annotation"),
        others=("casme3parta",),
        frames=("part_c", "me_c", "*"),
        sheets=("cas(me)3_part_c_me*",),
    )
    layout = ("CAS(ME)3_part_C_ME.xlsx", "CASME3/annotation/partC/CAS(ME)3_part_C_ME.xlsx")
    subject_prefix = ""
    subject_digits = 2
    fps = 30.0
    columns = MappingProxyType(
        {
            "subject": "sub",
            "clip": "count",
            "onset": "onset",
            "offset": "offset",
            "emotion": "emotion",
        }
    )
    frame_folders = ("part_C", "ME_C")
    inner_folder = "color"
    clip_pattern = "[0-9]+"
    synonyms = MappingProxyType({"other": "others"})

    def _clip(self, tree: Tree, coded: Coded, folders: ClipFolders) -> tuple[Clip, list[Problem]]:
        """The clip; a part of the subject's recording where it was not cut out."""
        own = self._key(coded.subject, coded.row.text("clip"))
        recording = folders.get((coded.subject, RECORDING))
        whole = {own: recording} if recording else {}
        return super()._clip(tree, coded, {**whole, **folders})

    def _unlisted(self, tree: Tree, rows: Sequence[Row], folders: ClipFolders) -> list[Problem]:
        """None: recordings without a micro-expression are part of the release."""
        return []
