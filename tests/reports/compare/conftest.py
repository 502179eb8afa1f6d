"""`bench compare` in this process."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from bench.errors import BenchError


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def compare():
    """Runs the command; returns its output, or raises its error."""

    def call(*arguments, code=0):
        from reports.cli.compare import compare

        given = [str(argument) for argument in arguments]
        if "--draws" not in given:
            given += ["--draws", "200"]
        outcome = CliRunner().invoke(compare, given)
        if isinstance(outcome.exception, BenchError):
            raise outcome.exception
        assert outcome.exit_code == code, outcome.output
        return outcome

    return call


@pytest.fixture
def report(compare):
    """The report of the command in JSON."""
    return lambda *arguments: json.loads(compare(*arguments, "--format", "json").stdout)
