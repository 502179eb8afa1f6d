"""`bench data prepare`: made once, found again, verified, and nothing lost by an interruption."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from threading import Lock

import numpy as np
import pytest
from tiny_runs import merged

from baselines.peers import PEERS
from bench.config.settings import DataConfig
from bench.data import cache as cache_module
from bench.data.clips import Clip
from bench.data.preparing import Wanted
from bench.data.stills.inputs import still_product
from bench.data.surrogates.writing import (
    SURROGATE_VERSION,
    resolve_difficulty,
    write_surrogate,
)

CLIP = Clip("smic", "s01", "a", 0, (), None, "negative", 100.0)
SETTINGS = ("--set", "data.frames=4", "--set", "data.size=16", "--set", "data.shift=1")


@pytest.fixture
def prepare(bench, licensed, tmp_path):
    def call(*arguments, jobs=1):
        options = ("--set", "data.flow_side=32", "--jobs", jobs, "--format", "json")
        own = ("--dataset", "smic", "--data-root", licensed, *SETTINGS, *options)
        chosen = merged((*own, "--set", "data.skip_bad_clips=true"), arguments)
        return bench("data", "prepare", *chosen, BENCH_CACHE=tmp_path / "cache")

    return call


def counts(outcome):
    return {row["input"]: (row["made"], row["found"]) for row in json.loads(outcome.out)["inputs"]}


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_made_once_is_found_again(prepare, jobs):
    first = prepare("--inputs", "clip,flow,apex:24", "--subjects", "s05,s19", jobs=jobs)
    assert first.code == 0, first.err
    assert counts(first) == {"clip": (4, 0), "flow": (4, 0), "apex": (4, 0)}
    report = json.loads(first.out)
    assert (report["clips"], report["subjects"], report["surrogate"]) == (4, 2, False)
    assert [row["shape"] for row in report["inputs"]] == [[4, 16, 16, 3], [3, 28, 28], [3, 24, 24]]
    again = prepare("--inputs", "clip,flow,apex:24")
    assert counts(again) == dict.fromkeys(("clip", "flow", "apex"), (8, 4))


def test_whatever_variants_see_is_made_once(prepare):
    names = ("ststnet", "rcn_*", "lei_graph_cnn")
    made = prepare(*(word for name in names for word in ("--variant", name)))
    assert made.code == 0, made.err
    rows = {row["input"]: row["shape"] for row in json.loads(made.out)["inputs"]}
    assert rows == {
        "flow:28": [3, 28, 28],
        "flow:60": [3, 60, 60],
        "landmark_patches:7 in 10 views": [10, 30, 7, 7],
    }
    both = prepare("--variant", "rnas_mer", "--inputs", "apex:24")
    assert list(counts(both)) == ["apex", "clip"]
    assert "unknown variant 'rcn'" in prepare("--variant", "rcn").error


@pytest.mark.parametrize("still", [peer.input for peer in PEERS if peer.input != "clip"])
def test_what_is_prepared_for_a_method_is_what_its_runs_look_for(still):
    config = DataConfig()
    assert Wanted.of(still).product(CLIP, config) == still_product(still, config)


def test_generated_clips_are_sealed_when_they_are_prepared(bench, tmp_path):
    people = ("--subjects", "s05,s19", "--set", "data.difficulty=easy")
    own = ("--dataset", "smic", "--surrogate", *people, *SETTINGS)
    cache = {"BENCH_CACHE": tmp_path / "cache"}
    name = f"smic-{resolve_difficulty('easy'):g}-seed0-version{SURROGATE_VERSION}"
    folder = tmp_path / "cache" / "surrogate" / name
    write_surrogate("smic", folder, size=32, subjects=("s05", "s19"), workers=1)
    made = bench("data", "prepare", *own, "--inputs", "flow", "--jobs", 1, **cache)
    assert made.code == 0, made.err
    frame = next(folder.rglob("*.jpg"))
    content = frame.read_bytes()
    frame.write_bytes(content + b" ")
    command = ("run", "--variant", "linear_flow", *own, "--runs", tmp_path / "runs")
    outcome = bench(*command, **cache)
    assert outcome.code == 1
    assert "1 generated clip(s) are not as they were made" in outcome.error
    people = own[: -len(SETTINGS)]
    for looking in (
        ("check", *people),
        ("check", *people, "--deep", "--jobs", 1),
        ("show", *own, "--out", tmp_path / "s.png"),
        ("export-manifest", *people, "--out", tmp_path / "m.csv"),
    ):
        seen = bench("data", *looking, **cache)
        assert seen.code == 1 and seen.error == outcome.error
    frame.write_bytes(content)
    assert bench("data", "check", *people, **cache).code == 0
    shutil.copytree(frame.parent, frame.parent.with_name(f"{frame.parent.name[:-2]}77"))
    assert "1 generated clip(s) are not as they were made" in bench(*command, **cache).error


def test_another_setting_is_made_anew(prepare):
    prepare("--inputs", "clip,flow")
    changed = prepare("--inputs", "clip,flow", "--set", "data.crop=detect",
                      "--set", "data.crop_fallback=centre")  # fmt: skip
    assert counts(changed) == {"clip": (12, 0), "flow": (12, 0)}
    other = prepare("--inputs", "clip,flow", "--set", "data.flow_side=48")
    assert counts(other) == {"clip": (0, 12), "flow": (12, 0)}


def test_weights_of_the_magnifier_magnify(prepare, tmp_path):
    import torch

    from bench.data.steps.magnet import MagNet

    weights = tmp_path / "weights.pt"
    torch.save(MagNet().state_dict(), weights)
    asked = ("--inputs", "clip", "--subjects", "s05")
    assert counts(prepare(*asked)) == {"clip": (2, 0)}
    magnified = prepare(*asked, "--magnifier-weights", weights)
    assert magnified.code == 0, magnified.err
    assert counts(magnified) == {"clip": (2, 0)}
    by_settings = ("data.magnify=learned", f"data.magnifier_weights={weights}")
    again = prepare(*asked, *(word for each in by_settings for word in ("--set", each)))
    assert counts(again) == {"clip": (0, 2)}


def test_verify_compares_every_byte(prepare, tmp_path):
    same = prepare("--inputs", "clip", "--verify", 99, "--subjects", "s05,s19")
    (row,) = json.loads(same.out)["verified"]
    assert (same.code, row) == (0, {"input": "clip", "clips": 4, "differing": []})
    (entry, *_) = sorted((tmp_path / "cache").rglob("*.npz"))
    with np.load(entry) as saved:
        spoilt = saved["array"].copy()
    spoilt[0, 0, 0, 0] ^= 1
    np.savez(entry, array=spoilt, seal=cache_module._seal(entry, spoilt))
    other = prepare("--inputs", "clip", "--verify", 99, "--subjects", "s05,s19")
    (row,) = json.loads(other.out)["verified"]
    assert other.code == 1
    assert len(row["differing"]) == 1 and row["differing"][0].startswith("smic s")


def test_an_interruption_loses_nothing_that_was_finished(prepare, monkeypatch):
    whole = cache_module._write_entry
    written, one_at_a_time = [], Lock()

    def interrupted(*arguments):
        with one_at_a_time:  # of the threads that make clips
            if len(written) == 3:
                raise KeyboardInterrupt
            whole(*arguments)
            written.append(1)

    with monkeypatch.context() as patch:
        patch.setattr(cache_module, "_write_entry", interrupted)
        stopped = prepare("--inputs", "clip")
    assert stopped.code == 130
    assert "what was finished is kept" in stopped.error
    assert counts(prepare("--inputs", "clip")) == {"clip": (9, 3)}


def test_a_killed_process_loses_nothing_that_was_finished(bench, tmp_path):
    write_surrogate("casme2", tmp_path / "data", size=32, subjects=["sub17"], workers=1)
    cache = {"BENCH_CACHE": str(tmp_path / "cache")}
    command = ["data", "prepare", "--dataset", "casme2", "--data-root", str(tmp_path / "data")]
    command += ["--subjects", "sub17", "--inputs", "flow", "--set", "data.flow_side=32"]
    entries = tmp_path / "cache" / "clips"
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", *command, "--jobs", "2"],
        env=bench.environment | cache,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    while not list(entries.rglob("*.npz")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(0.5)  # its workers end with it
    kept = len(list(entries.rglob("*.npz")))
    assert kept >= 1
    again = bench(*command, "--jobs", 1, "--format", "json", **cache)
    (row,) = json.loads(again.out)["inputs"]
    assert row["found"] >= kept
    assert row["made"] + row["found"] == 31


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ("clips", "unknown input 'clips'. Did you mean 'clip'"),
        ("", "unknown input ''"),
        ("apex:0", "expected clip, or a still and its size as apex:224"),
        ("clip:112", "expected clip, or a still"),
    ],
)
def test_mistakes_are_one_line(prepare, inputs, said):
    outcome = prepare("--inputs", inputs)
    assert outcome.code == 2
    assert said in outcome.error
