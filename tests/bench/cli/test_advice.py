"""Messages name options and settings that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click

import bench
from bench.cli import COMMANDS
from bench.config.loading import load_config

OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9]*(?:-[a-z0-9]+)*)")
SETTING = re.compile(r"(?<![\w/.])(data|space|search|train|compute|protocol)\.([a-z_0-9]+)=")
FOREIGN = {"debug", "help", "editable", "force-reinstall", "logdir", "porcelain", "claimed"}
"""Read before click does, made by it, of a family of options, and those of pip, git and others."""


def options(command: click.Command) -> set[str]:
    flags = (flag for each in command.params for flag in (*each.opts, *each.secondary_opts))
    own = {flag.lstrip("-") for flag in flags}
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return own.union(*map(options, below))


def test_advice_names_what_exists():
    known = FOREIGN.union(*map(options, COMMANDS.values().values()))
    sections = load_config("small").to_dict()
    told = {
        (file.name, node.value)
        for file in Path(bench.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert any(SETTING.search(text) for _, text in told)
    for name, text in told:
        assert set(OPTION.findall(text)) <= known, (name, text)
        assert all(key in sections[part] for part, key in SETTING.findall(text)), (name, text)
