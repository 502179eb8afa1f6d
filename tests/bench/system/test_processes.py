"""Helper processes: they end with the one that started them, and their death is told."""

from __future__ import annotations

import subprocess
import sys

CHILD = """
import os, sys, time
from bench.system.processes import end_with
end_with(int(sys.argv[1]))
print("up", flush=True)
time.sleep(600)
"""

PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdout=sys.stdout)
sys.stdin.read()
"""


def test_a_process_ends_when_the_one_that_started_it_is_killed():
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout.readline() == "up\n"
        parent.kill()
        parent.stdout.read()  # to its end, which comes when the orphan has closed it
