"""Parts that end in every way a part can end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from reports.gpu import running
from reports.gpu.record import Part


def measures(settings, record):
    record.add({"figure": 1.0})


def fails(settings, record):
    record.add({"figure": 2.0})
    raise ValueError("no such\nkernel")


def attempts(settings, record):
    record.attempt({"figure": "first"}, lambda: 1 / 0)
    record.attempt({"figure": "second"}, lambda: {"ms": 1.0})


def hangs(settings, record):
    """With a process of its own, as torch's compiler has them."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    record.add({"figure": 3.0, "child": child.pid, "own": os.getpid()})
    time.sleep(600)


def dies(settings, record):
    record.add({"figure": 4.0})
    os.kill(os.getpid(), signal.SIGKILL)


class ToyPart(Part):
    """Does without torch, which takes seconds to load, in the process that it is sent to."""

    def __setstate__(self, state):
        self.__dict__.update(state)
        running.machine = lambda settings: {"device": settings.device}


PARTS = {
    function.__name__: ToyPart(function.__name__, function.__name__, None, function)
    for function in (measures, fails, attempts, hangs, dies)
}
