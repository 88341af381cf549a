"""ONNX models against the NumPy modules: in float32 by onnxruntime, in float64 by ONNX's own
evaluator. What ONNX's operators compute is compared in test_onnx.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hostile_cells import HOSTILE as HOSTILE_TO_DRAW
from hypothesis import Phase, given, settings
from reference import module_of
from some_cells import MATRICES, SEVERAL, SOME, first, sampled
from test_cells_random import any_cells
from written_cells import MATRICES as WITH_MATRICES
from written_cells import READABLE, UNPLEASANT, Fading, Still

import derive
from derive import language, library
from derive.backends.onnx.words import TYPES
from derive.cli import main
from derive.library import load
from derive.nodes import CellError, H, I

pytest.importorskip("onnx", reason="this is what make test-peers installs")
ROOT = Path(__file__).parent.parent
peers = pytest.mark.peers

T, B = 4, 3
LENGTHS = [2, 4, 0]  # one ends early, one not at all, one has not begun
NAMES = ["gru:reset=after", *SOME, *MATRICES, *SEVERAL, "rg_lru", "minlstm"]
EVERY = [*NAMES, *(name for name in library.names() if name not in NAMES)]
RAGGED = pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])


class Both:
    """A cell in NumPy and as a model, with the same random parameters, inputs and states."""

    def __init__(self, cell, dtype="float32", seed=0, **options):
        self.cell, self.numpy, self.dtype = cell, module_of(cell), dtype
        self.rng = np.random.default_rng(seed)
        self.sizes = {a: {"I": 2, "H": 3}.get(a.letter, 4) for a in cell.axes}
        if cell.input_is_wide:
            self.sizes = dict.fromkeys(cell.axes, 3)
        self.params = self.numpy.Params(*self.sizes.values())
        self.params.flat = 0.7 * self.rng.standard_normal(self.params.flat.size)
        self.xs = self.draw_inputs()
        _, state, _ = self.numpy.forward(self.params, self.given(self.xs))
        self.state = [0.5 * self.rng.standard_normal(s.shape) + 1 for s in state]
        self.model = derive.onnx(cell, self.params, dtype=dtype, **options)

    def draw_inputs(self, T=T, B=B):
        shapes = [[self.sizes[a] for a in q.axes] for q in self.cell.inputs]
        return [self.rng.standard_normal((T, B, *shape)) for shape in shapes]

    def given(self, xs):
        return xs[0] if len(xs) == 1 else self.numpy.Inputs(*xs)

    def by_numpy(self, xs=None, state=None, lengths=None):
        """[ys, *final states]"""
        state = self.numpy.State(*(state or self.state))
        lengths = None if lengths is None else np.array(lengths)
        ys, ends, _ = self.numpy.forward(self.params, self.given(xs or self.xs), state, lengths)
        return [ys, *ends]

    def feeds(self, xs=None, state=None, lengths=None, number=1):
        """What the model is given, by name."""
        first = [np.array(number)] if self.cell.number else []
        last = [] if lengths is None else [np.array(lengths)]
        arrays = [a.astype(self.dtype) for a in (*(xs or self.xs), *(state or self.state))]
        count = len(self.cell.inputs)
        arrays[count:count] = [*first, *last]
        return dict(zip((q.name for q in self.model.graph.input), arrays, strict=True))


def by_onnxruntime(model, feeds):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    content = model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"]).run(None, feeds)


def by_reference(model, feeds):
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(model).run(None, feeds)


def close(found, wanted, bound):
    """All arrays, relative to the largest entry of each."""
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape, (one.shape, other.shape)
        scale = max(1.0, float(np.max(np.abs(other), initial=0)))
        error = float(np.max(np.abs(one - other), initial=0)) / scale
        assert error <= bound, error


@peers
@RAGGED
@pytest.mark.parametrize("name", sampled(EVERY, NAMES))
def test_in_float32_onnxruntime_computes_the_same(name, lengths):
    agrees_in_float32(load(name), lengths)


def agrees_in_float32(cell, lengths, **options):
    both = Both(cell, ragged=lengths is not None, **options)
    found = by_onnxruntime(both.model, both.feeds(lengths=lengths))
    close(found, both.by_numpy(lengths=lengths), 1e-5)
    return both


@RAGGED
@pytest.mark.parametrize("name", sampled(EVERY, NAMES[::3]))
def test_in_float64_onnx_s_own_evaluator_does(name, lengths):
    both = Both(load(name), "float64", ragged=lengths is not None)
    found = by_reference(both.model, both.feeds(lengths=lengths))
    close(found, both.by_numpy(lengths=lengths), 1e-12)


@settings(max_examples=25, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(any_cells())
def test_in_float64_random_cells_do_too(cell):
    if cell is not None:
        both = Both(cell, "float64", ragged=True)
        found = by_reference(both.model, both.feeds(lengths=LENGTHS))
        close(found, both.by_numpy(lengths=LENGTHS), 1e-9)


OPTIONS = [
    f"{name}:{option.name}={choice}"
    for name in library.names()
    for option in load(name).options
    for choice in option.choices
    if choice != option.value
]


@peers
@pytest.mark.parametrize("name", first(3, OPTIONS))
def test_with_every_option(name):
    agrees_in_float32(load(name), LENGTHS)


HOSTILE = [*HOSTILE_TO_DRAW, *READABLE, *UNPLEASANT, *WITH_MATRICES, Still]


@peers
@RAGGED
@pytest.mark.parametrize("cell", first(6, HOSTILE[::-1]), ids=lambda cell: cell.title)
def test_cells_that_somebody_wrote(cell, lengths):
    agrees_in_float32(cell, lengths)


def test_a_cell_without_parameters_has_a_model():
    assert [*derive.generate(Fading, "onnx")] == ["fading.onnx"]


NAMES_OF_OTHERS = """
from derive.language import Axis, Cell, H, I, Input, Matrix, Output, Scalar, State, StepNumber
from derive.language import Vector, mean, tanh, where

P = Axis("T", "train")


class Double(Cell):
    float, x = Input(), Input(())
    T_B, steps = StepNumber(), State(P)
    int64, xs, ys = State(), State(), State()
    W, U, b, half = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H, at=lambda row: row / 2)
    ended_s, int64_prev = Scalar(at=0.5), Matrix(P, H)
    seq = Matrix(H, H, trained=False, at=lambda i, j: where(i >= j, 1, 0))

    inf = tanh(W.inf @ float + U.inf @ int64 + b.inf) * x
    number_0 = half * inf + ended_s * (seq @ int64) / T_B
    int64_next = number_0 + mean(steps)
    steps_next = tanh(int64_prev @ int64) + 0 * steps
    xs_next = ys
    ys_next = b.ys_next
    lengths = Output(xs + T_B)
"""


@pytest.fixture
def hostile(tmp_path):
    """A cell whose names ONNX's text, or a model, has already."""
    (tmp_path / "float.py").write_text(NAMES_OF_OTHERS, encoding="utf-8")
    return load(str(tmp_path / "float.py"))


@peers
@RAGGED
def test_names_that_others_have(hostile, lengths):
    agrees_in_float32(hostile, lengths)


class Aside(language.Cell):
    """No step reads the input: it is for the output alone."""

    x = language.Input()
    h = language.State()
    W, U = language.Matrix(H, I), language.Matrix(H, H)

    h_next = language.tanh(U @ h)
    y = language.Output(h_next + W @ x)


@peers
@RAGGED
def test_a_loop_that_reads_nothing_knows_how_many_steps_there_are(lengths):
    agrees_in_float32(derive.load(Aside), lengths)


# --- ONNX's own operators -------------------------------------------------------------------------

OPERATORS = {
    "lstm": "LSTM", "lstm_np": "LSTM", "lstm_peephole": "LSTM", "lstm_coupled": "LSTM",
    "lstm_cifg": "LSTM", "lstm_niaf": "LSTM", "lstm_noaf": "LSTM", "paralstm": "LSTM",
    "gru": "GRU", "gru:reset=after": "GRU", "mgu": "GRU", "mingru": "GRU", "mut2": "GRU",
    "paragru": "GRU", "rnn": "RNN", "rnn:activation=relu": "RNN", "indrnn": "RNN",
}  # fmt: skip


def operators(model):
    return [n.op_type for n in model.graph.node if n.op_type in ("Scan", "LSTM", "GRU", "RNN")]


@peers
@RAGGED
@pytest.mark.parametrize("name", OPERATORS)
def test_cells_that_onnx_has_are_its_operators(name, lengths):
    both = agrees_in_float32(load(name), lengths)
    assert operators(both.model) == [OPERATORS[name]]
    both = agrees_in_float32(load(name), lengths, scan=True)
    assert operators(both.model) == ["Scan"]


@pytest.mark.parametrize("name", first(3, "slstm lstm_1997 t_lstm ugrnn lstm_layer_norm".split()))
def test_others_are_loops(name):
    assert operators(Both(load(name)).model) == ["Scan"]


def test_so_is_everything_in_float64():
    assert operators(Both(load("lstm"), "float64").model) == ["Scan"]


def test_what_an_operator_is_made_with():
    from onnx.helper import get_attribute_value

    def made_with(name):
        (node,) = (n for n in Both(load(name)).model.graph.node if n.op_type in ("GRU", "RNN"))
        return {a.name: get_attribute_value(a) for a in node.attribute}

    assert made_with("gru:reset=after") == {
        "hidden_size": 3, "activations": [b"Sigmoid", b"Tanh"], "linear_before_reset": 1,
    }  # fmt: skip
    assert made_with("mingru") == {
        "hidden_size": 3, "activations": [b"Sigmoid", b"Affine"],
        "activation_alpha": [1.0], "activation_beta": [0.0],
    }  # fmt: skip
    assert made_with("rnn:activation=relu")["activations"] == [b"Relu"]


RENAMED = """
from derive.language import Cell, H, I, Input, Matrix, Output, State, Vector, sigmoid, tanh


class Mine(Cell):
    W, B = Input(), State()
    R = State()
    A, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    close = sigmoid(A.close @ W + U.close @ R + b.close)
    write = sigmoid(A.write @ W + U.write @ R + b.write)
    new = tanh(A.new @ W + U.new @ R + b.new)
    show = sigmoid(A.show @ W + U.show @ R + b.show)
    B_next = B - close * B + write * new
    R_next = Output(show * tanh(B_next))
"""


@peers
@RAGGED
def test_a_reader_s_own_lstm_is_one(tmp_path, lengths):
    """Its forget gate says what is closed, its states come in another order, and have the names of
    the operator's arrays."""
    (tmp_path / "mine.py").write_text(RENAMED, encoding="utf-8")
    both = agrees_in_float32(load(str(tmp_path / "mine.py")), lengths)
    assert operators(both.model) == ["LSTM"]
    assert "-A_close" in both.model.doc_string


@pytest.mark.parametrize("name", ["lstm", "gru:reset=after", "lstm_peephole", "rnn"])
def test_the_parameters_can_be_read_out_of_an_operator_again(tmp_path, name):
    """To the bit, by what reads other people's models."""
    cell, file = load(name), tmp_path / "model.onnx"
    params = module_of(cell).init(np.random.default_rng(0), 2, 3, np.float32)
    params.flat = np.random.default_rng(1).standard_normal(params.flat.size).astype(np.float32)
    file.write_bytes(derive.onnx(cell, params).SerializeToString())
    result = CliRunner().invoke(
        main, ["weights", name, "--from", "onnx", str(file), "-o", str(tmp_path / "found.npz")]
    )
    assert result.exit_code == 0, result.output
    assert module_of(cell).Params.load(tmp_path / "found.npz") == params


@pytest.mark.parametrize("name", first(1, ["gla", "lstm_layer_norm"]))
def test_what_is_the_same_at_every_step_is_computed_once(name):
    """Each node of a step reads something of the step."""
    (scan,) = (n for n in Both(load(name)).model.graph.node if n.op_type == "Scan")
    (body,) = (a.g for a in scan.attribute if a.HasField("g"))
    moving = {q.name for q in body.input}
    for node in body.node:
        assert moving & {*node.input}, node.name
        moving |= {*node.output}


# --- functions that ONNX has not ------------------------------------------------------------------


def probe(function):
    """A cell that is nothing but a function of its input."""

    class Probe(language.Cell):
        x, h = language.Input(H), language.State()
        h_next = function(x) + h

    return derive.load(Probe)


small = 10.0 ** np.arange(-30, 1.9, 0.037)
POINTS = np.concatenate([small, -small, np.linspace(-80, 80, 4001), [0.0]])
TRUE = {
    "expm1": np.expm1,
    "log1p": np.log1p,
    "softplus": lambda x: np.logaddexp(0, x),
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
}


@peers
@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_they_are_exact_in_all_but_the_last_digit(name, dtype):
    """Four units in the last place: relative to the value, however small it is."""
    x = (POINTS[POINTS > -0.999] if name == "log1p" else POINTS).astype(dtype)
    model = derive.onnx(probe(getattr(language, name)), {}, sizes={"H": len(x)}, dtype=dtype)
    wanted = TRUE[name](x.astype(np.longdouble))
    feeds = {"xs": x[None, None], "h": np.zeros((1, len(x)), dtype)}
    for run in (by_onnxruntime, by_reference):
        found = run(model, feeds)[0][0, 0].astype(np.longdouble)
        error = np.abs(found - wanted)[wanted != 0] / np.abs(wanted)[wanted != 0]
        assert error.max() < 4 * np.finfo(dtype).eps
        assert (found[wanted == 0] == 0).all()


@peers
@pytest.mark.parametrize("name, limits", [
    ("expm1", [-1, np.inf]), ("softplus", [0, np.inf]), ("log_sigmoid", [-np.inf, 0]),
    ("log1p", [np.nan, np.inf]),
])  # fmt: skip
def test_far_away_they_are_their_limits(name, limits):
    model = derive.onnx(probe(getattr(language, name)), {}, sizes={"H": 3})
    x = np.array([-np.inf, np.inf, np.nan], np.float32)
    feeds = {"xs": x[None, None], "h": np.zeros((1, 3), np.float32)}
    found = by_onnxruntime(model, feeds)[0].ravel()
    np.testing.assert_array_equal(found, np.array([*limits, np.nan], np.float32))


# --- names ----------------------------------------------------------------------------------------


def values(graph):
    """The names of all values of a graph, as often as they are given out, those of loops in it
    behind."""
    yield from (q.name for q in (*graph.input, *graph.initializer))
    for node in graph.node:
        yield from node.output
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from values(attribute.g)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("name", sampled(EVERY, NAMES[::3]))
def test_no_name_is_given_out_twice(name, ragged):
    check_names(load(name), ragged)


@pytest.mark.parametrize("ragged", [False, True])
def test_nor_is_one_that_somebody_has_chosen(hostile, ragged):
    check_names(hostile, ragged)


def check_names(cell, ragged):
    for scan in (False, True):
        names = list(values(Both(cell, ragged=ragged, scan=scan).model.graph))
        assert len(names) == len(set(names)) and not set(names) & TYPES


def test_types_are_words_of_the_text():
    from onnx import TensorProto

    assert {name.lower() for name, _ in TensorProto.DataType.items()} - {"undefined"} <= TYPES


# --- how a model is used --------------------------------------------------------------------------


def session(model):
    import onnxruntime

    content = model.SerializeToString()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


@peers
@pytest.mark.parametrize("name", ["lstm", "slstm", "gla", "gru_d", "unicornn"])
def test_it_streams(name):
    """What one call ends with, the next one starts with; so for pieces, and for single steps."""
    both = Both(load(name))
    run = session(both.model).run
    whole = run(None, both.feeds())
    for cuts in ([1], [1, 3], range(1, T)):
        pieces = [np.split(x, cuts) for x in both.xs]
        ys, state = [], both.state
        for k in range(len(cuts) + 1):
            y, *state = run(None, both.feeds([piece[k] for piece in pieces], state))
            ys.append(y)
        close([np.concatenate(ys), *state], whole, 1e-6)


@peers
def test_the_number_of_a_step_goes_on(hostile):
    both = Both(hostile)
    run = session(both.model).run
    whole = run(None, both.feeds())
    ys, *state = run(None, both.feeds([x[:3] for x in both.xs]))
    rest, *state = run(None, both.feeds([x[3:] for x in both.xs], state, number=4))
    close([np.concatenate([ys, rest]), *state], whole, 1e-6)


@peers
@pytest.mark.parametrize("name", ["lstm_peephole", "mamba2"])
def test_a_session_takes_any_number_of_steps_and_sequences(name):
    both = Both(load(name))
    run = session(both.model).run
    for steps, rows in ((1, 1), (7, 5), (2, 1)):
        xs = both.draw_inputs(steps, rows)
        state = [np.repeat(s[:1], rows, 0) for s in both.state]
        close(run(None, both.feeds(xs, state)), both.by_numpy(xs, state), 1e-5)


@peers
def test_no_step_at_all_is_refused_by_what_runs_it():
    """Neither onnxruntime nor ONNX's evaluator has a Scan over nothing."""
    both = Both(load("rnn"), scan=True)
    feeds = both.feeds([x[:0] for x in both.xs])
    for run in (by_onnxruntime, by_reference):  # that of LSTM, GRU and RNN fails at it, too
        with pytest.raises(Exception, match="Scan"):
            run(both.model, feeds)


@peers
def test_what_stands_past_a_sequence_s_end_does_not_matter():
    both = Both(load("lstm"), ragged=True)
    feeds = both.feeds(lengths=LENGTHS)
    wanted = by_onnxruntime(both.model, feeds)
    for b, length in enumerate(LENGTHS):
        feeds["xs"][length:, b] = np.nan
    for one, other in zip(by_onnxruntime(both.model, feeds), wanted, strict=True):
        assert np.array_equal(one, other)


def test_a_model_says_what_it_is():
    model = Both(load("slstm")).model
    graph = model.graph
    assert [i.version for i in model.opset_import if not i.domain] == [18] and model.ir_version == 8
    assert model.producer_name == "Cellwright" and model.producer_version == derive.VERSION
    assert "xLSTM" in model.doc_string and "h_next = o * c_next / n_next" in model.doc_string
    assert [q.name for q in graph.input] == ["xs", "h", "c", "n", "m"]
    assert [q.name for q in graph.output] == ["ys", "h_final", "c_final", "n_final", "m_final"]
    dims = [d.dim_param or d.dim_value for d in graph.input[0].type.tensor_type.shape.dim]
    assert dims == ["T", "B", 2]
    notes = {q.name: q.doc_string for q in graph.input}
    assert "-1e+30" in notes["m"] and "0 " in notes["h"]


@pytest.mark.parametrize("name", sampled(EVERY, NAMES[::3]))
def test_quantities_keep_their_names(name):
    """Every quantity of an equation is a value of that name; its node has it, too."""
    cell = load(name)
    graph = Both(cell, scan=True).model.graph
    (scan,) = (node for node in graph.node if node.op_type == "Scan")
    body = scan.attribute[-1].g if scan.attribute[-1].HasField("g") else scan.attribute[0].g
    nodes = [node for node in (*graph.node, *body.node) if node is not scan]
    for node in nodes:
        assert list(node.output) == [node.name]
    made = {name for node in nodes for name in node.output}
    made |= {q.name for q in (*body.input, *graph.input)}
    made |= {q.name for q in graph.initializer}
    for e in cell.equations:
        assert made & {e.lhs.name, f"{e.lhs.name}_s"} or e.lhs == cell.output, e
    assert {p.name for p in cell.parameters} <= {q.name for q in graph.initializer}


def test_parameters_are_those_given():
    from onnx.numpy_helper import to_array

    both = Both(load("gru"), scan=True)
    found = {q.name: to_array(q) for q in both.model.graph.initializer}
    for name, array in both.params.items():
        assert np.array_equal(found[name], array.astype(np.float32))


def test_the_type_is_that_of_the_parameters():
    from onnx.numpy_helper import to_array

    cell = load("rnn")
    for dtype in (np.float32, np.float64):
        params = module_of(cell).init(np.random.default_rng(0), 2, 3, dtype)
        model = derive.onnx(cell, params)
        assert to_array(model.graph.initializer[0]).dtype == dtype
    assert to_array(derive.onnx(cell).graph.initializer[0]).dtype == np.float32


def test_without_parameters_they_are_drawn():
    from onnx.numpy_helper import to_array

    cell = load("lstm")
    model = derive.onnx(cell, sizes={"I": 2, "hidden_size": 3}, seed=5, dtype="float64")
    params = module_of(cell).init(np.random.default_rng(5), 2, 3)
    found = {q.name: to_array(q) for q in model.graph.initializer}
    assert all(np.array_equal(found[name], params[name]) for name in params)
    assert to_array(derive.onnx(cell, scan=True).graph.initializer[0]).shape == (8, 8)


@pytest.mark.parametrize("given, words", [
    ({"params": {"W": np.ones((3, 2))}}, "'U'"),
    ({"params": {"W": np.ones((3, 2)), "V": 1.0}}, "'V'"),
    ({"params": {"W": np.ones((3, 2)), "U": np.ones((3, 2)), "b": np.ones(3)}}, "H is"),
    ({"params": {"W": np.ones((3, 2)), "U": np.ones((3, 3)), "b": 1.0}}, "b must have shape (3,)"),
    ({"sizes": {"K": 3}}, "'K'"),
    ({"sizes": {"H": 0}}, "at least 1"),
    ({"dtype": "float16"}, "'float16'"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(given, words):
    with pytest.raises(CellError) as raised:
        derive.onnx(load("rnn"), **given)
    assert words in str(raised.value) and "\n" not in str(raised.value)


def test_without_the_package_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx.parser", None)
    with pytest.raises(CellError, match=r"pip install 'cellwright\[onnx\]'"):
        derive.onnx(load("rnn"))


# --- the command ----------------------------------------------------------------------------------


def generate(*arguments):
    return CliRunner().invoke(main, ["generate", *map(str, arguments)])


@peers
def test_the_command_writes_the_model_of_a_trained_cell(tmp_path):
    import onnx

    both = Both(load("gru"))
    both.params.save(tmp_path / "trained.npz")
    arguments = ("gru", "--backend", "onnx", "--weights", tmp_path / "trained.npz")
    result = generate(*arguments, "--float32", "--ragged", "-o", tmp_path)
    assert result.exit_code == 0, result.output
    model = onnx.load(tmp_path / "gru.onnx")
    found = by_onnxruntime(model, both.feeds() | {"lengths": np.array(LENGTHS)})
    close(found, both.by_numpy(lengths=LENGTHS), 1e-5)


@pytest.mark.parametrize("backend, option, words", [
    ("numpy", ("--size", "H=3"), "numpy takes no sizes"),
    ("torch", ("--ragged",), "torch takes no ragged"),
    ("c", ("--float64",), "c takes no dtype"),
    ("onnx", ("--size", "H"), "AXIS=N"),
    ("onnx", ("--weights", "nothing.npz"), "nothing.npz"),
    ("onnx", ("--store", "states"), "keeps 'states'"),
])  # fmt: skip
def test_what_a_target_does_not_take_is_refused(tmp_path, backend, option, words):
    result = generate("rnn", "--backend", backend, *option, "-o", tmp_path)
    assert result.exit_code == 2 and words in result.output and result.output.count("\n") == 1
    assert not list(tmp_path.iterdir())


SCRIPT = """
import hashlib, derive
for name in ("lstm", "gla", "slstm"):
    print(hashlib.sha256(derive.generate(derive.load(name), "onnx")[f"{name}.onnx"]).hexdigest())
"""


def test_the_same_bytes_whatever_the_seed_of_hashes():
    said = set()
    for seed in "12":
        env = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", SCRIPT]
        said.add(subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=True).stdout)
    assert len(said) == 1
