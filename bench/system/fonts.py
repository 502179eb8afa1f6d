"""Fonts for names in any script: what DejaVu Sans lacks is looked for in the system's fonts."""

from __future__ import annotations

import logging
import sys
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase
    from matplotlib.ft2font import FT2Font

HOUSE = "DejaVu Sans"
FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
"""Faces of HOUSE that pictures use; both must have a character."""

EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO")


def families(text: str) -> list[str]:
    """Families for matplotlib that between them have the characters of a text, HOUSE first.

    One line on stderr, once per script, names what no font of the system has.
    """
    lacking = _lacking(text, map(_house, FACES))
    if not lacking:
        return [HOUSE]
    # matplotlib would say it for every character and every picture.
    warnings.filterwarnings("ignore", message=r"Glyph \d+ .*missing from")
    return [HOUSE, *(font.family_name for font in _covering(lacking))]


def font_file(text: str) -> str | bytes:
    """The file of the first font, HOUSE's before the system's, that has all of a text.

    HOUSE's where none has.
    """
    lacking = _lacking(text, map(_house, FACES))
    whole = (font.fname for font in _covering(lacking) if not _lacking(text, [font]))
    return next(whole, _house(FACES[0]).fname)


def fit_fonts(figure: FigureBase) -> None:
    """Gives the texts of a figure whose characters HOUSE lacks the fonts that have them."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        found = families(text.get_text())
        if len(found) > 1:
            text.set_fontfamily(found)


def _lacking(text: str, fonts: Iterable[FT2Font]) -> frozenset[str]:
    """The visible characters of a text that one of the fonts lacks."""
    visible = {character for character in text if character.isprintable()}
    return frozenset(c for font in fonts for c in visible if not font.get_char_index(ord(c)))


@cache
def _house(face: str) -> FT2Font:
    import matplotlib
    from matplotlib.ft2font import FT2Font

    return FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", face)))


@cache
def _covering(lacking: frozenset[str]) -> Sequence[FT2Font]:
    """Fonts of the system with these characters, made known to matplotlib."""
    from matplotlib.font_manager import fontManager

    logging.getLogger("matplotlib.font_manager").addFilter(_is_news)
    found: list[FT2Font] = []
    missing = lacking
    for file in _system_fonts() if lacking else ():
        font = _opened(file)
        if font and (still := _lacking("".join(missing), [font])) != missing:
            fontManager.addfont(file)  # its own list may be older than the font
            found.append(font)
            missing = still
        if not missing:
            break
    for script in sorted({_script(character) for character in missing}):
        _tell(script)
    return tuple(found)


@cache
def _system_fonts() -> Sequence[str]:
    """Files of fonts: upright faces without serifs first."""
    from matplotlib.font_manager import findSystemFonts

    def rank(file: str) -> tuple[bool, bool, str]:
        name = Path(file).name.lower()
        return "sans" not in name, "regular" not in name, file

    return sorted(findSystemFonts(), key=rank)


def _opened(file: str) -> FT2Font | None:
    """The font in a file; None where it is damaged or has bitmaps alone."""
    from matplotlib.ft2font import FT2Font

    with suppress(OSError, RuntimeError):
        font = FT2Font(file)
        return font if font.scalable else None
    return None


def _is_news(record: logging.LogRecord) -> bool:
    """Whether matplotlib should log it: not that a font of another script has no bold face."""
    return "find font weight" not in record.getMessage()


def _script(character: str) -> str:
    return unicodedata.name(character, "UNNAMED").split()[0]


@cache
def _tell(script: str) -> None:
    """Says once that a script cannot be drawn."""
    package = "fonts-noto-cjk" if script in EAST_ASIAN else "fonts-noto-core"
    print(
        f"no font here has {script} characters: pictures show boxes instead; install one, such as "
        f"Noto Sans (Debian, Ubuntu: {package})",
        file=sys.stderr,
    )
