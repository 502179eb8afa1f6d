"""The documentation site: `make docs` builds it into build/docs, without a network.

Sphinx, because its search works from file://, its links are checked while it builds, and the
references of commands and functions come from click and from docstrings.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml

from bench import __version__

if TYPE_CHECKING:
    from docutils.nodes import math, math_block
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

project = "RNAS-MER bench"
author = "RNAS-MER bench developers"
copyright = author
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_click",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
language = "en"
smartquotes = False  # options begin with two hyphens

# Notebooks keep the output that `python -m reports.docs.notebooks` gave them.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4

default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_inherit_docstrings = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90

html_theme = "furo"
html_title = "RNAS-MER bench"
html_static_path = ["site"]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_math_renderer = "mathml"
copybutton_prompt_text = "$ "


def _inline_math(page: HTML5Translator, node: math) -> None:
    page.body.append(tex2mathml(node.astext()))
    raise SkipNode


def _block_math(page: HTML5Translator, node: math_block) -> None:
    page.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise SkipNode


def _plain_bars(*event: Any) -> None:
    """`|H|` in a docstring is a size, not a substitution of reStructuredText."""
    lines = event[-1]
    lines[:] = [re.sub(r"(`[^`]*`)|\|", lambda bar: bar[1] or r"\|", line) for line in lines]


def setup(app: Sphinx) -> None:
    """Formulas become MathML, which browsers draw without any script."""
    app.connect("autodoc-process-docstring", _plain_bars)
    app.add_html_math_renderer(
        "mathml", inline_renderers=(_inline_math, None), block_renderers=(_block_math, None)
    )
