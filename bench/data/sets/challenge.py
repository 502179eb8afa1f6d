"""The MEGC2019 challenge list as data: class maps, rows left out, clips per subject and class.

Source: See et al., "MEGC 2019 - The Second Facial Micro-Expressions Grand Challenge", FG 2019.
The counts are in `challenge.csv` and nowhere else in the project. The challenge covers SMIC,
CASME II and SAMM. Our maps of CAS(ME)^3, CASME, 4DME and MMEW follow its rule (happiness is
positive, surprise stays, every other named emotion is negative, others are left out); there are no
counts to compare those sets with.
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
        "casme3c": {"negative": "negative", "positive": "positive", "surprise": "surprise"},
        "casme": {
            "contempt": "negative",
            "disgust": "negative",
            "fear": "negative",
            "repression": "negative",
            "sadness": "negative",
            "tense": "negative",
            "happiness": "positive",
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
        "casme3c": ("others",),
        "casme": ("others",),
        "4dme": ("others", "compound"),
        "mmew": ("others",),
    }
)
"""Emotion words of the releases that the challenge leaves out; they are no problems."""

NATIVE_CLASSES = MappingProxyType(
    {
        "smic": ("negative", "positive", "surprise"),
        "casme2": ("disgust", "happiness", "others", "repression", "surprise"),
        "samm": ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"),
        "casme3": ("anger", "disgust", "fear", "happy", "others", "sad", "surprise"),
        "casme3c": ("negative", "others", "positive", "surprise"),
        "casme": (
            *("contempt", "disgust", "fear", "happiness"),
            *("repression", "sadness", "surprise", "tense"),
        ),
        "4dme": ("negative", "others", "positive", "repression", "surprise"),
        "mmew": ("anger", "disgust", "fear", "happiness", "others", "sadness", "surprise"),
    }
)
"""The emotion words that serve as classes with `native`, per release; rare words are left out."""

LEFT_OUT = MappingProxyType({"casme2": (("sub04", "EP12_01f"), ("sub05", "EP09_05f"))})
"""(subject, clip) of rows whose emotion is in the map but which the challenge does not list."""


@cache
def expected_counts() -> dict[str, dict[str, dict[str, int]]]:
    """Clips by data set, subject and class, from the challenge list (442 clips, 68 subjects)."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    text = resources.files("bench.data.sets").joinpath("challenge.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        by_class = {name: int(row[name]) for name in CHALLENGE_CLASSES}
        counts.setdefault(row["dataset"], {})[row["subject"]] = by_class
    return counts
