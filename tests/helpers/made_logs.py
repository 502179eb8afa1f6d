"""Predictions as other people publish them. Clip names of CASME II and SAMM are made up."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources

import numpy as np

from bench.data.clips import CHALLENGE_CLASSES
from bench.data.sets.challenge import expected_counts
from bench.runs.predictions import Answer, Predictions

CODES = {"negative": "ne", "positive": "po", "surprise": "sur"}

HAND = """\
casme2 sub01
EP02_01f 1 1
EP19_05f 0 0
EP19_06f 0 2
casme2 sub02
EP01_11f 0 0
EP13_04 2 2
samm 6
006_1_2 0 0
006_1_3 0 1
006_5_9 2 0
"""
"""Eight clips of three people, small enough to score by hand."""


def challenge_clips() -> Iterator[Answer]:
    """All 442 clips of the challenge, every one answered rightly."""
    for dataset, people in expected_counts().items():
        for subject, counts in people.items():
            number = 0
            for label, name in enumerate(CHALLENGE_CLASSES):
                for index in range(1, counts[name] + 1):
                    number += 1
                    clip = {
                        "smic": f"{subject}_{CODES[name]}_{index:02d}",
                        "casme2": f"EP{number:02d}_01",
                        "samm": f"{subject}_1_{number}",
                    }[dataset]
                    yield Answer(dataset, subject, clip, label, label)


def ststnet_matrices() -> dict[str, np.ndarray]:
    """STSTNet's confusion matrices as published with its code: data set -> (3, 3)."""
    text = resources.files("reports.published").joinpath("ststnet_confusion.csv").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    matrices: dict[str, list[list[int]]] = {}
    for row in csv.DictReader(lines):
        matrices.setdefault(row["dataset"], []).append([int(row[c]) for c in CHALLENGE_CLASSES])
    return {name: np.array(rows) for name, rows in matrices.items()}


def ststnet() -> Predictions:
    """Predictions on the challenge's clips with those confusion matrices."""
    answers = []
    left = {
        (name, label): [c for c, count in enumerate(row) for _ in range(count)]
        for name, matrix in ststnet_matrices().items()
        for label, row in enumerate(matrix)
    }
    for answer in challenge_clips():
        answers.append(replace(answer, pred=left[answer.dataset, answer.true].pop()))
    return Predictions(CHALLENGE_CLASSES, tuple(answers))
