"""Where the apex of a clip is: one rule for spreadsheets and manifests, each replacement named."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.errors import printable, quoted
from bench.system.tables import MISSING

NOT_ANNOTATED = re.compile(
    rf"[-–—/\\?.*x]*|-1([.,]0*)?|0+([.,]0*)?|{MISSING.pattern}", re.IGNORECASE
)
"""What stands in a cell where no apex is annotated. The onset is a frame, so that 0 is none."""

FRAME_NUMBER = re.compile(r"(?![0-9]{1,3},000$)([0-9]{1,9})([.,]0*)?")

SPOTTED = "the frame that differs most from the onset is taken"


def place_apex(
    cell: str, onset: int, offset: int | None, numbers: Sequence[int] | None
) -> tuple[int | None, str]:
    """Index of the apex from the clip's first frame, and what replaces it where it is not usable.

    An apex that is not annotated, or is no number, is spotted (None); one outside onset..offset is
    replaced by the middle; one without a frame by the nearest frame, but not by the onset. The text
    is empty where nothing is replaced. offset: None where a file's last frame is the clip's;
    numbers: of the frames that are there, None where one file holds them all.
    """
    shown = f"apex {quoted(printable(cell))}" if cell else "no apex"
    if NOT_ANNOTATED.fullmatch(cell):
        return None, f"{shown}: not annotated, {SPOTTED}"
    number = FRAME_NUMBER.fullmatch(cell)
    if number is None:
        return None, f"{shown} is no frame number: {SPOTTED}"
    apex = int(number[1])
    if apex < onset or (offset is not None and apex > offset):
        end = "" if offset is None else f"..offset {offset}"
        outside = f"apex {apex} lies outside onset {onset}{end}: "
        if offset is None:
            return None, outside + SPOTTED
        count = offset - onset + 1 if numbers is None else len(numbers)
        return count // 2, f"{outside}the middle is used"
    if numbers is None:
        return apex - onset, ""
    if apex in numbers:
        return numbers.index(apex), ""
    later = range(min(1, len(numbers) - 1), len(numbers))
    nearest = min(later, key=lambda index: abs(numbers[index] - apex))
    return nearest, f"there is no frame {apex} (apex): the nearest, {numbers[nearest]}, is used"
