"""MMEW (Ben et al., IEEE TPAMI 2022): the micro-expressions, in one folder per emotion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

from bench.data.disk.finding import Names
from bench.data.sets.releases.coded import Coded, CodedSet

EMOTION_FOLDERS = frozenset(
    {
        "anger",
        "disgust",
        "fear",
        "happiness",
        "others",
        "repression",
        "sadness",
        "surprise",
    }
)


class Mmew(CodedSet):
    """`Micro_Expression/<emotion>/S13-07-001/1.jpg`; the label is the spreadsheet's.

    The paper's class `others` is called `repression` in copies of the release; here it is `others`.
    """

    name = "mmew"
    title = "MMEW"
    summary = "micro-expressions at 90 frames/s, Shandong University; no challenge list"
    how_to_get = (
        "MMEW is licensed by the group of Xianye Ben, Shandong University, on a signed agreement; "
        "put MMEW_Micro_Exp.xlsx and Micro_Expression/<emotion>/S13-07-001/ into the data root or "
        "an MMEW folder below it."
    )
    names = Names(
        homes=("mmew",),
        inside=("microexpression",),
        frames=("micro_expression", ".", "*"),
        sheets=("mmew_micro_exp*",),
    )
    layout = ("MMEW_Micro_Exp.xlsx", "MMEW*/MMEW_Micro_Exp.xlsx")
    subject_prefix = "S"
    subject_digits = 2
    fps = 90.0
    columns = MappingProxyType(
        {
            "subject": "Subject",
            "clip": "Filename",
            "onset": "OnsetFrame",
            "apex": "ApexFrame",
            "offset": "OffsetFrame",
            "emotion": "Estimated Emotion",
        }
    )
    frame_folders = ("Micro_Expression", ".")
    group_title = "<emotion>"
    clip_pattern = r"S[0-9]+-[0-9]+-[0-9]+"
    synonyms = MappingProxyType({"repression": "others", "other": "others"})

    @property
    def example_group(self) -> str:
        """A folder of an emotion."""
        return "happiness"

    def _group_of(self, folder: str) -> str | None:
        """The same for every emotion, since names of clips are unique in the whole set."""
        return "" if folder.lower() in EMOTION_FOLDERS else None

    def _contradictions(self, coded: Coded, folder: Path) -> Iterator[str]:
        """The clip's name contains its subject, the folder above the clip's is its emotion."""
        if self.subject_of(coded.row.text("clip").partition("-")[0]) != coded.subject:
            yield f"the clip's name contradicts its subject {coded.subject}, which is used"
        emotion = folder.parent.name.lower()
        if self.synonyms.get(emotion, emotion) != coded.emotion:
            yield f"its folder {emotion} contradicts its emotion {coded.emotion}, which is used"

    def _key(self, subject: str | None, clip: str) -> tuple[str, str]:
        return "", clip.lower()
