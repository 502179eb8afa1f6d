"""Entry points of the harness and of packages that add to it.

A checkout that is not installed has no metadata; its own entry points are then those that
`pyproject.toml` beside the packages lists.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from importlib.resources import files
from pathlib import Path

DISTRIBUTION = "rnas-mer-bench"


def registered(group: str) -> tuple[EntryPoint, ...]:
    """All entry points of a group: those of installed packages, and the harness's own."""
    found = tuple(entry_points(group=group))
    return found if _is_installed() else (*found, *checkout_entries(group))


def checkout_entries(group: str) -> tuple[EntryPoint, ...]:
    """What the checkout's `pyproject.toml` registers in a group; nothing where there is none."""
    try:
        project = tomllib.loads((_checkout() / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    listed = project["project"].get("entry-points", {}).get(group, {})
    return tuple(EntryPoint(name, value, group) for name, value in listed.items())


def install_command(extra: str) -> str:
    """The shell command that installs an extra: from the checkout where that is what runs."""
    if (_checkout() / "pyproject.toml").exists():
        return f"pip install --editable '{_checkout()}[{extra}]'"
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def _checkout() -> Path:
    return Path(str(files("bench"))).parent


def _is_installed() -> bool:
    try:
        distribution(DISTRIBUTION)
    except PackageNotFoundError:
        return False
    return True
