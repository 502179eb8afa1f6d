"""Results as JSON: objects that carry the SHA-256 sum of their own content.

Whoever reads one again compares it, so that a number edited by hand is seen. The sum guards against
accidents and quiet edits, not against a person who also writes a new one. Layout and order of the
entries do not matter, nor whether a number is written 1 or 1.0.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.system.files import read_json

SEAL = "content_sha256"

EDITED = (
    f"was edited after a command wrote it: its content does not give its {SEAL}; restore "
    "it, repeat the command that made it or, for an edit that is meant, remove that entry"
)


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with the sum of it as the last entry, in place of one that it has."""
    bare = {name: value for name, value in content.items() if name != SEAL}
    return {**bare, SEAL: _sum(bare)}


def is_edited(content: Any) -> bool:
    """Whether a JSON value carries a sum that is not that of its content."""
    return (
        isinstance(content, Mapping) and SEAL in content and sealed(content)[SEAL] != content[SEAL]
    )


def read_result(file: Path) -> Any:
    """The content of a result file; BenchError where it was edited, or is missing or corrupt.

    Files without a sum, which earlier versions wrote, are read as they are.
    """
    content = read_json(file)
    if is_edited(content):
        raise BenchError(f"{file} {EDITED}")
    return content


def _sum(content: Mapping[str, Any]) -> str:
    read = json.loads(json.dumps(content), parse_int=float)
    canonical = json.dumps(read, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
