"""A checkpoint is data from disk: a pickle in it is refused, never run."""

from __future__ import annotations

import os
import shutil

import torch
from tiny_runs import only_run


class Planted:
    """Pickled, it makes a folder as soon as it is unpickled."""

    def __init__(self, mark: os.PathLike) -> None:
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def test_a_pickle_in_the_checkpoint_of_a_search_is_not_run(bench, searched_runs, tmp_path):
    runs = shutil.copytree(searched_runs, tmp_path / "runs")
    folder = only_run(runs).path / "search"
    (folder / "genotype.json").unlink()
    shutil.rmtree(folder.with_name("folds"))  # nothing rests on the genotype
    mark = tmp_path / "the pickle was run"
    torch.save({"searcher": Planted(mark), "rows": [], "weights": []}, folder / "checkpoint.pt")
    outcome = bench.small(runs, "rnas_mer_3", command="search")
    assert outcome.code == 1
    assert "checkpoint.pt cannot be read" in outcome.error and "move it elsewhere" in outcome.error
    assert not mark.exists()
    (folder / "checkpoint.pt").unlink()
    assert bench.small(runs, "rnas_mer_3", command="search").code == 0
