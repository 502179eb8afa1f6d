"""The sum of what an entry point of a package brings: what it imports of its own, and no more."""

import pytest
from own_packages import installing

from bench.system.entry_points import forget
from bench.system.package_code import package_code

FILES = {
    "__init__.py": "",
    "nets.py": "from . import layers\nimport json\n\nNET = layers.WIDTH\n",
    "layers.py": "def late():\n    import lab.parts.heads\n\nWIDTH = 3\n",
    "parts/__init__.py": "",
    "parts/heads.py": "from ..sizes import *\n",
    "sizes.py": "SMALL = 1\n",
    "unused.py": "BIG = 2\n",
}


@pytest.fixture
def lab(tmp_path):
    """A package of several modules; its folder."""
    with installing(tmp_path) as put:
        put("", {"bench.things": {"net": "lab.nets:NET"}}, "lab")
        (tmp_path / "lab.py").unlink()
        for name, source in FILES.items():
            (tmp_path / "lab" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "lab" / name).write_text(source)
        yield tmp_path / "lab"


def code():
    forget()
    return package_code("bench.things", "net")


@pytest.mark.parametrize("file", [name for name in FILES if name != "unused.py"])
def test_a_change_of_what_is_imported_changes_the_sum(lab, file):
    before = code()
    assert before and before == code()
    (lab / file).write_text(FILES[file] + "# edited\n")
    assert code() != before
    (lab / file).write_text(FILES[file])
    assert code() == before


def test_what_is_not_imported_changes_nothing(lab):
    before = code()
    (lab / "unused.py").write_text("BIG = 3\n")
    assert code() == before
    assert package_code("bench.things", "net", ("lab.unused",)) not in (before, None)


def test_a_network_may_lie_beside_the_module_that_names_it(lab, tmp_path):
    (tmp_path / "beside.py").write_text("")
    before = package_code("bench.things", "net", ("beside", "baselines.fixed"))
    (tmp_path / "beside.py").write_text("# edited")
    forget()
    assert package_code("bench.things", "net", ("beside", "baselines.fixed")) != before
    assert before != package_code("bench.things", "net")


def test_modules_that_no_longer_parse_have_a_sum(lab):
    (lab / "nets.py").write_text("NET = (\n")
    assert code()


def test_the_harness_itself_has_none():
    assert package_code("bench.variants", "rnas_mer") is None
    assert package_code("bench.variants", "nothing_of_that_name") is None
