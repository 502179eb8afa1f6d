"""SHA-256 of the source code that an entry point of a package brings. For that nothing is imported.

Hashed are the module that the entry point names and what it imports, directly or not, of modules
below the same top-level name, or below another of its distribution. So are the data files that this
code names, such as weights beside the module; other files there, as runs and notes, are no code.
"""

from __future__ import annotations

import ast
import hashlib
import io
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import redirect_stdout, suppress
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.system.files import is_system_file
from bench.system.libraries import OURS, unreplaced
from bench.system.packages import brought, remembered

CODE = (".py", ".pyc", ".pyo")
"""Suffixes of what is no data file."""

MOST_BYTES = 1 << 30
"""Of a larger data file the size and so many bytes are hashed."""

DEEPEST = 3
"""Folders below that of a module in which a data file is looked for; each must be named, too."""

LONGEST_NAME = 256
"""Characters of a string that may name a file."""

SUFFIX = re.compile(r"\*?(\.\w+)")
"""A string that names all files of a kind, as `*.yaml` and `.yaml` do."""


@remembered
def package_code(group: str, name: str, also: tuple[str, ...] = ()) -> str | None:
    """The sum of what a package brings under a name; None where no package does.

    also: further modules that it consists of.
    """
    entry = brought(group).get(name)
    if entry is None:
        return None
    sources = _sources_of(entry, also)
    if not sources:
        return None
    digest = hashlib.sha256()
    for module, file in sorted(sources.items()):
        content = file.read_bytes()
        digest.update(f"{module} {len(content)}\n".encode() + content)
    for name, data in sorted(_data_files(sources).items()):
        with suppress(OSError):  # what cannot be read is not used either
            digest.update(f"{name} {data.stat().st_size} {_content_sum(data)}\n".encode())
    return digest.hexdigest()


def imported_anew(entry: EntryPoint) -> Any:
    """Its value as the package's code makes it when it is imported once more.

    The modules that are in use stay so. Raises whatever the code does.
    """
    used = {name: sys.modules.get(name) for name in _sources_of(entry)}
    try:
        for name in used:
            sys.modules.pop(name, None)
        with redirect_stdout(io.StringIO()), unreplaced():
            return entry.load()
    finally:
        for name, module in used.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module
                parent, _, last = name.rpartition(".")
                if parent in sys.modules:
                    setattr(sys.modules[parent], last, module)


def imported_names(module: str) -> frozenset[str]:
    """What a module, and what it imports of its own package, import anywhere, by full names."""
    sources = _sources([module], {module.partition(".")[0]} - {*OURS})
    return frozenset(
        name
        for each, file in sources.items()
        for name in _imported(file.read_bytes(), _package(each, file))
    )


def summary(entry: EntryPoint) -> str:
    """The first line of the docstring of the module that an entry point names; may be empty."""
    file = _file(entry.module)
    try:
        said = ast.get_docstring(ast.parse(file.read_bytes())) if file else None
    except (SyntaxError, ValueError):
        return ""
    return (said or "").partition("\n")[0]


def _sources_of(entry: EntryPoint, also: Sequence[str] = ()) -> dict[str, Path]:
    """Module -> its file, of all that the entry point consists of."""
    modules = (entry.module, *also)
    tops = {*_listed_tops(entry), *(module.partition(".")[0] for module in modules)}
    return _sources(modules, tops.difference(OURS))


def _listed_tops(entry: EntryPoint) -> list[str]:
    return ((entry.dist and entry.dist.read_text("top_level.txt")) or "").split()


def _data_files(sources: Mapping[str, Path]) -> dict[str, Path]:
    """Name of a data file -> where it is, of those that the modules name in their strings.

    They lie beside a module or beside its top-level package, there or in folders that are named;
    in a package also all of a kind that is named (`SUFFIX`).
    """
    words = {word for file in sources.values() for word in _strings(file.read_bytes())}
    names = {part for word in words for part in re.split(r"[/\\]", word)}
    kinds = {kind[1] for word in words if (kind := SUFFIX.fullmatch(word))}
    packages = {
        file.parent
        for module, file in sources.items()
        if "." in module or file.name == "__init__.py"
    }
    around = {file.parent for file in sources.values()} | {folder.parent for folder in packages}
    found = {  # named from the folder around a package: that folder has another name elsewhere
        file.relative_to(folder).as_posix(): file
        for folder in around - packages
        for file in _named(folder, names, frozenset())
    }
    return found | {
        file.relative_to(folder.parent).as_posix(): file
        for folder in packages
        for file in _named(folder, names, kinds)
    }


def _named(folder: Path, names: Set[str], kinds: Set[str], depth: int = 0) -> Iterator[Path]:
    """The files in a folder whose name or kind is named, also in folders that are named."""
    with suppress(OSError):
        for entry in sorted(os.scandir(folder), key=lambda each: each.name):
            path = Path(entry.path)
            if is_system_file(entry.name) or path.suffix in CODE or entry.name == "__pycache__":
                continue
            if entry.is_file() and (entry.name in names or path.suffix in kinds):
                yield path
            elif entry.name in names and depth < DEEPEST and entry.is_dir():
                yield from _named(path, names, kinds, depth + 1)


def _strings(source: bytes) -> Iterator[str]:
    """The strings of a module that may be names of files."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return
    for node in nodes:
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and 0 < len(value) < LONGEST_NAME and value.isprintable():
            yield value


def _content_sum(file: Path) -> str:
    """SHA-256 of a file, of a large one of its first part."""
    digest, left = hashlib.sha256(), MOST_BYTES
    with file.open("rb") as content:
        while left > 0 and (part := content.read(min(1 << 20, left))):
            digest.update(part)
            left -= len(part)
    return digest.hexdigest()


def _sources(modules: Sequence[str], tops: Set[str]) -> dict[str, Path]:
    """Module -> its file, of these and of all that they import below `tops`."""
    found: dict[str, Path] = {}
    left = list(modules)
    while left:
        module = left.pop()
        file = _file(module) if module.partition(".")[0] in tops and module not in found else None
        if file is not None:
            found[module] = file
            package = _package(module, file)
            left += [module.rpartition(".")[0], *_imported(file.read_bytes(), package)]
    return found


def _package(module: str, file: Path) -> str:
    return module if file.name == "__init__.py" else module.rpartition(".")[0]


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
