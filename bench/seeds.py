"""Seeds derived from (seed, phase, fold, step), so that no random stream depends on another."""

from __future__ import annotations

import hashlib
import random
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
    """Seeds the global generators of torch, NumPy and Python inside a block.

    Initialisation and dropout draw from torch's, code of packages from any. The states (of torch
    that of the CPU's generator) are restored afterwards.
    """
    import numpy as np  # late: listings import this file, too
    import torch

    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002
            random.seed(seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
