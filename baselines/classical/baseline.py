"""A classical baseline as a frozen value: what it sees of a clip, its features, its classifier.

Baselines are listed without numpy and scikit-learn, which their functions import when called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from baselines.fixed import StillInput

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class ClipInput:
    """A clip, uint8 (T, H, W, 3): `frames` of `size` × `size` pixels; 0: as networks see it."""

    frames: int = 0
    size: int = 0

    @property
    def text(self) -> str:
        """For readers: `clip of 10 frames 64×64`, or `clip`."""
        return f"clip of {self.frames} frames {self.size}×{self.size}" if self.frames else "clip"


@dataclass(frozen=True)
class ClassicalBaseline:
    """A method without a network: an entry point of group `bench.variants`.

    input: what it sees of each clip: frames, a still, float32 (C, S, S), or None where it looks at
    labels alone (its features are then given an empty array); features: from that input of one
    clip to its features, (features,); fit: from the features of training clips, (N, features),
    their labels, (N,), and the person in each clip to a fitted scikit-learn classifier, one with
    `decision_function` or `predict_log_proba`, the same whenever it is given the same. For readers
    of tables: groups (first: the one listings show), marks, reference, deviations of ours.
    """

    name: str
    summary: str
    input: ClipInput | StillInput | None
    features: Callable[[Any], np.ndarray]
    fit: Callable[[np.ndarray, np.ndarray, Sequence[str]], Any]
    groups: tuple[str, ...] = ("own",)
    marks: tuple[str, ...] = ()
    reference: str = ""
    deviations: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, str]:
        """What listings say of it beside its name; what is not there is left out."""
        facts = {
            "input": self.input.text if self.input else "none",
            "deviations": "; ".join(self.deviations),
            "marks": ", ".join(self.marks),
            "reference": self.reference,
        }
        return {what: text for what, text in facts.items() if text}
