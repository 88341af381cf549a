"""The parameters of a generated module as people handle them: kept in files, compared, assigned to.

What looks as if it worked has to work, or else to say that it does not.
"""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest
from some_cells import VECTORS

from derive.compiler import generate, module
from derive.library import load

PARAMETERLESS = """
from derive.language import *

class Plain(Cell):
    x = Input(H)
    h = State()
    h_next = tanh(x + h)
"""
UNPLEASANT = """
from derive.language import *

class Named(Cell):
    x = Input()
    h = State()
    file, path, self = Matrix(H, I), Matrix(H, H), Vector(H)
    h_next = tanh(file @ x + path @ h + self)
"""


@pytest.fixture(scope="module", params=VECTORS)
def m(request):
    return importlib.import_module(f"generated.{request.param}")


def made(m, dtype=np.float64, seed=0):
    """Random parameters; input and hidden size are alike, since some cells want that."""
    rng = np.random.default_rng(seed)
    count = m.Params.__init__.__code__.co_argcount - 2
    params = m.Params(*[4, 4, 5, 6][:count], dtype)
    params.flat[:] = rng.standard_normal(params.flat.size)
    return params


@pytest.fixture
def own(tmp_path):
    def loaded(text):
        (tmp_path / "mine.py").write_text(text)
        return module(load(str(tmp_path / "mine.py")))

    return loaded


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_what_is_saved_is_loaded(m, tmp_path, dtype):
    params = made(m, dtype)
    params.save(tmp_path / "weights")
    again = m.Params.load(tmp_path / "weights")
    assert again == params and again.flat.dtype == dtype and repr(again) == repr(params)
    assert [p.name for p in tmp_path.iterdir()] == ["weights"]  # where it was said, and no else


def test_numpy_reads_the_file_by_names(m, tmp_path):
    params = made(m)
    params.save(tmp_path / "weights.npz")
    with np.load(tmp_path / "weights.npz") as file:
        for name, view in params.items():
            np.testing.assert_array_equal(file[name], view)


def test_saving_again_replaces(m, tmp_path):
    made(m).save(tmp_path / "w")
    made(m, seed=1).save(tmp_path / "w")
    assert m.Params.load(tmp_path / "w") == made(m, seed=1)


@pytest.mark.parametrize("text", [PARAMETERLESS, UNPLEASANT], ids=["none", "unpleasant"])
def test_any_names_can_be_saved(own, tmp_path, text):
    m = own(text)
    params = made(m)
    params.save(tmp_path / "w")
    assert m.Params.load(tmp_path / "w") == params


def test_the_parameters_of_another_cell_are_not_loaded(tmp_path):
    gru, lstm = module(load("gru")), module(load("lstm"))
    made(gru).save(tmp_path / "w")
    with pytest.raises(ValueError, match=r"w has the parameters W_z, .*, but W_i, .* are needed"):
        lstm.Params.load(tmp_path / "w")


@pytest.mark.parametrize("wrong", ["an array", "no sizes", "a shape", "a text", "objects"])
def test_another_file_is_not_loaded(tmp_path, wrong):
    m = module(load("rnn"))
    params, path = made(m), tmp_path / "w"
    contents = {"_sizes": params._sizes, **params}
    if wrong == "no sizes":
        del contents["_sizes"]
    if wrong == "a shape":
        contents["W"] = np.zeros((2, 9))
    if wrong == "objects":
        contents["W"] = np.array([{}], object)
    with path.open("wb") as file:
        np.save(file, params) if wrong == "an array" else np.savez(file, **contents)
    if wrong == "a text":
        path.write_text("W = 1")
    with pytest.raises(ValueError):
        m.Params.load(path)


def test_as_an_array_they_are_all_of_their_values(m, tmp_path):
    params = made(m)
    np.save(tmp_path / "flat.npy", params)
    np.testing.assert_array_equal(np.load(tmp_path / "flat.npy"), params.flat)
    assert np.shares_memory(np.asarray(params), params.flat)
    assert not np.shares_memory(np.array(params), params.flat)
    assert np.asarray(params, np.float32).dtype == np.float32


# --- equality ------------------------------------------------------------------------------------


def test_they_are_equal_where_their_values_are(m):
    params, other = made(m), made(m)
    assert params == other and np.array_equal(params, other)
    assert params == dict(other) and dict(other) == params
    for k in range(params.flat.size):
        other.flat[k] += 1
        assert params != other and not np.array_equal(params, other)
        other.flat[k] = params.flat[k]
    other.flat[0] = np.nan
    assert params != other and other != other.copy()


def test_they_are_equal_to_no_others():
    one, other = made(module(load("rnn"))), made(module(load("gru")))
    assert one != other and one != None and one != 3 and one != one.flat.tolist()  # noqa: E711
    assert one != module(load("rnn")).Params(4, 5)
    with pytest.raises(TypeError, match="hash"):
        hash(one)


# --- assignment ----------------------------------------------------------------------------------


def test_nothing_is_assigned_to_that_is_not_read(m):
    params = made(m)
    before = params.copy()
    for name in (*params, "hidden_size", "input_size", "stacked", "W_zzz", "_flat", "__dict__"):
        said = rf"Params\.{name} cannot .* items, params\[name\], and all of them are params\.flat$"
        with pytest.raises(AttributeError, match=said):
            setattr(params, name, 1.0)
    assert params == before and vars(params).keys() == vars(before).keys()


# --- a module that is reloaded -------------------------------------------------------------------


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes a cell's module, and imports it or reloads it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def imported(spec, store="all"):
        (text,) = generate(load(spec), store=store).values()
        (tmp_path / "reloaded.py").write_text(text)
        importlib.invalidate_caches()
        found = sys.modules.get("reloaded")
        return importlib.reload(found) if found else importlib.import_module("reloaded")

    yield imported
    sys.modules.pop("reloaded", None)


@pytest.mark.parametrize("name", ["rnn", "lstm", "slstm"])
def test_a_module_that_is_reloaded_takes_what_it_made(written, name):
    m = written(name)
    params, xs = made(m), np.ones((3, 2, 4))
    ys, final, tape = m.forward(params, xs)
    want = m.backward(params, tape, ys, final)
    old = m.Params
    assert written(name).Params is not old
    assert m.backward(params, tape, ys, final)[0] == want[0]
    np.testing.assert_allclose(m.forward(params, xs, final)[0][0], m.step(params, xs[0], final)[0])
    m.jvp(params, tape, params, xs, final), m.hvp(params, tape, ys, params, xs, final)
    assert type(m.forward(params, xs)[2]) is m.Tape and type(params.copy()) is m.Params


def test_but_not_what_another_cell_made_before(written):
    m = written("lstm")
    params, xs = made(m), np.ones((3, 2, 4))
    ys, _, tape = m.forward(params, xs)
    m = written("gru")
    with pytest.raises(TypeError, match=r"reloaded\.Params with the parameters W_z, "):
        m.forward(params, xs)
    with pytest.raises(TypeError, match="tape"):
        m.backward(made(m), tape, ys)


def test_nor_what_lies_elsewhere_in_memory(written, monkeypatch):
    """The same parameters in another order would be taken for each other."""
    m = written("lstm")
    params = made(m)
    order = list(reversed(m.Params.SHAPES.items()))
    monkeypatch.setattr(written("lstm").Params, "SHAPES", dict(order))
    with pytest.raises(TypeError, match="params must be"):
        m.forward(params, np.ones((3, 2, 4)))
