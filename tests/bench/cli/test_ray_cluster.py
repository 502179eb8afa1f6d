"""A Ray cluster of three nodes whose workers are killed in the middle: nothing is lost."""

from __future__ import annotations

import threading
import time

import pytest
from tiny_runs import only_run

ray = pytest.importorskip("ray")

WAIT = 240.0
"""Seconds until a unit is at work, on a busy machine."""


@pytest.fixture
def cluster():
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    ray.init(address=found.address, log_to_driver=False)
    yield found
    ray.shutdown()
    found.shutdown()


def kill(cluster, nodes, runs, killed, ended):
    """Kills machines one after the other, each while units are at work everywhere."""
    while nodes:
        until = time.monotonic() + WAIT
        while len(notes(runs)) <= len(nodes) and not ended.is_set():
            if time.monotonic() > until:
                return
            time.sleep(0.05)
        killed.append(sorted(file.name for file in notes(runs)))
        cluster.remove_node(nodes.pop(), allow_graceful=False)


def notes(runs):
    return list(runs.glob("*/*/*/*/.work-fold-*"))


def test_nodes_killed_twice_change_nothing(bench, runs, tmp_path, cluster, monkeypatch):
    monkeypatch.setattr("bench.engine.executing.pools.RemoteExecutor.look_every", 0.2)
    longer = ("--set", "recipe_epochs=4000", "--set", "data.subject_count=6")
    alone, killed, ended = tmp_path / "alone", [], threading.Event()
    assert bench.small(alone, "ststnet", *longer, "--executor", "serial").code == 0
    nodes = [cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)]
    killer = threading.Thread(target=kill, args=(cluster, nodes, runs, killed, ended))
    killer.start()
    outcome = bench.small(runs, "ststnet", *longer, "--executor", "ray", "--jobs", 3)
    ended.set()
    killer.join()
    assert outcome.code == 0, outcome.err
    assert len(killed) == 2
    assert all(killed), "nothing was at work"
    found, expected = only_run(runs).folds, only_run(alone).folds
    assert {fold: record["clips"] for fold, record in found.items()} == {
        fold: record["clips"] for fold, record in expected.items()
    }
    assert bench("validate", only_run(runs).path).code == 0


def test_shares_of_a_card_follow_the_memory(cluster):
    """Where there is no card: by the resources that a node declares."""
    from bench.engine.executing.ray import RayExecutor
    from bench.engine.executing.working import Needs

    executor = RayExecutor(card_gb=10.0)
    assert executor.share(Needs(2.4, 1.0)) == 0.25
    assert executor.share(Needs(30.0, 1.0)) == 1.0
    assert RayExecutor(gpus=0.5).share(Needs(1.0, 1.0)) == 0.5
    assert executor.share(None) == 0.0
    cluster.add_node(num_cpus=4, num_gpus=1)

    @ray.remote(num_gpus=executor.share(Needs(4.9, 1.0)))
    def card():
        time.sleep(0.5)
        return ray.get_gpu_ids()

    assert ray.get([card.remote() for _ in range(2)]) == [[0], [0]]
