"""Completion of names, as the shells ask for it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.shell_completion import get_completion_class

from bench.cli import cli
from bench.cli.completing import VARIABLE

TABLE = [
    ("ta", {"tables"}),
    ("run --variant rnas_mer_4", {"rnas_mer_4", "rnas_mer_4b"}),
    ("run --variant al", {"all"}),
    ("run --dataset sm", {"smic"}),
    ("run --preset p", {"paper"}),
    ("run --set train.weight", {"train.weight_decay=", "train.weighted_loss="}),
    ("run --set data.crop=n", {"data.crop=none"}),
    ("run --set data.flip=", {"data.flip=true", "data.flip=false"}),
    ("run --set search.strategy=r", {"search.strategy=random_search"}),
    ("list str", {"strategies"}),
    ("run --executor s", {"serial", "slurm"}),
    ("run --listener t", {"tensorboard"}),
    ("figures --figure co", {"confusion"}),
    ("tables --table 2 --table 5", {"5"}),
    ("tables --preset mi", {"mine"}),
    ("tables --config-hash 12", {"12345678"}),
    ("compare --dataset smic", {"smic-surrogate"}),
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a run, a preset and a manifest."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs/smic-surrogate/majority/mine-12345678/seed0").mkdir(parents=True)
    (tmp_path / "mine.toml").touch()


@pytest.fixture
def asked(monkeypatch, here):
    """(type, value) of what is offered to a shell for the last of the words."""

    def complete(shell: str, *words: str) -> list[tuple[str, str]]:
        monkeypatch.setenv("COMP_WORDS", "\n".join(("bench", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        completing = get_completion_class(shell)(cli, {}, "bench", VARIABLE)
        args, typed = completing.get_completion_args()
        return [(item.type, item.value) for item in completing.get_completions(args, typed)]

    return complete


@pytest.mark.parametrize(("typed", "offered"), TABLE)
def test_names_are_offered(asked, typed, offered):
    assert {value for kind, value in asked("zsh", *typed.split(" ")) if kind == "plain"} == offered


def test_bash_which_cuts_words_gets_what_follows_the_cut(asked):
    words = ["run", "--set", "data.crop", "="]
    assert asked("bash", *words, "d") == [("plain", "detect")]
    assert len(asked("bash", *words)) == 3
    assert asked("bash", "run", "--dataset", "manifest", ":", "m") == [("file", "m")]
    assert asked("bash", "run", "--dataset", "=", "sm") == [("plain", "smic")]


def test_files_and_folders_are_left_to_the_shell(asked):
    assert asked("bash", "run", "--preset", "./m") == [("file", "./m")]
    assert asked("bash", "validate", "ru") == [("dir", "ru")]
    assert asked("bash", "run", "--runs", "ru") == [("dir", "ru")]


@pytest.mark.parametrize(
    ("words", "offered"), [("bench run --pre", "plain,--preset\n"), ("x y ", "")]
)
def test_the_command_answers_the_shell_and_is_silent_otherwise(bench, words, offered):
    asking = {VARIABLE: "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "2"}
    command = [sys.executable, "-X", "importtime", "-m", "bench"]
    done = subprocess.run(
        command, env={**bench.environment, **asking}, capture_output=True, text=True, check=False
    )
    assert done.stdout == offered
    assert all(line.startswith("import time:") for line in done.stderr.splitlines())
    assert "torch" not in done.stderr and "numpy" not in done.stderr


def test_the_script_works_in_bash(bench, tmp_path):
    """Sourced, with the function called as the shell does; no space follows `KEY=`."""
    script = bench("completion", "bash").out + (
        'compopt() { echo "$@"; }\n'
        "bench() { echo plain,train.lr=; }\n"
        "env() { bench; }\n"
        "COMP_WORDS=(bench run --set train.l) COMP_CWORD=3\n"
        '_bench_completion bench; echo "${COMPREPLY[@]}"\n'
    )
    shell = ["bash", "--norc", "-c", script]
    done = subprocess.run(shell, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["-o", "nospace", "train.lr="]
