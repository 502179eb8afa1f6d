"""The spreadsheets of the releases, with their columns and peculiarities."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench.data.surrogates.coded_units import unit_text
from bench.data.surrogates.plans import Plan


@dataclass(frozen=True)
class Sheet:
    """A release's spreadsheet: its path, the rows above the clips, and the cells of a clip."""

    path: str
    head: tuple[tuple[str | None, ...], ...]
    cells: Callable[[Plan], tuple]


def write_sheets(plans: Sequence[Plan], folder: Path) -> None:
    """Writes the spreadsheets of all releases among `plans` that have one."""
    for dataset, sheet in SHEETS.items():
        lines = [sheet.cells(plan) for plan in plans if plan.row.dataset == dataset]
        if lines:
            write_sheet(folder / sheet.path, [*sheet.head, *lines])


def _casme2_cells(plan: Plan) -> tuple:
    return (
        int(plan.row.subject.removeprefix("sub")),
        plan.row.name,
        None,
        plan.onset,
        "/" if plan.noted_apex is None else plan.noted_apex,
        plan.offset,
        None,
        _unit_cell(plan),
        plan.row.emotion,
    )


def _samm_cells(plan: Plan) -> tuple:
    return (
        plan.row.subject,
        plan.row.name,
        int(plan.row.name.split("_")[1]),
        plan.onset,
        plan.noted_apex,
        plan.offset,
        plan.length,
        "1/2",
        _unit_cell(plan),
        plan.row.emotion.capitalize(),
        _objective_class(set(plan.units)),
        None,
    )


def _casme3_cells(plan: Plan) -> tuple:
    return (
        plan.row.subject,
        plan.row.name,
        plan.onset,
        plan.noted_apex,
        plan.offset,
        _unit_cell(plan),
        _objective_class(set(plan.units)),
        plan.row.emotion.replace("others", "Others"),
    )


def _fourdme_cells(plan: Plan) -> tuple:
    return (
        int(plan.row.subject),
        plan.row.name,
        plan.row.emotion.capitalize(),
        plan.onset,
        plan.noted_apex,
        plan.offset,
        "+".join(f"AU{plan.side}{unit}" for unit in plan.units),
    )


def _mmew_cells(plan: Plan) -> tuple:
    return (
        int(plan.row.subject.removeprefix("S")),
        plan.row.name,
        plan.onset,
        plan.noted_apex,
        plan.offset,
        _unit_cell(plan),
        plan.row.emotion,
        None,
    )


def _unit_cell(plan: Plan) -> int | str:
    """As in the releases: a number for a single unit, else '4+9'; of one half of the face 'L12'."""
    if len(plan.units) == 1 and not plan.side:
        return plan.units[0]
    return unit_text(plan.units, plan.side)


def _objective_class(units: set[int]) -> str:
    """The objective class of action units, by a shortened form of the original table.

    Source: Davison et al., "Objective Classes for Micro-Facial Expression Recognition", 2018.
    """
    for name, signs in (("IV", {9}), ("III", {4, 7}), ("I", {6, 12}), ("VI", {20}), ("V", {15})):
        if units & signs:
            return name
    return "II" if units & {1, 2, 5, 26} else "VII"


CASME2_HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)

SAMM_PREAMBLE = (
    ("Generated surrogate of the SAMM micro-movement codes",),
    ("Not a recording of people; see SURROGATE.txt",),
    (),
    ("Subject", "three digits"),
    ("Filename", "subject, inducement, take"),
    ("Onset, apex, offset", "frame numbers as in the file names"),
    ("Duration", "frames, at 200 frames per second"),
    ("Micro", "1/2 for a micro-movement"),
    ("Action Units", "FACS"),
    ("Objective Classes", "I to VII, from the action units alone"),
    (),
    ("Some apex frames lie outside onset and offset",),
    (),
)

SAMM_HEADER = (
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Duration",
    "Micro",
    "Action Units",
    "Estimated Emotion",
    "Objective Classes",
    "Notes",
)

CASME3_HEADER = (
    "Subject",
    "Filename",
    "Onset",
    "Apex",
    "Offset",
    "AU",
    "Objective class",
    "emotion",
)

FOURDME_HEADER = ("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs")

MMEW_HEADER = (
    "Subject",
    "Filename",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "Action Units",
    "Estimated Emotion",
    "remarks",
)

SHEETS: Mapping[str, Sheet] = MappingProxyType(
    {
        "casme2": Sheet("CASME2/CASME2-coding-20140508.xlsx", (CASME2_HEADER,), _casme2_cells),
        "samm": Sheet(
            "SAMM/SAMM_Micro_FACS_Codes_v2.xlsx", (*SAMM_PREAMBLE, SAMM_HEADER), _samm_cells
        ),
        "casme3": Sheet(
            "CASME3/annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
            (CASME3_HEADER,),
            _casme3_cells,
        ),
        "4dme": Sheet(
            "4DME/4DME_Labelling_Micro_release v1.xlsx", (FOURDME_HEADER,), _fourdme_cells
        ),
        "mmew": Sheet("MMEW/MMEW_Micro_Exp.xlsx", (MMEW_HEADER,), _mmew_cells),
    }
)
"""Data set -> its spreadsheet; SMIC has none."""


def write_sheet(path: Path, lines: Iterable[Sequence[object]]) -> None:
    """Writes one worksheet; the same lines give the same bytes."""
    from openpyxl import Workbook  # slow to import, and workers need none of it

    book = Workbook()
    for line in lines:
        book.active.append(line)
    raw = io.BytesIO()
    book.save(raw)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, _without_time(source.read(name)))


def _without_time(part: bytes) -> bytes:
    """The part of a workbook with all its time stamps set to the same time."""
    return re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2020-01-01T00:00:00Z", part)
