"""CAS(ME)^3 part A (Li et al., IEEE TPAMI 2023): micro-expressions in whole recordings."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from bench.data.clips import Problem
from bench.data.disk.finding import Names
from bench.data.disk.tree import Tree
from bench.data.sets.releases.coded import ClipFolders, CodedSet
from bench.data.sets.spreadsheet import Row


class Casme3(CodedSet):
    """`part_A/spNO.1/a/color/28.jpg`: the frames of a recording; a row names a part of it.

    A recording may hold several expressions, so a clip's name is the recording's and its onset:
    `a_28`.
    """

    name = "casme3"
    title = "CAS(ME)^3 part A"
    summary = "micro-expressions at 30 frames/s, Chinese Academy of Sciences; no challenge list"
    how_to_get = (
        "CAS(ME)^3 is licensed by the Institute of Psychology, Chinese Academy of Sciences, on a "
        "signed agreement; put cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx and "
        "part_A/spNO.1/a/color/ into the data root or a CASME3 folder below it."
    )
    names = Names(
        homes=("casme3",),
        inside=("parta", "mea", "data", "annotation"),
        others=("casme3partamae", "casme3partc"),
        frames=("part_a", "me_a", "data/part_a", ".", "*"),
        sheets=("cas(me)3_part_a_me_label_jpgindex*",),
    )
    layout = (
        "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
        "CASME3/annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
    )
    subject_prefix = "spNO."
    subject_digits = 1
    fps = 30.0
    columns = MappingProxyType(
        {
            "subject": "Subject",
            "clip": "Filename",
            "onset": "Onset",
            "apex": "Apex",
            "offset": "Offset",
            "emotion": "emotion",
        }
    )
    frame_folders = ("part_A", "ME_A", "data/part_A", ".")
    inner_folder = "color"
    clip_pattern = "[a-z][0-9]*"
    synonyms = MappingProxyType({"happiness": "happy", "sadness": "sad", "other": "others"})

    def _clip_name(self, row: Row) -> str:
        return f"{row.text('clip')}_{row.text('onset')}"

    def _unlisted(self, tree: Tree, rows: Sequence[Row], folders: ClipFolders) -> list[Problem]:
        """None: recordings without a micro-expression are part of the release."""
        return []
