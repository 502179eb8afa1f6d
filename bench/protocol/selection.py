"""Which epoch of a training run is scored: the selection rules of MER papers, from one run.

`last` looks at nothing. `inner_val` takes the best epoch on training subjects that the network was
trained without. `oracle` takes the best epoch on the test subject itself, as many published codes
do: it leaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.protocol.metrics import ACC, UF1, scores

if TYPE_CHECKING:
    from torch import Tensor


def best_epoch(logits: Mapping[int, Tensor], true: Sequence[int], classes: int) -> int:
    """The best of several epochs: by accuracy, ties by UF1, then the earliest.

    logits: epoch -> (clips, classes), all of the same clips, whose labels are `true`.
    """
    names = [str(label) for label in range(classes)]
    found = {epoch: scores(true, each.argmax(1).tolist(), names) for epoch, each in logits.items()}
    return max(sorted(found), key=lambda epoch: (found[epoch][ACC.name], found[epoch][UF1.name]))
