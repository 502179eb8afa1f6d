"""4DME (Li et al., IEEE TAC 2022), the grey videos; a clip may show a compound of two emotions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from bench.data.disk.finding import Names
from bench.data.sets.releases.coded import CodedSet
from bench.data.sets.spreadsheet import Row

COMPOUND = "compound"
"""The word for two emotions in one clip (positively surprised, negatively repressed, ...)."""

_FORMS = MappingProxyType(
    {
        "positive": r"positive(?:ly)?",
        "negative": r"negative(?:ly)?",
        "surprise": r"surprise[ds]?",
        "repression": r"repress(?:ion|ed)",
        "others": r"others?",
    }
)
"""Word -> how a cell may write it."""

_FORM = f"(?:{'|'.join(_FORMS.values())})"
_KNOWN = re.compile(rf"{_FORM}(?:(?:[^\w?]|_|\band\b)*{_FORM})*(?:[^\w?]|_)*")
"""One of the words, or several with nothing but marks, `and` or nothing between them."""


class FourDme(CodedSet):
    """`gray_micro_crop/<subject>/<fold_name>/*.jpg`, or the uncropped `gray_micro`."""

    name = "4dme"
    title = "4DME"
    summary = "micro-expressions at 60 frames/s, University of Oulu; no challenge list"
    how_to_get = (
        "4DME is licensed by the Center for Machine Vision and Signal Analysis (CMVS), University "
        "of Oulu, on a signed agreement; put 4DME_Labelling_Micro_release*.xlsx and "
        "gray_micro_crop/<sub_ID>/<fold_name>/ (or gray_micro/) into the data root or a 4DME "
        "folder below it."
    )
    names = Names(
        homes=("4dme", "4dmicro"),
        inside=("graymicro",),
        frames=("gray_micro_crop", "*crop*", "gray_micro", "*"),
        sheets=("4dme_labelling_micro*",),
    )
    layout = ("4DME_Labelling_Micro*.xlsx", "4DME/4DME_Labelling_Micro*.xlsx")
    subject_prefix = ""
    subject_digits = 2
    fps = 60.0
    columns = MappingProxyType(
        {
            "subject": "sub_ID",
            "clip": "fold_name",
            "onset": "Onset",
            "apex": "Apex",
            "offset": "Offset",
            "emotion": "Emotion",
        }
    )
    frame_folders = ("gray_micro_crop", "gray_micro")
    clip_pattern = ".+"

    def subject_of(self, text: str) -> str | None:
        """`01`, `1`, `s01` and `sub01` are all subject 01."""
        return super().subject_of(re.sub(r"^\s*s(ub)?_?(?=[0-9])", "", text, flags=re.IGNORECASE))

    def word(self, row: Row) -> str:
        """One of the five words, `compound` for two of them; another cell as it is.

        A cell that says more than that (`not positive`) is no known word.
        """
        cell = row.text("emotion").lower()
        if not _KNOWN.fullmatch(cell):
            return cell
        found = [word for word, form in _FORMS.items() if re.search(form, cell)]
        return COMPOUND if len(found) > 1 else found[0]

    def _within(self, numbered: Mapping[int, Path], onset: int, offset: int) -> dict[int, Path]:
        """The frames onset to offset; all frames of a folder that was renumbered, by its length."""
        span = range(onset, offset + 1)
        if any([*numbered] == [*range(first, first + len(span))] for first in (0, 1)):
            return dict(zip(span, numbered.values(), strict=True))
        return super()._within(numbered, onset, offset)
