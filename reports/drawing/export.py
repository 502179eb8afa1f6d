"""A figure as bytes: the same figure gives the same bytes, without dates or versions."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from bench.system.files import write_atomic
from reports.drawing.style import house_style

DPI = 200

UNDATED = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What matplotlib would write about date and version, left out."""

FONTS = "'DejaVu Sans', Verdana, sans-serif"
"""Verdana is as wide, where the figure's own font is not installed."""

IDENTIFIER = re.compile(r'(\bid="|(?:xlink:)?\bhref="#|url\(#)')
OPENING = re.compile(r"<svg\b[^>]*>")


def save_figure(figure: Figure, stem: Path, formats: Sequence[str]) -> list[Path]:
    """Writes one file per format beside each other, whole or not at all."""
    written = []
    for kind in formats:
        path = stem.with_name(f"{stem.name}.{kind}")
        content = rendered(figure, kind)
        write_atomic(path, lambda file, content=content: file.write(content))
        written.append(path)
    return written


def rendered(figure: Figure, kind: str) -> bytes:
    """The figure as a PNG, SVG or PDF file; text of an SVG file is outlines, exact anywhere."""
    if kind == "svg":
        header = '<?xml version="1.0" encoding="utf-8" standalone="no"?>\n'
        return f"{header}{_element(figure, 'path')}\n".encode()
    return _printed(figure, kind)


def svg_element(figure: Figure) -> str:
    """The `<svg>` element alone, for a page: its text is text, small and searchable."""
    return _element(figure, "none").replace("'DejaVu Sans'", FONTS)


def _element(figure: Figure, text: str) -> str:
    """The `<svg>` element with ids of its own and a name for screen readers."""
    drawing = _printed(figure, "svg", **{"svg.fonttype": text}).decode()
    element = drawing[drawing.index("<svg") :].rstrip()
    prefix = f"f{hashlib.sha256(element.encode()).hexdigest()[:10]}-"
    element = IDENTIFIER.sub(lambda match: match[0] + prefix, element)
    label = escape(" ".join(figure.get_label().split()), quote=True)
    named = OPENING.search(element)[0][:-1] + f' role="img" aria-label="{label}">'
    return OPENING.sub(lambda _: named, element, count=1)


def _printed(figure: Figure, kind: str, **settings: str) -> bytes:
    buffer = io.BytesIO()
    with house_style(), matplotlib.rc_context(settings):
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=UNDATED[kind])
    return buffer.getvalue()
