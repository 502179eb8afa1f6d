"""The MEGC2019 challenge list as data: class maps, rows left out, clips per subject and class.

Source: See et al., "MEGC 2019 - The Second Facial Micro-Expressions Grand Challenge", FG 2019.
The counts stand in `challenge.csv`; nothing else in the project repeats them. The challenge has
SMIC, CASME II and SAMM. The maps of CAS(ME)^3, 4DME and MMEW follow its rule (happiness is
positive, surprise stays, every other named emotion is negative, others are left out); they are
ours, and there are no counts to compare those sets with.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from types import MappingProxyType

from bench.data.clips import CHALLENGE_CLASSES

CLASS_MAPS = MappingProxyType(
    {
        "smic": {"negative": "negative", "positive": "positive", "surprise": "surprise"},
        "casme2": {
            "disgust": "negative",
            "repression": "negative",
            "happiness": "positive",
            "surprise": "surprise",
        },
        "samm": {
            "anger": "negative",
            "contempt": "negative",
            "disgust": "negative",
            "fear": "negative",
            "sadness": "negative",
            "happiness": "positive",
            "surprise": "surprise",
        },
        "casme3": {
            "anger": "negative",
            "disgust": "negative",
            "fear": "negative",
            "sad": "negative",
            "happy": "positive",
            "surprise": "surprise",
        },
        "4dme": {
            "negative": "negative",
            "repression": "negative",
            "positive": "positive",
            "surprise": "surprise",
        },
        "mmew": {
            "anger": "negative",
            "disgust": "negative",
            "fear": "negative",
            "sadness": "negative",
            "happiness": "positive",
            "surprise": "surprise",
        },
    }
)
"""Per data set: emotion word of the release (lower case) -> class of the challenge."""

UNMAPPED = MappingProxyType(
    {
        "smic": (),
        "casme2": ("others", "sadness", "fear"),
        "samm": ("other",),
        "casme3": ("others",),
        "4dme": ("others", "compound"),
        "mmew": ("others",),
    }
)
"""Emotion words that the release uses and the challenge leaves out, silently."""

NATIVE_CLASSES = MappingProxyType(
    {
        "smic": ("negative", "positive", "surprise"),
        "casme2": ("disgust", "happiness", "others", "repression", "surprise"),
        "samm": ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"),
        "casme3": ("anger", "disgust", "fear", "happy", "others", "sad", "surprise"),
        "4dme": ("negative", "others", "positive", "repression", "surprise"),
        "mmew": ("anger", "disgust", "fear", "happiness", "others", "sadness", "surprise"),
    }
)
"""The words of a release that are used as its own classes; the rarest words are left out."""

LEFT_OUT = MappingProxyType({"casme2": (("sub04", "EP12_01f"), ("sub05", "EP09_05f"))})
"""(subject, clip) rows whose emotion is in the map but which the challenge does not list."""


@cache
def expected_counts() -> dict[str, dict[str, dict[str, int]]]:
    """data set -> subject -> class -> clips, from the challenge list (442 clips, 68 subjects)."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    with resources.files("bench.data.sets").joinpath("challenge.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            by_class = {name: int(row[name]) for name in CHALLENGE_CLASSES}
            counts.setdefault(row["dataset"], {})[row["subject"]] = by_class
    return counts
