"""The state of an unfinished search on disk: whose it is, how far it has come, and its SHA-256 sum.

A line of JSON, then what torch wrote. Only tensors and plain values are read back.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from bench.errors import BenchError
from bench.system.files import MOST_WEIGHT_BYTES, file_bytes, write_atomic

ANEW = "move it elsewhere and repeat the command: the search starts anew"


def save_checkpoint(path: Path, about: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Writes the state of the search that `about` describes; BenchError where that fails."""
    content = io.BytesIO()
    torch.save(dict(state), content)
    payload = content.getvalue()
    head = json.dumps({**about, "sha256": hashlib.sha256(payload).hexdigest()}).encode()
    write_atomic(path, lambda file: file.writelines((head, b"\n", payload)))


def load_checkpoint(path: Path, about: Mapping[str, Any], sealed: bool) -> Mapping[str, Any]:
    """The state of the search that `about` describes, tensors on the CPU.

    sealed: whether it must say what it is; earlier versions wrote the state alone.

    Raises BenchError where it is damaged, or the state of another search.
    """
    try:
        content = file_bytes(path, MOST_WEIGHT_BYTES)
        head, _, payload = content.partition(b"\n")
        said = json.loads(head) if sealed or head.startswith(b"{") else None
        if said is None:
            payload = content
        elif said.pop("sha256", None) != hashlib.sha256(payload).hexdigest():
            raise ValueError("its SHA-256 sum is another")
        # To the CPU: Adam waits for the GPU at every step where its step counters lie there.
        state = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except Exception as error:  # what torch.load raises for a bad file has no common class
        what = error if isinstance(error, ValueError) else type(error).__name__
        raise BenchError(f"{path} cannot be read ({what}); {ANEW}") from error
    if said is not None and said != dict(about):
        raise BenchError(f"{path} is the state of another search ({json.dumps(said)}); {ANEW}")
    return state
