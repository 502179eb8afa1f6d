"""Completion of names in the shell, by click's own mechanism and without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
from click.shell_completion import BashComplete, CompletionItem, ZshComplete, add_completion_class

from bench.errors import BenchError

VARIABLE = "_BENCH_COMPLETE"
"""What the shells set to ask for completion, as click names it after the program."""

Find = Callable[[click.Context, str], Iterable[str]]
Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]


def offering(find: Find) -> Completer:
    """The completer that offers those of the names found that begin with what is typed."""

    def complete(
        context: click.Context, parameter: click.Parameter, typed: str
    ) -> list[CompletionItem[str]]:
        try:
            return [CompletionItem(name) for name in find(context, typed) if name.startswith(typed)]
        except BenchError:
            return []

    return complete


def registered_in(group: str) -> Completer:
    """The completer of an entry-point group's names; no package is imported."""
    return offering(lambda context, typed: _registered(group))


def below_runs(name: Callable[[Path], str]) -> Completer:
    """The completer of names that configurations of runs (folders below `--runs`) have."""

    def find(context: click.Context, typed: str) -> Iterable[str]:
        runs = context.params.get("runs") or Path("runs")
        return sorted({name(path.relative_to(runs)) for path in runs.glob("*/*/*-*")})

    return offering(find)


@offering
def variants(context: click.Context, typed: str) -> Iterable[str]:
    """Names of methods and of groups of them."""
    from bench.methods.registry import GROUPS
    from bench.methods.registry import variants as known

    return (*known(), *GROUPS)


def datasets(
    context: click.Context, parameter: click.Parameter, typed: str
) -> list[CompletionItem[str]]:
    """Names of data sets; after `manifest:` a file."""
    from bench.data.sets.catalogue import DATASETS
    from bench.data.sets.manifests.manifest import PREFIX

    if typed.startswith(PREFIX):
        return [CompletionItem(typed.removeprefix(PREFIX), type="file")]
    return offering(lambda *_: (*DATASETS, PREFIX))(context, parameter, typed)


def presets(
    context: click.Context, parameter: click.Parameter, typed: str
) -> list[CompletionItem[str]]:
    """Names of presets; where none begins like that, a file."""
    from bench.config.loading import preset_names

    named = offering(lambda *_: preset_names())(context, parameter, typed)
    return named or [CompletionItem(typed, type="file")]


def folders(
    context: click.Context, parameter: click.Parameter, typed: str
) -> list[CompletionItem[str]]:
    """Folders."""
    return [CompletionItem(typed, type="dir")]


@offering
def settings(context: click.Context, typed: str) -> Iterator[str]:
    """`section.name=` of every setting; behind `=` its values, where they can be listed."""
    from bench.config.loading import choices
    from bench.config.settings import setting_fields

    key, equals, _ = typed.partition("=")
    known = setting_fields()
    if not equals:
        yield from (f"{each}=" for each in known)
    elif key in known:
        values = _registered("bench.strategies") if key == "search.strategy" else choices(key)
        yield from (f"{key}={value}" for value in values)


def _registered(group: str) -> list[str]:
    from bench.system.installed import registered

    return sorted(entry.name for entry in registered(group))


class Bash(BashComplete):
    """Bash cuts words at `=` and `:`: here they are whole again. No space follows `KEY=`."""

    source_template = BashComplete.source_template.replace(
        "COMPREPLY+=($value)",
        'COMPREPLY+=("$value")\n            [[ $value == *[=:] ]] && compopt -o nospace',
    )

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is typed, and that one."""
        words: list[str] = []
        inside = False
        args, typed = super().get_completion_args()
        for word in filter(None, (*args, typed)):
            cut = set(word) <= {"=", ":"}
            if words and (cut or inside):
                words[-1] += word
            else:
                words.append(word)
            inside = cut
        return (words[:-1], words[-1]) if typed else (words, "")

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Without what stands before the last cut, which Bash keeps."""
        kept = max(incomplete.rfind("="), incomplete.rfind(":")) + 1
        found = super().get_completions(args, incomplete)
        for item in found:
            item.value = item.value.removeprefix(incomplete[:kept])
        return found


class Zsh(ZshComplete):
    """No space follows `KEY=`."""

    source_template = ZshComplete.source_template.replace(
        "compadd -U -V unsorted -a completions",
        "compadd -U -V unsorted -S '' -- ${(M)completions:#*[=:]}\n"
        "        compadd -U -V unsorted -- ${completions:#*[=:]}",
    )


add_completion_class(Bash)
add_completion_class(Zsh)
