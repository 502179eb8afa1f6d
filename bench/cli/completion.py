"""`bench completion`: the script that makes a shell complete the command line."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from bench.cli.completing import VARIABLE


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    r"""Print the script that completes names in a shell.

    \b
    Bash, in ~/.bashrc:                    eval "$(bench completion bash)"
    Zsh, in ~/.zshrc:                      eval "$(bench completion zsh)"
    Fish, in ~/.config/fish/config.fish:   bench completion fish | source

    It completes methods, data sets, presets, settings, executors, listeners, figures, tables and
    run folders.
    """
    made = get_completion_class(shell)
    assert made is not None  # click brings all three
    click.echo(made(context.find_root().command, {}, "bench", VARIABLE).source())
