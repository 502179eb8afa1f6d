"""Every random stream follows from (seed, phase, fold, step), whatever ran before."""

from __future__ import annotations

import hashlib

BITS = 63


def derive_seed(seed: int, phase: str, fold: str = "", step: int = 0) -> int:
    """A seed of 63 bits for one phase ("search", "train", ...) of one fold at one step (epoch)."""
    text = f"{seed}/{phase}/{fold}/{step}"
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - BITS)
