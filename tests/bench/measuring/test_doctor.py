import shutil
import sys
from pathlib import Path

import pytest

from bench.measuring.doctor import (
    MISSING,
    NEEDS,
    NOTE,
    OK,
    broken,
    examine,
    package_finding,
    release,
    threads_finding,
)


@pytest.fixture
def findings(tmp_path, monkeypatch):
    """Makes the findings by name, with a cache of their own."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))

    def look(data_root=None, runs=tmp_path / "runs"):
        found = examine(data_root, runs)
        by_name = {finding.name: finding for finding in found}
        assert len(by_name) == len(found), "a name stands for one finding"
        return by_name

    return look


def spoil(monkeypatch, folder: Path, package: str, statement: str) -> None:
    """Lets `import package` end in the statement, as a broken installation does."""
    folder.mkdir()
    (folder / f"{package}.py").write_text(statement)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, package, raising=False)


def test_every_line_says_what_to_do_about_it(findings):
    for finding in findings().values():
        assert finding.state in (OK, MISSING, NOTE)
        assert finding.found and "\n" not in finding.found + finding.advice
        assert finding.state == OK or finding.advice, finding


def test_what_is_installed_is_found_and_nothing_required_is_missing_here(findings):
    found = findings()
    assert not broken(list(found.values()))
    assert found["torch"].state == found["import torch"].state == OK
    assert found["bench run --surrogate"].state == OK
    assert found["runs folder"].found.count("not there yet") == 1


@pytest.mark.parametrize(
    "statement",
    ["raise ImportError('libcudart.so.12: cannot open shared object file')", "raise OSError('x')"],
)
def test_a_torch_that_cannot_be_imported_breaks_the_runs_and_not_the_tables(
    findings, monkeypatch, tmp_path, statement
):
    spoil(monkeypatch, tmp_path / "packages", "torch", statement)
    found = findings()
    assert found["import torch"].state == MISSING and "Error: " in found["import torch"].found
    assert found["bench run --surrogate"].found == "lacks import torch"
    assert found["bench tables"].state == OK
    assert broken(list(found.values()))


@pytest.mark.parametrize(
    ("line", "state", "said", "advice"),
    [
        ("numpy>=1.26", OK, "", ""),
        ("numpy>=99.1", MISSING, "older than 99.1", "pip install 'numpy>=99.1'"),
        ("no-such-package>=2", MISSING, "not installed", "pip install 'no-such-package>=2'"),
        ('no-such-package>=2; extra == "peers"', MISSING, "'peers'", "no-such-package>=2"),
    ],
)
def test_packages_stand_beside_the_version_asked_for(line, state, said, advice):
    finding = package_finding(line)
    assert finding.state == state and said in finding.found and advice in finding.advice


def test_an_extra_is_no_requirement():
    needed, extra = package_finding("nothing-here>=1"), package_finding("nothing>=1; extra == 'x'")
    assert broken([needed]) and not broken([extra])


@pytest.mark.parametrize(
    ("newer", "older"), [("2.13.0+cpu", "2.11"), ("10.0", "9.9.9"), ("1.26.1", "1.26")]
)
def test_versions_compare_by_number(newer, older):
    assert release(newer) > release(older)


def test_a_cache_that_cannot_be_written_is_named_with_the_commands_it_stops(
    findings, monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file" / "cache"))
    found = findings()
    assert found["cache folder"].state == MISSING and "BENCH_CACHE" in found["cache folder"].advice
    assert "cache folder" in found["bench run --surrogate"].found
    assert broken(list(found.values()))


def test_looking_leaves_nothing_behind(findings, tmp_path):
    findings()
    assert list(tmp_path.iterdir()) == []


def test_without_a_data_root_surrogates_are_the_way(findings):
    found = findings()
    assert found["data root"].state == found["data set smic"].state == MISSING
    advice = found["bench run --dataset smic"].advice
    assert "--data-root" in advice and "--surrogate" in advice


def test_a_data_root_that_does_not_exist_is_named_and_breaks_nothing(findings, tmp_path):
    found = findings(tmp_path / "nowhere")
    assert "does not exist" in found["data root"].advice
    assert not broken(list(found.values()))


@pytest.fixture(scope="module")
def smic(tmp_path_factory) -> Path:
    """The official layout of SMIC, complete, each clip one empty frame: listing opens no image."""
    from bench.data.sets.challenge import expected_counts

    root = tmp_path_factory.mktemp("data")
    codes = {"negative": "ne", "positive": "po", "surprise": "sur"}
    for person, counts in expected_counts()["smic"].items():
        for emotion, count in counts.items():
            for number in range(1, count + 1):
                name = f"{person}_{codes[emotion]}_{number:02d}"
                clip = root / "SMIC_all_cropped/HS" / person / "micro" / emotion / name
                clip.mkdir(parents=True)
                (clip / "reg_image1.jpg").touch()
    return root


def test_a_complete_set_is_ready_to_run(findings, smic):
    found = findings(smic)
    assert found["data set smic"].state == OK
    assert found["data set smic"].found.startswith("164 of 164 clips, 16 of 16 subjects")
    assert found["bench run --dataset smic"].state == OK
    assert found["data set samm"].state == MISSING
    lacking = found["bench run --dataset composite"].found
    assert "casme2" in lacking and "samm" in lacking and "smic" not in lacking


def test_an_incomplete_set_is_counted_and_leads_to_the_check(findings, smic, tmp_path):
    data = shutil.copytree(smic, tmp_path / "data")
    shutil.rmtree(data / "SMIC_all_cropped/HS/s01")
    finding = findings(data)["data set smic"]
    assert finding.state == NOTE and finding.found.startswith("158 of 164 clips, 15 of 16")
    assert f"bench data check --dataset smic --data-root {data}" in finding.advice


def test_generated_clips_are_listed(findings, tmp_path):
    (tmp_path / "cache" / "surrogate" / "smic-0.15-seed0-version1").mkdir(parents=True)
    (tmp_path / "cache" / "surrogate" / ".smic.1234.partial").mkdir()
    finding = findings()["surrogate clips"]
    assert (finding.state, finding.found) == (OK, "smic-0.15-seed0-version1")


@pytest.mark.parametrize(
    ("threads", "cores", "load", "state", "said"),
    [
        (2, 2, 0.0, NOTE, "OMP_NUM_THREADS=1"),
        (2, 2, 2.0, NOTE, "the load is 2.0"),
        (1, 2, 2.0, OK, ""),
        (16, 16, 9.0, OK, ""),
        (None, 2, 0.0, OK, ""),
    ],
)
def test_a_second_thread_is_advised_against_on_few_cores(threads, cores, load, state, said):
    finding = threads_finding(threads, cores, load)
    assert finding.state == state and said in finding.advice


def test_a_missing_tool_is_a_note_that_names_its_use(findings, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = findings()
    assert found["pdflatex"].state == NOTE and "bench tables" in found["pdflatex"].advice
    assert "no chromium and no chromedriver" in found["headless Chromium"].found


def test_every_need_is_the_name_of_a_finding(findings):
    names = set(findings())
    assert {name for need in NEEDS for name in need.names} <= names
