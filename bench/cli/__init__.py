"""The command line. Commands enter through the entry-point group `bench.commands`."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import threading
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, suppress
from itertools import groupby
from typing import Any, NoReturn

import click

from bench import __version__
from bench.cli import completing
from bench.cli.hints import Commands, told
from bench.errors import BenchError, UsageError, printable
from bench.system.entry_points import Door, Unfit
from bench.system.files import tidy_when_terminated
from rnas.errors import MethodError

INTERRUPTED = 130

OVERLONG = re.compile(r"(\S{40})\S{200,}(\S{40})")
"""What a message shows the ends of: no file's name is as long, and seldom a path."""


def _command(name: str, value: Any) -> click.Command:
    if not isinstance(value, click.Command):
        raise Unfit(f"expected a click.Command, got {type(value).__name__}")
    return value


COMMANDS = Door("bench.commands", "command", _command)


GROUPS = {
    "Run": ("run", "search", "evaluate", "ablate", "leakage", "enumerate", "sweep"),
    "Look": ("list", "config", "status", "tables", "figures", "report"),
    "Compare": ("compare", "score"),
    "Check": ("validate", "audit", "doctor", "completion"),
    "Data": ("data",),
    "Model": ("fit", "pretrain", "transfer", "predict", "export", "profile", "time"),
}
"""Headings of `bench --help`, and the harness's own commands below each."""

OTHERS = "From installed packages"


class LazyCommands(Commands):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands that can be used, in the order of the headings."""
        own = [name for names in GROUPS.values() for name in names]
        return sorted(COMMANDS.values(), key=lambda name: (*own, name).index(name))

    def get_command(self, ctx: click.Context, name: str) -> click.Command:
        """The command of that name; UsageError where there is none."""
        return COMMANDS.load(name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands below their headings."""
        headings = {name: title for title, names in GROUPS.items() for name in names}
        names = self.list_commands(ctx)
        width = max(map(len, names))
        for title, below in groupby(names, lambda name: headings.get(name, OTHERS)):
            with formatter.section(title):
                formatter.write_dl(
                    (name.ljust(width), self._summary(ctx, name, formatter.width - width - 6))
                    for name in below
                )

    def _summary(self, ctx: click.Context, name: str, width: int) -> str:
        return self.get_command(ctx, name).get_short_help_str(width)


HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=LazyCommands, context_settings=HELP)
@click.version_option(__version__, prog_name="bench")
def cli() -> None:
    """Honest benchmarks of neural architecture search for micro-expression recognition.

    Start with: bench run --variant rnas_mer --dataset smic --surrogate --preset smoke

    Any command takes --debug, which shows the traceback of an error.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line; every error is one line on stderr. Exits with 0, 1, 2 or 130."""
    if completing.VARIABLE in os.environ:
        _complete()
    if threading.current_thread() is threading.main_thread():
        tidy_when_terminated()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if not (debug or sys.warnoptions):
        # What a library warns of in a damaged file is said again, in one line, by our own error.
        warnings.simplefilter("ignore")
    try:
        result = cli.main(arguments, prog_name="bench", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort) as error:
        code = _say("interrupted; what was finished is kept: the same command goes on", INTERRUPTED)
        _traceback(error, debug)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = UsageError.exit_code
    except click.ClickException as error:
        code = _say(told(error), error.exit_code)
        _traceback(error, debug)
    except BenchError as error:
        code = _say(str(error), error.exit_code)
        _traceback(error, debug)
    except MethodError as error:
        code = _say(str(error), UsageError.exit_code)
        _traceback(error, debug)
    except BrokenPipeError:  # the reader of our output has gone: `bench tables | head`
        sys.stderr.close()
        code = 1
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            what = f"{error.filename}: no file can have so long a name"
            code = _say(what, UsageError.exit_code)
        elif isinstance(error, OSError) and error.errno == errno.ENOSPC and not error.filename:
            what = "cannot write the output: no space left where it goes; results are kept"
            code = _say(what, 1)
        else:
            what = " ".join(str(error).split())
            code = _say(f"{type(error).__name__}: {what} (--debug shows where)", 1)
        _traceback(error, debug)
    else:
        code = result if isinstance(result, int) else 0
    sys.exit(code)


def _complete() -> NoReturn:
    """Answers a shell that asks for completions; without one it says nothing."""
    with redirect_stderr(io.StringIO()), suppress(Exception):
        cli.main(prog_name="bench")
    sys.exit(1)


def _say(message: str, code: int) -> int:
    one_line = " ".join(line.strip() for line in message.splitlines())
    short = OVERLONG.sub(r"\1...\2", printable(one_line))
    click.echo(f"error: {short}", err=True)
    return code


def _traceback(error: BaseException, debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exception(error)
