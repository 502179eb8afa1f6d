"""Where a command's text goes; the same for all commands of the harness."""

from bench.cli.output import deliver

__all__ = ["deliver"]
