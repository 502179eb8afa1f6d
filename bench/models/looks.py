"""What the clips that a network was trained on look like, in a few bytes each.

A copy of a clip that lost something (JPEG, another size) has no hash of the clip. It is known again
by a small picture of the clip's onset and of its change to the apex, or of its flow.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bench.data.sets.twins import LOOK_SIDE, looking_alike
from bench.errors import DataError, printable

if TYPE_CHECKING:
    import numpy as np

FLOW, FRAMES = "flow:", "frames:"


def packed(look: np.ndarray, flow: bool) -> str:
    """A look (2, 256) as text, 8 bits a number, which keeps its correlations to 1e-4."""
    import numpy as np

    most = np.maximum(np.abs(look).max(1, keepdims=True), 1e-6)
    numbers = np.rint(look / most * 127).astype(np.int8)
    return (FLOW if flow else FRAMES) + b64encode(numbers.tobytes()).decode()


def seen_before(known: Sequence[str], looks: Iterable[str]) -> list[bool]:
    """Of each look whether one of those known is nearly the same; an empty one is none.

    Raises DataError for what is none that `packed` wrote.
    """
    stacks = {kind: _unpacked(known, kind) for kind in (FLOW, FRAMES)}
    found = []
    for look in looks:
        kind = FLOW if look.startswith(FLOW) else FRAMES
        own = _unpacked([look], kind)
        alike = len(own) > 0 and looking_alike(stacks[kind], own[0], kind == FLOW).any()
        found.append(bool(alike))
    return found


def _unpacked(looks: Iterable[str], kind: str) -> np.ndarray:
    """Those of one kind, (n, 2, 256), each part of norm 1 (0 if blank)."""
    import numpy as np

    texts = [look.removeprefix(kind) for look in looks if look.startswith(kind)]
    try:
        content = b"".join(b64decode(text, validate=True) for text in texts)
        numbers = np.frombuffer(content, np.int8).reshape(len(texts), 2, LOOK_SIDE**2)
    except ValueError as error:
        raise DataError(f"damaged looks of clips ({printable(error)})") from None
    parts = numbers.astype(np.float32)
    return parts / np.maximum(np.linalg.norm(parts, axis=-1, keepdims=True), 1e-6)
