"""A figure as bytes: the same figure gives the same bytes, without dates or versions."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.figure import Figure

from bench.system.files import write_atomic
from bench.system.fonts import fit_fonts
from reports.drawing.style import house_style

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

DPI = 200

UNDATED = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""Metadata that matplotlib writes by default, dates and versions, switched off."""

FONTS = "'DejaVu Sans', Verdana, sans-serif"
"""Verdana is as wide as the figure's own font, for readers without that."""

IDENTIFIER = re.compile(r'(\bid="|(?:xlink:)?\bhref="#|url\(#)')
OPENING = re.compile(r"<svg\b[^>]*>")


def save_figure(figure: Figure, stem: Path, formats: Sequence[str]) -> list[Path]:
    """Writes `<stem>.<format>` for each format, each whole or not at all."""
    written = []
    for kind in formats:
        path = stem.with_name(f"{stem.name}.{kind}")
        _write(path, rendered(figure, kind))
        written.append(path)
    return written


def _write(path: Path, content: bytes) -> None:
    write_atomic(path, lambda file: file.write(content))


def rendered(figure: Figure, kind: str) -> bytes:
    """The figure as a PNG, SVG or PDF file; an SVG file has its text as outlines."""
    if kind == "svg":
        header = '<?xml version="1.0" encoding="utf-8" standalone="no"?>\n'
        return f"{header}{_element(figure, 'path')}\n".encode()
    return _printed(figure, kind)


def svg_element(figure: Figure) -> str:
    """The `<svg>` element alone, for a page; its text stays text, which can be searched."""
    return _element(figure, "none").replace("'DejaVu Sans'", FONTS)


def _element(figure: Figure, text: str) -> str:
    """The `<svg>` element with ids unique to the drawing and a label for screen readers."""
    drawing = _printed(figure, "svg", {"svg.fonttype": text}).decode()
    element = drawing[drawing.index("<svg") :].rstrip()
    prefix = f"f{hashlib.sha256(element.encode()).hexdigest()[:10]}-"
    element = IDENTIFIER.sub(lambda match: match[0] + prefix, element)
    label = escape(" ".join(str(figure.get_label()).split()), quote=True)
    named = f' role="img" aria-label="{label}">'
    return OPENING.sub(lambda match: match[0][:-1] + named, element, count=1)


def _printed(figure: Figure, kind: str, settings: dict[RcKeyType, Any] | None = None) -> bytes:
    fit_fonts(figure)
    buffer = io.BytesIO()
    with house_style(), matplotlib.rc_context(settings):
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=UNDATED[kind])
    return buffer.getvalue()
