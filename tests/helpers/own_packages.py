"""Packages of one module each with entry points, as pip leaves them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Put = Callable[[str, dict[str, dict[str, str]], str], None]
"""Installs a module: (its source, group -> entries, its name)."""


@contextmanager
def installing(folder: Path) -> Iterator[Put]:
    """Installs packages in a folder; they are gone after the block."""
    from bench.methods import registry
    from bench.system import packages

    installed: set[str] = set()

    def clear() -> None:
        for name in installed:
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        packages.forget()
        registry.variants.cache_clear()

    def put(source: str, groups: dict[str, dict[str, str]], name: str) -> None:
        installed.add(name)
        (folder / f"{name}.py").write_text(source)
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [
            line
            for group, entries in groups.items()
            for line in (f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()))
        ]
        (info / "entry_points.txt").write_text("\n".join(lines))
        clear()

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(folder))
            yield put
    finally:
        clear()


SHORT = """
from ablations import RNAS_MER
from rnas.trellis import Trellis

SPACE = RNAS_MER.resized(name="short", outer=Trellis(3, (2, 4), ("stay", "shrink")))
"""
"""A search space of four paths: its networks are counted and trained in a tenth of the time."""
