"""Seeds derived from (seed, phase, fold, step), so that no random stream depends on another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

BITS = 63


def derive_seed(seed: int, phase: str, fold: str = "", step: int = 0) -> int:
    """A seed of 63 bits for one phase ("search", "train", ...) of one fold at one step (epoch)."""
    text = f"{seed}/{phase}/{fold}/{step}"
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - BITS)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds torch's global generators inside a block: initialisation and dropout draw from them.

    The state of the CPU's generator is restored afterwards.
    """
    import torch  # late: listings import this file, too

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
