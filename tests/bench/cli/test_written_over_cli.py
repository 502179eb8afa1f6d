"""No command writes over the very file that it reads."""

from __future__ import annotations

import os

import pytest
from click.testing import CliRunner

from bench.cli import cli
from bench.errors import UsageError

ROWS = """\
dataset,subject,clip,true,pred,label,frames
lab,s01,a,0,0,negative,a
lab,s02,b,1,1,positive,b
"""


@pytest.mark.parametrize(
    "arguments",
    [
        "score {file} --draws 0 --out {other}",
        "compare {file} --out {file}",
        "compare {file} --diagram {file}",
        "export {file} --out {file}",
        "data manifest --from {file} --out {other}",
        "data export-manifest --dataset manifest:{file} --out {file}",
    ],
)
def test_the_file_that_is_read_is_not_written_over(arguments, tmp_path):
    file = tmp_path / "log.png"
    file.write_text(ROWS, encoding="utf-8")
    other = tmp_path / "link"
    other.symlink_to(file)
    words = arguments.format(file=file, other=other).split()
    found = CliRunner().invoke(cli, words)
    assert isinstance(found.exception, UsageError), found.output
    assert "is a file that is read here" in str(found.exception)
    assert file.read_text(encoding="utf-8") == ROWS


def test_a_link_is_written_through(tmp_path):
    file, target, link = tmp_path / "log.csv", tmp_path / "scores.txt", tmp_path / "link"
    file.write_text(ROWS, encoding="utf-8")
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    found = CliRunner().invoke(cli, ["score", str(file), "--draws", "0", "--out", str(link)])
    assert found.exit_code == 0, found.output
    assert link.is_symlink()
    assert "UAR" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["pipe", "circle"])
def test_what_is_no_file_is_not_replaced(kind, tmp_path):
    file, special = tmp_path / "log.csv", tmp_path / kind
    file.write_text(ROWS, encoding="utf-8")
    if kind == "pipe":
        os.mkfifo(special)
    else:
        special.symlink_to(special)
    found = CliRunner().invoke(cli, ["score", str(file), "--draws", "0", "--out", str(special)])
    assert found.exit_code == 2
    assert "is no file" in found.output or "cannot be written" in found.output
    assert not special.is_file()
