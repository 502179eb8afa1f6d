"""README.md and docs/: links lead somewhere, commands parse, Python runs, the site builds."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from string import Template
from urllib.parse import unquote

import click
import pytest
import torch
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bench.cli import cli
from bench.config.loading import load_config
from bench.config.settings import settings_table
from bench.errors import BenchError

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
SHELL = {"sh", ""}
ASSIGNED = re.compile(r'^(\w+)="([^"]*)"$', re.MULTILINE)
FOREIGN = re.compile(r"""<(?:script|img|iframe)[^>]*\bsrc=["'](?:https?:)?//|<link[^>]*//""")

RECORDED = {"data.problems", "data.fingerprint"}
"""Keys of `run.json` that read like settings."""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def links(page: Path) -> Iterator[str]:
    """Targets of links and pictures that are neither on the web nor mail."""
    for token in tokens(page):
        for child in token.children or ():
            target = str(child.attrs.get("href", child.attrs.get("src", "")))
            if target and "://" not in target:
                yield unquote(target)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges and the site make them."""
    found: Counter[str] = Counter()
    names = set()
    for before, token in zip(tokens(page), tokens(page)[1:], strict=False):
        if before.type == "heading_open":
            text = "".join(child.content for child in token.children or ())
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            names.add(f"{slug}-{found[slug]}" if found[slug] else slug)
            found[slug] += 1
    return names


def blocks(page: Path, languages: set[str]) -> list[str]:
    fences = (token for token in tokens(page) if token.type == "fence")
    return [fence.content for fence in fences if fence.info.strip() in languages]


def requests(script: str) -> Iterator[list[str]]:
    """The arguments of each `bench ...` line of a script, its variables filled in."""
    script = script.replace("\\\n", " ")
    values = dict(ASSIGNED.findall(script))
    for line in ASSIGNED.sub("", script).splitlines():
        if line.strip().startswith("bench "):
            words = shlex.split(Template(line).safe_substitute(values), comments=True)
            ends = (place for place, word in enumerate(words) if word in {"|", ">", ";", "&&"})
            yield words[1 : next(ends, None)]


@pytest.fixture
def parse(monkeypatch):
    """Raises what click would of options, their values, or arguments; files need not exist."""
    monkeypatch.setattr(click.Path, "convert", lambda self, value, *_: Path(value))

    def parsed(words: list[str]) -> None:
        command: click.Command = cli
        while isinstance(command, click.Group):
            name, *words = words
            command = command.get_command(click.Context(command), name)
        asked = command.make_context(name, words).params
        settings = [each for each in asked.get("overrides", ()) if "$" not in each]
        load_config(asked.get("preset") or "small", settings)

    return parsed


@every_page
def test_links_and_anchors_lead_somewhere(page):
    for target in links(page):
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}"


@every_page
def test_commands_parse(page, parse):
    if page.stem == "extending":
        pytest.skip("test_extending runs its commands")
    for script in blocks(page, SHELL):
        for words in requests(script):
            try:
                parse(words)
            except (BenchError, click.ClickException) as error:
                pytest.fail(f"{page.name}: bench {' '.join(words)}: {error}")


@pytest.mark.parametrize(
    "line",
    ["run --nothing x", "doctor a b c", "tables --format word", "run --set nothing=1", "nil"],
)
def test_a_wrong_command_is_found(line, parse):
    with pytest.raises((BenchError, click.ClickException)):
        parse(line.split())


@every_page
def test_settings_exist(page):
    known = {key for key, *_ in settings_table()} | RECORDED
    sections = "|".join({key.split(".")[0] for key in known})
    named = re.findall(rf"`(?:--set )?((?:{sections})\.\w+)", page.read_text(encoding="utf-8"))
    assert {*named} <= known


@every_page
def test_python_compiles(page):
    for source in blocks(page, {"python"}):
        compile(source, page.name, "exec")


def test_the_network_of_the_page_takes_its_clips(tmp_path, monkeypatch):
    for source in blocks(DOCS / "own_network.md", {"python"}):
        (tmp_path / source.split()[1]).write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = resolve_name("mine:SMALL")
    network = resolve_name(entry.network)(classes=3)
    assert network(torch.rand(2, *entry.input.shape)).shape == (2, 3)


def test_the_pretrained_variant_of_the_page_is_a_value():
    (source,) = blocks(DOCS / "peers.md", {"python"})
    exec(source, names := {})
    assert names["PRETRAINED"].name == "capsulenet_imagenet"


def test_every_page_says_what_it_is_for():
    for page in PAGES[1:]:
        _, first, *_ = page.read_text(encoding="utf-8").split("\n\n")
        assert first.startswith("This page ") or page.stem == "index", page.name


def test_every_page_is_in_the_navigation():
    listed = (DOCS / "index.md").read_text(encoding="utf-8").split()
    for page in [*DOCS.glob("*.md"), *DOCS.glob("*/*.ipynb")]:
        name = str(page.relative_to(DOCS).with_suffix(""))
        assert page.stem == "index" or {name, f"<{name}>"} & {*listed}, name


@pytest.mark.skipif(
    not (find_spec("sphinx") and find_spec("myst_nb")),
    reason="the extra `docs` is not installed (`make docs` installs it)",
)
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "--quiet", str(DOCS), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = [page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html")]
    assert not any(FOREIGN.search(page) for page in pages)
    assert "<math" in (tmp_path / "method.html").read_text(encoding="utf-8")
