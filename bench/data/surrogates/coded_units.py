"""Which action units show an emotion, as often as the releases code them (version 3 on).

Shares of units and the commonest sets are those of the coding sheets of CASME II and SAMM; within
a class, which word has which of them is ours. SMIC is not coded: its lists are ours, in version 3
between those of the other two, in version 4 closer to what flow of SMIC shows: smiles that are held
back, and negative expressions with raised cheeks (6) or parted lips (25).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from bench.config.settings import CODED_VERSION
from bench.data.surrogates.releases import RELEASES

LEFT, RIGHT = "L", "R"
"""The halves of a face as FACS names them: the person's, so that `LEFT` is the image's right."""

UNCODED_ONE_SIDED = 0.2
"""Share of one-sided clips for words whose coding is not known."""


@dataclass(frozen=True)
class Coded:
    """Sets of action units with the weight of each, and the share of one-sided clips."""

    weights: Mapping[tuple[int, ...], float]
    one_sided: float

    def draw(self, stream: np.random.Generator) -> tuple[tuple[int, ...], str]:
        """A set of units, and the half that shows it: `LEFT`, `RIGHT`, or empty for both."""
        sets, weights = list(self.weights), np.array([*self.weights.values()], float)
        chosen = sets[stream.choice(len(sets), p=weights / weights.sum())]
        side = (LEFT, RIGHT)[stream.integers(2)]
        return chosen, side if stream.random() < self.one_sided else ""


def unit_text(units: Sequence[int], side: str = "") -> str:
    """As coding sheets write them: 4+9, of one half of the face L12."""
    return "+".join(f"{side}{unit}" for unit in units)


def coded(dataset: str, emotion: str, version: int) -> Coded:
    """How a word of a release is shown: as coded, else any of its prototypes alike."""
    found = CODED[version].get(dataset, {}).get(emotion)
    sets = RELEASES[dataset].units[emotion]
    return found or Coded(dict.fromkeys(sets, 1.0), UNCODED_ONE_SIDED)


_SMIC = MappingProxyType(
    {
        "negative": Coded(
            {
                **{(4, 7): 8, (4,): 8, (7,): 8, (17,): 5, (4, 9): 3, (4, 10): 2, (9,): 2},
                **{(15,): 2, (15, 17): 2, (14,): 2, (20,): 1, (43,): 1},
            },
            0.18,
        ),
        "positive": Coded({(12,): 6, (6, 12): 3, (14,): 1}, 0.38),
        "surprise": Coded({(1, 2): 6, (5,): 4, (1,): 2, (2,): 2, (1, 2, 5): 1, (26,): 1}, 0.35),
    }
)

_SMIC_4 = MappingProxyType(
    {
        **_SMIC,
        "negative": Coded(
            {
                **_SMIC["negative"].weights,
                **{(6, 7): 8, (6, 10): 4, (1, 7): 3, (4, 7, 25): 3, (7, 25): 3, (20, 25): 3},
            },
            0.18,
        ),
        "positive": Coded(
            {
                **_SMIC["positive"].weights,
                **{(24,): 3, (12, 24): 3, (12, 14): 1, (12, 15): 1, (12, 15, 17): 1},
                **{(12, 17): 1, (7, 12): 1},
            },
            0.38,
        ),
    }
)

_CASME2 = MappingProxyType(
    {
        "disgust": Coded(
            {
                **{(4, 7): 17, (4,): 12, (4, 10): 9, (4, 9): 6, (4, 7, 10): 4, (4, 7, 9): 4},
                **{(4, 15): 3, (7,): 3, (4, 17): 2, (9,): 2, (10,): 2, (4, 9, 10): 1},
            },
            0.16,
        ),
        "repression": Coded({(17,): 13, (15,): 4, (15, 17): 4, (14,): 4}, 0.16),
        "happiness": Coded(
            {(12,): 15, (6, 12): 6, (14,): 4, (12, 15): 3, (6,): 2, (12, 14): 1}, 0.41
        ),
        "surprise": Coded({(1, 2): 13, (2,): 5, (1,): 4, (1, 2, 25): 1, (2, 25): 1}, 0.56),
    }
)

_SAMM = MappingProxyType(
    {
        "anger": Coded(
            {
                **{(7,): 27, (4,): 12, (4, 7): 4, (43,): 3, (7, 43): 2, (14,): 2, (17,): 2},
                **{(20,): 2, (10,): 1},
            },
            0.2,
        ),
        "contempt": Coded({(14,): 8, (12, 14): 2, (14, 17): 1}, 0.2),
        "disgust": Coded({(9,): 1, (10,): 1, (4, 7): 1, (4, 9): 1, (4, 7, 9): 1}, 0.2),
        "fear": Coded({(20,): 5, (7, 20): 2, (7,): 1}, 0.2),
        "sadness": Coded({(17,): 4, (15,): 1, (15, 17): 1}, 0.2),
        "happiness": Coded({(12,): 18, (7, 12): 3, (12, 15): 2, (14,): 2, (6, 12): 1}, 0.35),
        "surprise": Coded({(5,): 8, (1, 2): 3, (26,): 2, (1, 2, 5): 1}, 0.07),
    }
)

_VERSION_3 = MappingProxyType({"smic": _SMIC, "casme2": _CASME2, "samm": _SAMM})

CODED: Mapping[int, Mapping[str, Mapping[str, Coded]]] = MappingProxyType(
    {CODED_VERSION: _VERSION_3, 4: MappingProxyType({**_VERSION_3, "smic": _SMIC_4})}
)
"""Version of the generator -> release -> emotion word -> how it is shown."""
