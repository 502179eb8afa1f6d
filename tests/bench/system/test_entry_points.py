"""Plug-ins of installed packages: the good ones are there, a bad one stops nothing but itself."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from tiny_runs import Bench

from bench.errors import BenchError, UsageError
from bench.system import packages
from bench.system.entry_points import Door, PluginError, Unfit

GROUP = "bench.things"


@pytest.fixture
def install(install_package):
    """Installs a package with entries of one group."""

    def put(source, entries, group, name):
        install_package(source, {group: entries}, name)

    return put


def whole(name, value):
    if not isinstance(value, int):
        raise Unfit(f"expected a whole number,\ngot {type(value).__name__}")
    return value


def any_value(name, value):
    return value


THINGS = Door(GROUP, "thing", whole, taken=("all",))

BAD = {
    "missing": ("import nowhere_to_be_found", "No module named 'nowhere_to_be_found'"),
    "leaving": ("raise SystemExit(3)", "SystemExit: 3"),
    "odd": ("class Odd(BaseException): pass\nraise Odd('a\\nb')", "Odd: a b"),
    "broken": ("def broken(:", "SyntaxError: invalid syntax"),
    "loud": ("print('{}')\nTHING = 1", "it prints when it is imported: '{}"),
    "empty": ("", "has no attribute 'THING'"),
    "text": ("THING = '1'", "expected a whole number, got str"),
    "all": ("THING = 1", "the name has another meaning here"),
    "a/b": ("THING = 1", "must consist of letters, digits, _ and -"),
    "..": ("THING = 1", "must consist of letters, digits, _ and -"),
    "a b": ("THING = 1", "must consist of letters, digits, _ and -"),
    "-x": ("THING = 1", "must consist of letters, digits, _ and -"),
    "a*": ("THING = 1", "must consist of letters, digits, _ and -"),
}


def refused(install, capsys, name, source, reason):
    install("THING = 7", {"good": "good_thing:THING"}, GROUP, "good_thing")
    install(source, {name: "bad_thing:THING"}, GROUP, "bad_thing")
    assert dict(THINGS.values()) == {"good": 7}
    heard = capsys.readouterr()
    assert heard.out == ""
    (line,) = heard.err.splitlines()
    assert line.startswith(
        f"warning: {name} of {GROUP}, package bad_thing (bad_thing:THING) is left out: "
    )
    assert reason in line
    with pytest.raises(BenchError, match="bad_thing") as raised:
        THINGS.load(name)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)
    assert THINGS.load("good") == 7


@pytest.mark.parametrize("name", BAD)
def test_a_bad_one_is_left_out_and_asked_for_is_an_error(install, capsys, name):
    refused(install, capsys, name, *BAD[name])


def test_each_is_warned_of_once(install, capsys):
    install("", {"bad": "bad_thing:THING"}, GROUP, "bad_thing")
    for _ in range(2):
        THINGS.values()
        THINGS.names()
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_module_that_prints_spoils_each_of_its_own(install, capsys):
    source = "print('hello')\nONE = TWO = 1"
    install(source, {"one": "loud_thing:ONE", "two": "loud_thing:TWO"}, GROUP, "loud_thing")
    assert not THINGS.values()
    heard = capsys.readouterr()
    assert (heard.out, len(heard.err.splitlines())) == ("", 2)


def test_ctrl_c_is_no_bad_plug_in(install):
    install("raise KeyboardInterrupt", {"slow": "slow_thing:THING"}, GROUP, "slow_thing")
    with pytest.raises(KeyboardInterrupt):
        THINGS.values()


def test_nothing_is_imported_for_names_or_for_another(install):
    install("THING = 1", {"one": "one_thing:THING"}, GROUP, "one_thing")
    install("THING = 2", {"two": "two_thing:THING"}, GROUP, "two_thing")
    assert THINGS.names() == ("one", "two")
    assert THINGS.load("two") == 2
    assert "one_thing" not in sys.modules


def test_of_two_with_one_name_neither_is_taken(install, capsys):
    for name in ("first_thing", "second_thing"):
        install("THING = 1", {"same": f"{name}:THING"}, GROUP, name)
    assert not THINGS.values()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all("more than once, by first_thing and second_thing" in line for line in lines)


def test_a_built_in_keeps_its_name(install, capsys):
    door = Door("bench.executors", "executor", any_value)
    serial = door.values()["serial"]
    install("THING = 1", {"serial": "their_thing:THING"}, "bench.executors", "their_thing")
    assert door.values()["serial"] is serial
    assert "the harness has its own executor of that name" in capsys.readouterr().err


def test_an_unknown_name_suggests_the_nearest(install):
    install("THING = 1", {"good": "good_thing:THING"}, GROUP, "good_thing")
    with pytest.raises(UsageError, match=r"unknown thing 'goood'\. Did you mean 'good'"):
        THINGS.load("goood")


@pytest.mark.parametrize("error", ["ValueError", "SystemExit"])
def test_what_is_made_fails_in_one_line(install, error):
    source = f"def make(what): raise {error}(f'no\\n{{what}}')"
    install(source, {"maker": "maker_thing:make"}, GROUP, "maker_thing")
    makers = Door(GROUP, "maker", any_value)
    said = r"^maker maker of bench.things, package maker_thing .* failed: \w+: no way$"
    with pytest.raises(PluginError, match=said):
        makers.made("maker", "way")


def test_processes_that_work_for_another_do_not_warn_again(install, capsys, monkeypatch):
    monkeypatch.setattr(packages.multiprocessing, "parent_process", lambda: SimpleNamespace())
    install("", {"bad": "bad_thing:THING"}, GROUP, "bad_thing")
    THINGS.values()
    assert capsys.readouterr().err == ""


@pytest.fixture
def crowd(install):
    """A bad variant of every kind, and a bad command."""
    for number, (name, (source, _)) in enumerate(BAD.items()):
        entries = {name: f"bad_{number}:THING"}
        install(source, entries, "bench.variants", f"bad_{number}")
    install("raise SystemExit(1)", {"quit": "bad_command:quit"}, "bench.commands", "bad_command")


def test_listings_are_whole_among_bad_plug_ins(crowd, tmp_path):
    bench = Bench(tmp_path)
    listed = bench("list", "variants", "--format", "json")
    assert listed.code == 0
    assert "rnas_mer" in [row["name"] for row in json.loads(listed.out)]
    assert len(listed.err.splitlines()) == len(BAD)
    assert all(line.startswith("warning: ") for line in listed.err.splitlines())


def test_help_leaves_a_bad_command_out_and_asked_for_it_is_an_error(crowd, tmp_path):
    bench = Bench(tmp_path)
    shown = bench("--help")
    assert shown.code == 0
    assert "quit" not in shown.out
    assert "warning: quit of bench.commands, package bad_command" in shown.err
    asked = bench("quit")
    assert asked.code == 1
    assert "quit of bench.commands, package bad_command" in asked.error


@pytest.mark.parametrize("name", ["missing", "text", "loud"])
def test_a_run_of_a_bad_variant_is_one_line(crowd, tmp_path, name):
    bench = Bench(tmp_path)
    outcome = bench("run", "--variant", name, "--dataset", "smic", "--surrogate")
    assert outcome.code == 1
    assert f"error: {name} of bench.variants, package bad_" in outcome.error


def test_help_imports_no_plug_in_but_commands(install, tmp_path):
    source = "import torch\nTHING = 1"
    for group in ("variants", "datasets", "executors", "listeners", "operations"):
        name = f"heavy_{group}"
        install(source, {name: f"{name}:THING"}, f"bench.{group}", name)
    program = "import sys; from bench.cli import main\ntry: main(['--help'])\nfinally: " + (
        "print([m for m in sys.modules if m.startswith('heavy') or m == 'torch'], file=sys.stderr)"
    )
    path = ":".join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("GOOD = 1\nBAD = 1 / 0\n", "line 2 of good_thing"),
        ("GOOD = 1\n\ndef made():\n    return [][0]\n\nBAD = made()", "line 4 of good_thing"),
    ],
)
def test_the_line_of_a_value_that_cannot_be_made_is_named(install, capsys, source, told):
    """The module's good values are gone with it, under names of their own."""
    install(source, {"good": "good_thing:GOOD"}, GROUP, "good_thing")
    assert not THINGS.values()
    (line,) = capsys.readouterr().err.splitlines()
    assert "good of bench.things" in line and told in line
