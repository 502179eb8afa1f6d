"""Names in any script: a font of the system is found, or one line says that there is none."""

from __future__ import annotations

import warnings

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

from bench.system import fonts
from reports.drawing.export import rendered
from reports.drawing.style import text_width

NAME = "表情"


@pytest.fixture
def system(monkeypatch):
    """Sets the files of the system's fonts."""

    def install(*files):
        fonts._system_fonts.cache_clear()
        fonts._covering.cache_clear()
        fonts._tell.cache_clear()
        text_width.cache_clear()
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(file) for file in files])

    known = list(font_manager.fontManager.ttflist)
    yield install
    font_manager.fontManager.ttflist[:] = known
    install()


@pytest.fixture
def chinese(tmp_path):
    """A font in which the characters of NAME are full squares, twice as wide as high."""
    pen = TTGlyphPen(None)
    corners = ((0, 0), (0, 1000), (2000, 1000), (2000, 0))
    pen.moveTo(corners[0])
    for corner in corners[1:]:
        pen.lineTo(corner)
    pen.closePath()
    glyphs = {".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()}
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(list(glyphs))
    font.setupCharacterMap(dict.fromkeys(map(ord, NAME), "square"))
    font.setupGlyf(glyphs)
    font.setupHorizontalMetrics(dict.fromkeys(glyphs, (2000, 0)))
    font.setupHorizontalHeader(ascent=1000, descent=0)
    font.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    path = tmp_path / "squares.ttf"
    font.save(path)
    return path


def drawn(*names):
    figure = Figure(figsize=(2, 1))
    for place, name in enumerate(names):
        figure.text(0.1, 0.1 + 0.4 * place, name, weight="bold" if place else "normal")
    with warnings.catch_warnings(record=True) as caught:
        picture = rendered(figure, "png")
    return picture, caught


def test_a_font_of_the_system_draws_what_the_house_font_lacks(system, chinese, capfd, tmp_path):
    (tmp_path / "damaged.ttf").write_bytes(b"no font")
    system(tmp_path / "damaged.ttf", chinese)
    assert fonts.families(f"rnas {NAME}") == ["DejaVu Sans", "Squares"]
    assert text_width(NAME, 10) == pytest.approx(4 * 10 / 72, rel=0.01)
    _, caught = drawn(NAME, f"class {NAME}")
    assert not caught and capfd.readouterr().err == ""
    assert fonts.font_file(NAME) == str(chinese)
    assert fonts.font_file(f"class {NAME}").endswith("DejaVuSans.ttf")  # no single font has both


def test_a_script_without_a_font_is_one_line(system, capfd):
    system()
    for _ in range(2):
        _, caught = drawn(NAME, f"class {NAME}")
        assert not caught
    (line,) = capfd.readouterr().err.splitlines()
    assert "CJK" in line and "fonts-noto-cjk" in line


@pytest.mark.parametrize("text", ["Сюжет", "θέμα", "موضوع", "UAR ≥ 0.5 → β", "a\nb"])
def test_what_the_house_font_has_needs_no_other(system, text, capfd):
    system()
    assert fonts.families(text) == ["DejaVu Sans"]
    assert capfd.readouterr().err == ""
