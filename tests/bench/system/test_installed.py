"""Entry points: from metadata where the harness is installed, from its checkout where not."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from bench.system import installed

GROUPS = ("bench.variants", "bench.commands")


@pytest.fixture
def bare(monkeypatch):
    """As in an environment that holds no package with metadata of ours."""

    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(installed, "distribution", absent)
    monkeypatch.setattr(installed, "entry_points", lambda group: ())


@pytest.mark.parametrize("group", GROUPS)
def test_a_checkout_registers_what_its_project_file_lists(bare, group):
    listed = tomllib.loads(Path("pyproject.toml").read_text())["project"]["entry-points"][group]
    found = installed.registered(group)
    assert {entry.name: entry.value for entry in found} == listed
    assert all(entry.load() is not None for entry in found)


def test_an_installed_harness_reads_no_project_file(monkeypatch):
    monkeypatch.setattr(installed, "distribution", lambda name: None)
    monkeypatch.setattr(installed, "entry_points", lambda group: ())
    assert installed.registered("bench.variants") == ()


def test_without_a_project_file_there_are_none(bare, monkeypatch, tmp_path):
    monkeypatch.setattr(installed, "_checkout", lambda: tmp_path)
    assert installed.registered("bench.variants") == ()
