"""Whole data sets of two subjects and a few clips, in the official layouts, with real images.

Each has exactly the clips that the challenge lists for its subjects, so that any clip that goes
missing differs from the list.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.data.surrogates.spreadsheets import (
    CASME2_HEADER,
    SAMM_HEADER,
    SAMM_PREAMBLE,
    write_sheet,
)

FRAMES, SIDE = 3, 8


@dataclass(frozen=True)
class Layout:
    """An official layout: how it is named and written, and the tables that list its clips.

    `in_challenge` says whether the challenge lists its clips, so that the counts are compared.
    """

    name: str
    dataset: str
    subjects: tuple[str, ...]
    write: Callable[[Path], None]
    tables: tuple[str, ...] = ()
    in_challenge: bool = True

    def source(self, root: Path) -> str:
        """`--dataset` of the tree at `root`."""
        return f"manifest:{root / self.tables[0]}" if self.dataset == "manifest" else self.dataset


def frames(folder: Path, numbers: Iterable[int], pattern: str) -> None:
    """Images of noise that no two clips or frames share."""
    folder.mkdir(parents=True)
    for number in numbers:
        seed = [number, *folder.as_posix().encode()[-24:]]
        pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        Image.fromarray(pixels).save(folder / pattern.format(number))


def write_smic(root: Path) -> None:
    """s05 and s19: two clips each."""
    clips = ("s05_ne_01", "s05_sur_01", "s19_po_01", "s19_sur_01")
    emotions = {"ne": "negative", "po": "positive", "sur": "surprise"}
    for start, clip in enumerate(clips, start=1):
        subject, code, _ = clip.split("_")
        folder = root / "SMIC_all_cropped/HS" / subject / "micro" / emotions[code] / clip
        frames(folder, range(10 * start, 10 * start + FRAMES), "reg_image{:05d}.jpg")


CASME2_CLIPS = (
    (13, "EP01_02", 5, "happiness"),
    (13, "EP12_01", 98, "happiness"),
    (20, "EP13_02", 200, "disgust"),
    (20, "EP15_03f", 46, "repression"),
)


def write_casme2(root: Path) -> None:
    """sub13 and sub20: two clips each."""
    rows = []
    for subject, clip, onset, emotion in CASME2_CLIPS:
        folder = root / "CASME2/Cropped" / f"sub{subject:02d}" / clip
        frames(folder, range(onset, onset + FRAMES), "reg_img{}.jpg")
        rows.append((subject, clip, None, onset, onset + 1, onset + 2, None, "4+9", emotion))
    write_sheet(root / "CASME2/CASME2-coding-20140508.xlsx", [CASME2_HEADER, *rows])


SAMM_CLIPS = (
    ("018", "018_3_1", 5562, "Anger"),
    ("018", "018_3_2", 98, "Contempt"),
    ("018", "018_5_1", 300, "Surprise"),
    ("019", "019_4_1", 70, "Happiness"),
)


def write_samm(root: Path) -> None:
    """018 and 019: three clips and one."""
    rows = []
    for subject, clip, onset, emotion in SAMM_CLIPS:
        numbers = range(onset, onset + FRAMES)
        frames(root / "SAMM" / subject / clip, numbers, subject + "_{:05d}.jpg")
        apex, offset = onset + 1, onset + 2
        row = (subject, clip, 1, onset, apex, offset, FRAMES, "1/2", "4", emotion, "I", None)
        rows.append(row)
    write_sheet(root / "SAMM/SAMM_Micro_FACS_Codes_v2.xlsx", [*SAMM_PREAMBLE, SAMM_HEADER, *rows])


def write_composite(root: Path) -> None:
    """The three beside each other."""
    write_smic(root / "SMIC")
    write_casme2(root)
    write_samm(root)


def write_manifest(root: Path) -> None:
    """Clips of two made-up subjects: two folders of images, one glob, one array."""
    pattern = "img{}.png"
    for clip, onset in (("a1", 5), ("a2", 98), ("b1", 7)):
        frames(root / "clips" / clip, range(onset, onset + FRAMES), pattern)
    array = np.random.default_rng(0).integers(0, 256, (FRAMES + 2, SIDE, SIDE), np.uint8)
    np.save(root / "clips" / "b2.npy", array)
    header = ["dataset", "subject", "clip", "label", "frames", "onset", "apex", "offset", "fps"]
    rows = (
        ("mine", "anna", "a1", "negative", "clips/a1", 5, 6, 7, 100),
        ("mine", "anna", "a2", "surprise", "clips/a2", 98, 99, 100, ""),
        ("mine", "bert", "b1", "positive", "clips/b1/img*.png", 7, 8, 9, 200),
        ("mine", "bert", "b2", "negative", "clips/b2.npy", 1, 2, 3, 25),
    )
    write_csv(root / "clips.csv", (header, *rows))


CASME3 = "annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
FOURDME = "4DME_Labelling_Micro_release_v1.xlsx"
MMEW = "MMEW_Micro_Exp.xlsx"


def write_casme3(root: Path) -> None:
    """Two subjects with a recording each, and one with a recording of more than its expression."""
    header = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")
    clips = (
        ("spNO.1", "a", 28, "disgust"),
        ("spNO.1", "b", 5, "happy"),
        ("spNO.17", "c", 9, "sad"),
    )
    rows = [(*clip[:3], clip[2] + 1, clip[2] + 2, "4", 4, clip[3]) for clip in clips]
    for subject, recording, onset, _ in clips:
        numbers = range(onset, onset + FRAMES + (recording == "b"))
        frames(root / "part_A" / subject / recording / "color", numbers, "{}.jpg")
    write_sheet(root / CASME3, [header, *rows])


def write_fourdme(root: Path) -> None:
    """01 and 12: two clips and one."""
    header = ("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs")
    clips = (
        ("01", "t1-1", 40, "Negative"),
        ("01", "t2", 7, "Surprise"),
        (12, "t9", 98, "Positive"),
    )
    rows = [(s, f, word, onset, onset + 1, onset + 2, "4") for s, f, onset, word in clips]
    for subject, clip, onset, _ in clips:
        folder = root / "gray_micro_crop" / f"{subject:0>2}" / clip
        frames(folder, range(onset, onset + FRAMES), "{:03d}.jpg")
    write_sheet(root / FOURDME, [header, *rows])


def write_mmew(root: Path) -> None:
    """S01 and S13: a folder per emotion, not per subject."""
    header = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units")
    clips = (
        ("S01", "S01-01-001", 1, "disgust"),
        ("S01", "S01-02-003", 30, "happiness"),
        ("S13", "S13-07-001", 8, "happiness"),
    )
    rows = [(s, clip, on, on + 1, on + 2, "4", word) for s, clip, on, word in clips]
    for _, clip, onset, word in clips:
        folder = root / "Micro_Expression" / word / clip
        frames(folder, range(onset, onset + FRAMES), "{}.jpg")
    write_sheet(root / MMEW, [(*header, "Estimated Emotion"), *rows])


def write_csv(path: Path, rows: Iterable[Sequence]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


SHEETS = ("CASME2/CASME2-coding-20140508.xlsx", "SAMM/SAMM_Micro_FACS_Codes_v2.xlsx")

LAYOUTS = (
    Layout("smic", "smic", ("s05", "s19"), write_smic),
    Layout("casme2", "casme2", ("sub13", "sub20"), write_casme2, SHEETS[:1]),
    Layout("samm", "samm", ("018", "019"), write_samm, SHEETS[1:]),
    Layout(
        "composite",
        "composite",
        ("s05", "s19", "sub13", "sub20", "018", "019"),
        write_composite,
        SHEETS,
    ),
    Layout("manifest", "manifest", ("anna", "bert"), write_manifest, ("clips.csv",), False),
    Layout("casme3", "casme3", ("spNO.1", "spNO.17"), write_casme3, (CASME3,), False),
    Layout("4dme", "4dme", ("01", "12"), write_fourdme, (FOURDME,), False),
    Layout("mmew", "mmew", ("S01", "S13"), write_mmew, (MMEW,), False),
)
