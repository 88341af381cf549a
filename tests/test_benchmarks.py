"""The benchmark: that all contestants compute the same, that a mistake of one stops it, and that
what it writes says what was measured. Nothing here is timed."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from some_cells import every

from benchmarks import agree, derivers, deriving, memory, readme, table
from benchmarks.contestants import CONTESTANTS, PRODUCTS
from benchmarks.contestants.floor import factors
from benchmarks.grid import BOTH, FORWARD, GRID, SMALL
from benchmarks.plan import FULL, QUICK
from benchmarks.problem import Problem
from benchmarks.process import BenchmarkError, Process
from benchmarks.ratios import floor, ratio

ROOT = Path(__file__).parent.parent
OURS = "cellwright"


# --- contestants ---------------------------------------------------------------------------------


DEAR = {"compiled", "torch.compile", "layer"}  # a minute each; make bench compares all first
OTHERS = sorted(CONTESTANTS.keys() - set(PRODUCTS))


@pytest.mark.peers
@pytest.mark.parametrize("name", [pytest.param(n, marks=[every] * (n in DEAR)) for n in OTHERS])
def test_all_compute_the_same(name):
    contestant = CONTESTANTS[name]
    if why := contestant.missing():
        pytest.skip(why)
    with Process(name, 1) as process:
        for cell in contestant.cells:
            for measure in contestant.measures:
                agree.check(process, cell, SMALL, measure)


@pytest.mark.peers
@pytest.mark.parametrize("name", ["mlstm", "gated_deltanet"])
def test_matrix_memories_compute_the_same(name, monkeypatch):
    memories = pytest.importorskip("benchmarks.memories")
    small = memories.Shape(7, 2, 2, 3, 4)
    assert len(memories.measured(name, small, rounds=1)) == 3
    loop = memories.LOOPS[name]
    monkeypatch.setitem(memories.LOOPS, name, lambda p, xs: loop(p, xs) * 1.001)
    with pytest.raises(SystemExit, match=rf"{name} \(7, .*: ys differs by 1.0e-03"):
        memories.measured(name, small, rounds=1)


class Wrong:
    """A process whose results are ours, but for one."""

    contestant = "torch"

    def __init__(self, change):
        self.change = change

    def ask(self, *asked, results):
        found = dict(agree.reference(*asked))
        self.change(found)
        np.savez(results, **found)
        return 0.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda found: found.update(W_f=1.001 * found["W_f"]),
            "W_f differs from ours by 1e-03, more than 1e-05",
        ),
        (lambda found: found.update(ys=found["ys"] * np.nan), "ys differs from ours by nan"),
        (lambda found: found.pop("dxs"), "one side alone has dxs"),
        (lambda found: found.update(b=found["ys"]), "one side alone has b"),
    ],
)
def test_a_mistake_stops_it(change, said):
    with pytest.raises(BenchmarkError, match=said) as error:
        agree.check(Wrong(change), "lstm", SMALL, BOTH)
    assert str(error.value).startswith(f"PyTorch, fused, lstm {SMALL}, forward + backward: ")


def test_what_agrees_does_not():
    agree.check(Wrong(lambda found: found.update(ys=found["ys"] * (1 + 1e-6))), "lstm", SMALL, BOTH)


def test_a_process_that_fails_says_why():
    with Process("numpy", 1) as process, pytest.raises(BenchmarkError) as error:
        process.ask("no_such_cell", SMALL, FORWARD, seconds=0)
    assert "Cellwright, NumPy failed at no_such_cell" in str(error.value)
    assert "there is no cell" in str(error.value) or "no_such_cell" in str(error.value)


@pytest.mark.parametrize(
    ("cell", "at_once", "step_by_step"),
    [
        ("lstm", [(20, 4)], [(20, 5)]),
        ("mgu", [(10, 4)], [(5, 5), (5, 5)]),
        ("lem", [(20, 4)], [(5, 5), (15, 5)]),
        ("gru:reset=before", [(15, 4)], [(5, 5), (10, 5)]),
        ("gru:reset=after", [(15, 4)], [(15, 5)]),
        ("indrnn", [(5, 4)], []),
    ],
)
def test_the_floor_has_the_products_of_the_equations(cell, at_once, step_by_step):
    assert factors(Problem(cell, SMALL)) == {True: at_once, False: step_by_step}


@pytest.mark.peers
@pytest.mark.parametrize("who", ["symforce", "wrenfold", "casadi"])
def test_those_who_derive_agree(who):
    pytest.importorskip(who, reason="this is what make test-peers installs")
    I, H = 2, 3
    rng = np.random.default_rng(0)
    numbers = {name: rng.standard_normal(shape) for name, shape in derivers.shapes(I, H).items()}
    one, other = (
        module.values(module.derive(I, H), numbers)
        for module in (importlib.import_module(f"benchmarks.derivers.by_{n}") for n in (OURS, who))
    )
    assert one.keys() == other.keys()
    for name, expected in one.items():
        np.testing.assert_allclose(other[name].reshape(expected.shape), expected, atol=1e-12)


@pytest.mark.peers
@pytest.mark.parametrize("who", deriving.DERIVERS)
def test_what_is_derived_is_written(who):
    if who not in deriving.present():
        pytest.skip(f"{who} is not installed: this is what make test-peers installs")
    assert deriving.asked(who, 2)["bytes"] > 3000


# --- what is written -----------------------------------------------------------------------------


def figure(measure=BOTH, **rounds):
    return {"cell": "lstm", "shape": list(GRID[0]), "measure": measure, "rounds": rounds}


def test_a_ratio_is_of_medians_and_its_spread_of_rounds():
    found = ratio(figure(numpy=[1.0, 2.0, 9.0], torch=[4.0, 4.0, 6.0]), "torch")
    assert found == (0.5, 0.375, 1.0)  # of the rounds 0.25, 0.5, 1.5
    assert ratio(figure(numpy=[1.0], torch=[4.0]), "torch") == (0.25, 0.25, 0.25)


def test_the_compiled_code_is_compared_where_it_is_there():
    found = ratio(figure(numpy=[2.0], compiled=[1.0], torch=[4.0]), "torch")
    assert found.value == 0.25


def test_the_floor_is_the_faster_library_s():
    rounds = {"numpy": [3.0], "products.numpy": [2.0], "products.torch": [1.0]}
    assert floor(figure(**rounds)).value == 3
    assert floor(figure(numpy=[3.0])) is None


FOUND = {
    "machine": {
        "processor": "A processor",
        "cores": 2,
        "vectors": "AVX2",
        "system": "Linux",
        "compiler": None,
        "python": "3.11",
        "threads": 2,
        "products": {"numpy": 110.0},
        "versions": {"numpy": "2.4"},
    },
    "effort": {"rounds": 1, "seconds": 0.1, "threads": 2},
    "missing": ["JAX, scan: jax is not installed"],
    "times": [
        {**figure(numpy=[1e-3], torch=[2e-3], **{"products.numpy": [5e-4]}), "first": {}},
        {**figure(FORWARD, numpy=[1e-3], onnxruntime=[1e-2]), "first": {}},
    ],
    "deriving": [{"who": "CasADi, C", "size": 2, "seconds": 0.01234, "bytes": 30_002}],
    "memory": [{"cell": "lstm", "shape": list(GRID[0]), "bytes": {"numpy": 3_000_000}}],
}


def test_the_page_has_every_figure():
    page = table.page(FOUND)
    assert "| (100, 1, 16, 32) | 1 | **0.50** (0.50–0.50) | **2.0** (2.0–2.0) |" in page
    assert "| (100, 1, 16, 32) | 1 | **0.10** (0.10–0.10) |" in page
    assert "| lstm | (100, 1, 16, 32) | 3.0 |" in page
    assert "| CasADi, C | 0.012 (30 kB) |" in page
    for fact in ("A processor, 2 cores, AVX2", "110.0 (numpy)", "2 for everybody", "numpy 2.4"):
        assert fact in page
    assert "Not measured: JAX, scan: jax is not installed." in page


def test_the_readme_s_table_is_put_between_its_marks(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
    readme.write(FOUND, path)
    readme.write(FOUND, path)
    text = path.read_text()
    assert text.startswith(f"before\n{readme.BEGIN}\n") and text.endswith(f"{readme.END}\nafter\n")
    assert "| (100, 1, 16, 32) | 0.50 | 0.10 |  |  |  |" in text and "old" not in text
    path.write_text("no marks")
    with pytest.raises(ValueError, match="has no <!-- speed"):
        readme.write(FOUND, path)


def test_the_layer_for_pytorch_is_compared_with_the_code_and_with_pytorch():
    figures = [figure(layer=[3.0], compiled=[2.0], torch=[4.0], **{"layer.plain": [8.0]})] * 2
    found = FOUND | {"torch": figures}
    assert "takes 0.75 of the time of `nn.LSTM`, and 1.5 of" in readme.section(found)
    row = "| lstm | (100, 1, 16, 32) | 3e+03 | **1.50** (1.50–1.50) | **0.75** (0.75–0.75) |"
    page = table.page(found)
    assert row in page and "| lstm | mean |  | 1.50 | 0.75 | 2.00 |" in page
    assert "nn.LSTM`, and" not in readme.section(FOUND)


def test_the_project_s_readme_has_the_marks():
    text = readme.README.read_text(encoding="utf-8")
    assert text.count(readme.BEGIN) == text.count(readme.END) == 1


def test_the_plot_is_the_same_every_time(tmp_path):
    pytest.importorskip("matplotlib")
    from benchmarks import plot

    for name in ("one.svg", "other.svg"):
        plot.draw(FOUND, tmp_path / name)
    one, other = ((tmp_path / name).read_bytes() for name in ("one.svg", "other.svg"))
    assert one == other and one.startswith(b"<?xml")


def test_the_plan_has_every_goal():
    """Each row of the goals is measured: at all shapes, and with whom they name."""
    rows = {(row.cell, row.measure, row.shape) for row in FULL.comparisons()}
    for shape in GRID:
        for cell in CONTESTANTS["numpy"].cells:
            assert (cell, BOTH, shape) in rows
        assert ("lstm", FORWARD, shape) in rows


@pytest.mark.peers
def test_the_quick_form_writes_its_files(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--quick", "-o", str(tmp_path)]
    command += ["--seconds", "0.01", "--rounds", "1", "--threads", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    rows = QUICK.comparisons()
    assert [tuple(f["rounds"]) for f in found["times"]] == [row.contestants for row in rows]
    count = len(rows) + len(QUICK.layers()) + len(QUICK.memories())
    assert len(done.stdout.splitlines()) == count
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == table.page(found)
    assert (tmp_path / "speed.svg").stat().st_size > 10_000

    subprocess.run([*command, "--only", "deriving"], cwd=ROOT, capture_output=True, check=True)
    again = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert again["times"] == found["times"] and again["memory"] == found["memory"]


def test_there_must_be_figures_to_keep(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--only", "memory", "-o", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == f"benchmarks: {tmp_path} has no figures to keep: measure all first\n"


def test_memory_that_a_library_keeps_counts():
    held = []

    def run():
        if not held:
            held.append(np.ones(4_000_000))  # 32 MB, at the first call
        return np.ones(1_000_000)  # 8 MB, at each

    assert 35e6 < memory.peak(run) < 50e6
