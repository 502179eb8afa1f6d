"""Help: groups of commands, and what it says of every option. Hints where people slip."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
from own_packages import installing

from bench.cli import COMMANDS, GROUPS, HELP, OTHERS
from bench.system.installed import checkout_entries

WIDTH = 100
QUANTITIES = re.compile(
    r"\b(clips|frames|genotypes|levels|number|numbers|pixels|run|runs|seconds|seed|searches)\b",
    re.IGNORECASE,
)
"""What a number can be a number of."""

OWN = """
import click

@click.command()
def greet():
    "Say hello."
"""


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command and group of the harness, with the words that call it."""
    for entry in checkout_entries("bench.commands"):
        command = COMMANDS.load(entry.name)
        yield f"bench {entry.name}", command
        for name, below in getattr(command, "commands", {}).items():
            yield f"bench {entry.name} {name}", below


EVERY = dict(commands())


def options() -> Iterator[tuple[str, click.Option]]:
    for path, command in EVERY.items():
        for option in command.get_params(click.Context(command)):
            if isinstance(option, click.Option):
                yield f"{path} {option.opts[0]}", option


OPTIONS = dict(options())


def test_every_command_of_the_harness_is_below_one_heading():
    named = [name for names in GROUPS.values() for name in names]
    assert sorted(named) == sorted(entry.name for entry in checkout_entries("bench.commands"))


def test_help_of_bench_shows_headings_and_whole_summaries(bench):
    text = bench("--help", COLUMNS=80).out
    assert [line[:-1] for line in text.splitlines() if line[:-1] in GROUPS] == list(GROUPS)
    assert OTHERS not in text
    for whole in (text, bench("data", "--help", COLUMNS=80).out):
        assert "..." not in whole.partition("Options:")[2]


def test_commands_of_packages_stand_below_a_heading_of_their_own(bench, tmp_path):
    with installing(tmp_path) as put:
        put(OWN, {"bench.commands": {"greet": "greeting:greet"}}, "greeting")
        text = bench("--help").out
    assert re.search(rf"\n{OTHERS}:\n  greet +Say hello\.\n", text)


@pytest.mark.parametrize("path", EVERY)
def test_help_of_a_command_fits_the_width(path):
    command = EVERY[path]
    context = click.Context(command, info_name=path, terminal_width=WIDTH, **HELP)
    lines = command.get_help(context).splitlines()
    assert lines[0].startswith(f"Usage: {path}")
    assert max(map(len, lines)) <= WIDTH


def test_every_option_says_what_it_is_in_two_sentences_at_most():
    for path, option in OPTIONS.items():
        assert option.help, path
        said = re.sub(r"\[default: .*\]|e\.g\.", "", option.help).strip()
        assert len(re.findall(r"[.!?](?=\s|$)", said)) in (1, 2), (path, said)
        assert said.endswith("."), (path, said)
        assert len(option.help) <= 200, (path, len(option.help))


def test_every_option_with_a_default_shows_it():
    for path, option in OPTIONS.items():
        value = option.get_default(click.Context(click.Command("any")), call=False)
        plain = value in (None, False, "", ()) or "UNSET" in repr(value)
        assert plain or option.show_default or "[default: " in option.help, path


def test_every_number_says_what_it_counts():
    numbers = (click.types.IntParamType, click.types.FloatParamType)
    of_numbers = {path: each for path, each in OPTIONS.items() if isinstance(each.type, numbers)}
    assert len(of_numbers) > 20
    for path, option in of_numbers.items():
        assert QUANTITIES.search(option.help), (path, option.help)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("rnu", "Did you mean 'run'?"),
        ("data chek", "Did you mean 'check'?"),
        ("list variant", "Did you mean 'variants'?"),
        ("run --seeds 1", "Did you mean '--seed'?"),
        ("run --figure cell", "'--figure'. It is an option of bench figures. (see bench run"),
        ("--preset small run", "It follows a command: bench run --preset."),
        ("run {need} --seed 0,1,2", "'0,1,2': write spaces between several numbers, 0 1 2"),
        ("run {need} --variant RNAS-MER", "Did you mean 'rnas_mer'?"),
        ("run {need} --variant majority,lbp_top", "repeat the option"),
        ("run {need} --dataset mine.csv", "a manifest of clips is written manifest:mine.csv"),
        ("run {need} --dataset .", "is a folder: name its data set, and the folder by --data-root"),
        ("run {need} --dataset CASME-II", "Did you mean 'casme2'?"),
        ("run {need} --preset mine", "Did you mean 'mine.toml'?"),
        ("run {need} --set training.lr=1", "Did you mean 'train.lr'?"),
        ("run {need} --fold a --fold b", "--fold is given twice: give it once, with commas: A,B"),
        ("data check --dataset smic --subjects a --subjects b", "--subjects is given twice"),
        ("tables --config mine.toml", "runs are chosen by --config-hash HASH"),
        ("score scores.csv", "--dataset NAME stands for the column dataset"),
    ],
)
def test_hints_where_people_slip(bench, words, hint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").touch()
    (tmp_path / "scores.csv").write_text("subject,true,pred\ns01,0,1\n")
    needed = "--variant majority --surrogate --dry-run"
    needed += " --dataset smic" * ("--dataset" not in words)
    outcome = bench(*words.format(need=needed).split())
    assert hint in outcome.error
    assert outcome.code == (1 if words.startswith("score") else 2)


def test_completion_scripts_are_printed(bench):
    for shell in ("bash", "zsh", "fish"):
        assert "_BENCH_COMPLETE" in bench("completion", shell).out
