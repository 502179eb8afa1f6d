"""SHA-256 of the source code that an entry point of a package brings. Nothing is imported.

Hashed are the module that the entry point names and what it imports, directly or not, of modules
below the same top-level name, or below another of its distribution.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Sequence, Set
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

from bench.system.entry_points import brought, remembered

OURS = ("ablations", "baselines", "bench", "reports", "rnas")
"""Packages of the harness itself, whose commit a run records."""


@remembered
def package_code(group: str, name: str, also: tuple[str, ...] = ()) -> str | None:
    """The sum of what a package brings under a name; None where no package does.

    also: further modules that it consists of.
    """
    entry = brought(group).get(name)
    if entry is None:
        return None
    modules = (entry.module, *also)
    tops = {*_listed_tops(entry), *(module.partition(".")[0] for module in modules)}
    sources = _sources(modules, tops.difference(OURS))
    if not sources:
        return None
    digest = hashlib.sha256()
    for module, content in sorted(sources.items()):
        digest.update(f"{module} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def summary(entry: EntryPoint) -> str:
    """The first line of the docstring of the module that an entry point names; may be empty."""
    file = _file(entry.module)
    try:
        said = ast.get_docstring(ast.parse(file.read_bytes())) if file else None
    except (SyntaxError, ValueError):
        return ""
    return (said or "").partition("\n")[0]


def _listed_tops(entry: EntryPoint) -> list[str]:
    return ((entry.dist and entry.dist.read_text("top_level.txt")) or "").split()


def _sources(modules: Sequence[str], tops: Set[str]) -> dict[str, bytes]:
    """Module -> its file's content, of these and of all that they import below `tops`."""
    found: dict[str, bytes] = {}
    left = list(modules)
    while left:
        module = left.pop()
        file = _file(module) if module.partition(".")[0] in tops and module not in found else None
        if file is not None:
            found[module] = file.read_bytes()
            package = module if file.name == "__init__.py" else module.rpartition(".")[0]
            left += [module.rpartition(".")[0], *_imported(found[module], package)]
    return found


def _file(module: str) -> Path | None:
    """The source file of a module or package; None where there is none."""
    top, *rest = module.split(".")
    try:
        spec = find_spec(top) if top else None
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    folders = spec.submodule_search_locations
    places = [Path(each).joinpath(*rest) for each in folders or ()]
    files = [file for each in places for file in (each / "__init__.py", each.with_suffix(".py"))]
    if not rest and spec.origin and not folders:
        files = [Path(spec.origin)]
    return next((file for file in files if file.suffix == ".py" and file.is_file()), None)


def _imported(source: bytes, package: str) -> Iterator[str]:
    """Names that may be modules and are imported anywhere in a module of `package`."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1]
            above = parents if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
