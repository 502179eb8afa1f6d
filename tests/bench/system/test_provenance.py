"""Where a result comes from."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime

import pytest
import torch

from bench.system import provenance


def test_record_of_this_machine():
    found = provenance.provenance("cpu")
    assert found["packages"]["torch"] == torch.__version__
    assert {"scikit-image", "pillow", "av"} <= set(found["packages"])  # they make the pixels
    assert found["threads"] == torch.get_num_threads()
    assert (found["device"], found["gpu"]) == ("cpu", None)
    assert found["cpu"]
    assert found["python"].startswith("3.")


def test_time_is_utc():
    stated = datetime.fromisoformat(provenance.now())
    assert stated.tzinfo is UTC
    assert abs((datetime.now(UTC) - stated).total_seconds()) < 60


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
class TestCommit:
    def checkout(self, folder, monkeypatch):
        """A repository in `folder`, and the harness at home in it."""
        name = ["-c", "user.name=n", "-c", "user.email=e"]
        for words in (["init", "-q"], [*name, "commit", "-q", "--allow-empty", "-m", "first"]):
            subprocess.run(["git", "-C", folder, *words], check=True)
        command = ["git", "-C", folder, "rev-parse", "HEAD"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def test_of_the_harness_itself_and_whether_it_was_changed(self, tmp_path, monkeypatch):
        commit = self.checkout(tmp_path, monkeypatch)
        monkeypatch.setattr(provenance, "__file__", str(tmp_path / "bench/system/provenance.py"))
        found = provenance.provenance("cpu")
        assert (found["git_commit"], found["git_dirty"]) == (commit, False)
        (tmp_path / "bench/system").mkdir(parents=True)
        (tmp_path / "bench/system/provenance.py").touch()
        assert provenance.provenance("cpu")["git_dirty"] is True

    def test_of_a_repository_around_an_installed_harness_is_not_taken(self, tmp_path, monkeypatch):
        self.checkout(tmp_path, monkeypatch)
        site = tmp_path / "venv/lib/site-packages/bench/system"
        site.mkdir(parents=True)
        monkeypatch.setattr(provenance, "__file__", str(site / "provenance.py"))
        found = provenance.provenance("cpu")
        assert (found["git_commit"], found["git_dirty"]) == (None, None)
