"""What the real data sets look like: emotions, counts, lengths, file names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from types import MappingProxyType

UnitSets = tuple[tuple[int, ...], ...]


def _subsets(*units: int) -> UnitSets:
    """All non-empty subsets."""
    sizes = range(1, len(units) + 1)
    return tuple(chain.from_iterable(combinations(units, size) for size in sizes))


HAPPINESS: UnitSets = ((6, 12),)
SURPRISE = _subsets(1, 2, 5, 26)
NEGATIVE = _subsets(4, 9, 15)
OTHER: UnitSets = ((14,), (17,), (24,), (7,), (20,), (14, 17), (17, 24), (7, 14), (4, 7))


@dataclass(frozen=True)
class Release:
    """What one real data set looks like.

    `units`: per emotion word the sets of action units that show it; `quota`: rows per word (empty:
    the words are the challenge's classes, with its counts); `subjects`: given for sets that are not
    in the challenge, whose rows are distributed evenly over them; `lengths`: frames from onset to
    offset, and `starts`: the number of a clip's first file, both as (least, most); `fps`: frames
    per second; `folder_pattern` contains subject, emotion and name, `file_pattern` subject and
    number; the `raw` patterns are those of uncropped frames, where they differ; `extra_subjects`
    are in the release and not in the challenge; `margin`: the largest number of frames before
    onset and after offset; `grey`: whether frames have one channel; `noted_lengths`: the lengths
    of version 3 on, where they differ; `noise` of its camera, relative to the others'.
    """

    units: Mapping[str, UnitSets]
    quota: Mapping[str, int]
    lengths: tuple[int, int]
    starts: tuple[int, int]
    fps: float
    folder_pattern: str
    file_pattern: str
    raw_folder_pattern: str = ""
    raw_file_pattern: str = ""
    subjects: tuple[str, ...] = ()
    extra_subjects: tuple[str, ...] = ()
    margin: int = 0
    grey: bool = False
    noted_lengths: tuple[int, int] | None = None
    noise: float = 1.0

    @property
    def coded_lengths(self) -> tuple[int, int]:
        """Frames from onset to offset from version 3 on, (least, most)."""
        return self.noted_lengths or self.lengths


RELEASES: Mapping[str, Release] = MappingProxyType(
    {
        "smic": Release(
            units={"negative": NEGATIVE, "positive": HAPPINESS, "surprise": SURPRISE},
            quota={},
            lengths=(16, 40),
            starts=(10, 990),
            fps=100.0,
            folder_pattern="SMIC_all_cropped/HS/{subject}/micro/{emotion}/{name}",
            file_pattern="reg_image{number:05d}.jpg",
            raw_folder_pattern="HS/{subject}/micro/{emotion}/{name}",
            raw_file_pattern="image{number:05d}.jpg",
            noted_lengths=(11, 50),
            noise=1.5,
        ),
        "casme2": Release(
            units={
                "disgust": ((9,), (4, 9), (9, 15), (4, 9, 15)),
                "repression": ((15,), (4, 15)),
                "happiness": HAPPINESS,
                "surprise": SURPRISE,
                "others": OTHER,
                "sadness": ((17,), (14, 17)),
                "fear": ((20,), (7, 20)),
            },
            quota={
                "disgust": 63,
                "repression": 27,
                "happiness": 32,
                "surprise": 25,
                "others": 99,
                "sadness": 7,
                "fear": 2,
            },
            lengths=(24, 64),
            starts=(1, 160),
            fps=200.0,
            folder_pattern="CASME2/Cropped/{subject}/{name}",
            file_pattern="reg_img{number}.jpg",
            raw_folder_pattern="CASME2/CASME2_RAW_selected/{subject}/{name}",
            raw_file_pattern="img{number}.jpg",
            extra_subjects=("sub10", "sub18"),
            margin=6,
            noted_lengths=(24, 100),
        ),
        "samm": Release(
            units={
                "anger": ((4,), (4, 9), (4, 15)),
                "contempt": ((15,), (9, 15)),
                "disgust": ((9,), (4, 9), (4, 9, 15)),
                "fear": ((4,), (4, 15)),
                "sadness": ((15,), (4, 15)),
                "happiness": HAPPINESS,
                "surprise": SURPRISE,
                "other": OTHER,
            },
            quota={
                "anger": 57,
                "contempt": 12,
                "disgust": 9,
                "fear": 8,
                "sadness": 6,
                "happiness": 26,
                "surprise": 15,
                "other": 26,
            },
            lengths=(30, 64),
            starts=(120, 19000),
            fps=200.0,
            folder_pattern="SAMM/{subject}/{name}",
            file_pattern="{subject}_{number:05d}.jpg",
            grey=True,
            noted_lengths=(30, 100),
            noise=0.7,
        ),
        "casme3": Release(
            units={
                "anger": ((4,), (4, 9), (4, 15)),
                "disgust": ((9,), (4, 9), (9, 15), (4, 9, 15)),
                "fear": ((4,), (4, 15)),
                "sad": ((15,), (4, 15)),
                "happy": HAPPINESS,
                "surprise": SURPRISE,
                "others": OTHER,
            },
            quota={
                "anger": 64,
                "disgust": 250,
                "fear": 86,
                "sad": 57,
                "happy": 55,
                "surprise": 187,
                "others": 161,
            },
            subjects=tuple(f"spNO.{number}" for number in range(1, 95)),
            lengths=(8, 20),
            starts=(1, 3000),
            fps=30.0,
            folder_pattern="CASME3/part_A/{subject}/{name}/color",
            file_pattern="{number}.jpg",
            margin=6,
        ),
        "4dme": Release(
            units={
                "positive": HAPPINESS,
                "negative": NEGATIVE,
                "surprise": SURPRISE,
                "repression": ((15,), (4, 15)),
                "others": OTHER,
                "positively surprised": ((2, 12), (5, 6, 12)),
                "negatively surprised": ((2, 4), (4, 5)),
                "positively repressed": ((12, 15),),
                "negatively repressed": ((4, 14), (9, 17)),
            },
            quota={
                "positive": 34,
                "negative": 127,
                "surprise": 30,
                "repression": 6,
                "others": 39,
                "positively surprised": 13,
                "negatively surprised": 8,
                "positively repressed": 3,
                "negatively repressed": 7,
            },
            subjects=tuple(f"{number:02d}" for number in range(1, 42)),
            lengths=(10, 30),
            starts=(1, 2000),
            fps=60.0,
            folder_pattern="4DME/gray_micro_crop/{subject}/{name}",
            file_pattern="{number:05d}.jpg",
            raw_folder_pattern="4DME/gray_micro/{subject}/{name}",
            grey=True,
        ),
        "mmew": Release(
            units={
                "anger": ((4,), (4, 9), (4, 15)),
                "disgust": ((9,), (4, 9), (9, 15), (4, 9, 15)),
                "fear": ((4,), (4, 15)),
                "sadness": ((15,), (4, 15)),
                "happiness": HAPPINESS,
                "surprise": SURPRISE,
                "others": OTHER,
            },
            quota={
                "anger": 8,
                "disgust": 72,
                "fear": 16,
                "sadness": 13,
                "happiness": 36,
                "surprise": 89,
                "others": 66,
            },
            subjects=tuple(f"S{number:02d}" for number in range(1, 31)),
            lengths=(20, 60),
            starts=(1, 1),
            fps=90.0,
            folder_pattern="MMEW/Micro_Expression/{emotion}/{name}",
            file_pattern="{number}.jpg",
        ),
    }
)
"""The real sets by name.

For sets that are not in the challenge, the numbers of clips per emotion and of subjects are those
of their papers; which subject shows which emotion is invented.
"""

COMPOSITE = ("smic", "casme2", "samm")
"""The releases that the challenge combines."""

LEFT_OUT_EMOTIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {("sub04", "EP12_01f"): "disgust", ("sub05", "EP09_05f"): "repression"}
)
"""Emotion words of the CASME II rows that the challenge leaves out (both words are negative)."""

ODD_NAMES = MappingProxyType({"sub01": "EP01_2", "sub11": "EP09f", "sub19": "EP06_02_01"})
"""Subject -> a CASME II clip name that deviates from the pattern, as in the release."""

APEX_UNKNOWN = ("sub04", "EP12_01f")
"""The CASME II row whose apex the release gives as '/'."""

APEX_OUTSIDE_EVERY = 40
"""About one in so many SAMM rows has an apex outside onset..offset."""
