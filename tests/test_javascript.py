"""The generated JavaScript gives NumPy's numbers, and tells what is wrong with what it is given.

What holds of its text, and needs no Node to be seen, is in `test_javascript_text`.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache

import numpy as np
import pytest
import reference
from hypothesis import given, note
from javascript import RUN, Result, Type, run, text_of
from test_cells_random import SIZES, any_cells
from test_library import SPECS
from test_names import TOGETHER, body, written
from test_program import CELLS, QUIET, cell_called
from written_cells import MATRICES, READABLE

from derive.adjoint import adjoint
from derive.library import load
from derive.nodes import H, axes_of

pytestmark = pytest.mark.node
T, B, LENGTHS = 4, 3, (4, 0, 2)
BATCHES = {"ragged": (T, B, LENGTHS), "one sequence": (3, 1, None), "no steps": (0, 2, None)}


@cache
def texts(spec, store):
    """A built-in cell, or one of the tests', its NumPy module and its JavaScript."""
    cell = cell_called(spec) if spec in CELLS else load(spec)
    return cell, reference.module_of(cell, store), text_of(cell, store)


def both(cell, store="all"):
    return cell, reference.module_of(cell, store), text_of(cell, store)


class Numbers:
    """Arguments for both modules of a cell."""

    def __init__(self, three, batch=(T, B, LENGTHS), dtype=np.float64, scale=0.6):
        self.cell, self.numpy, self.text = three
        self.T, self.B, self.lengths = batch
        rng = np.random.default_rng(0)
        self.sizes = {axis.argument: SIZES.get(axis.argument, 4) for axis in self.cell.axes}
        if self.cell.input_is_wide:
            self.sizes = dict.fromkeys(self.sizes, 3)

        def draw(*shape):
            return (rng.normal(size=shape) * scale).astype(dtype)

        self.params = self.numpy.Params(*self.sizes.values(), dtype)
        self.params.flat[:] = draw(self.params.flat.size)
        drawn = [draw(self.T, self.B, *(self.shape(q) if q.axes else ())) for q in self.cell.inputs]
        self.xs = self.numpy.Inputs(*drawn) if len(drawn) > 1 else drawn[0]
        self.dys = draw(self.T, self.B, *self.shape(self.cell.output))
        self.state = {s.name: draw(self.B, *self.shape(s)) for s in self.cell.states}
        self.dstate = {s.name: draw(self.B, *self.shape(s)) for s in self.cell.states}

    def shape(self, q):
        return [self.sizes[axis.argument] for axis in q.axes] or [1]

    # in Python

    def wanted(self):
        m, state = self.numpy, self.numpy.State(**self.state)
        lengths = None if self.lengths is None else list(self.lengths)
        with np.errstate(all="ignore"):
            ys, final, tape = m.forward(self.params, self.xs, state, lengths)
            dparams, dxs, dstate = m.backward(self.params, tape, self.dys, m.State(**self.dstate))
            found = {"ys": ys, **inputs("dxs", dxs), "dparams": dparams.flat}
            found |= named("final", final._asdict()) | named("dstate", dstate._asdict())
            for t in range(self.T):
                x = reference.at(self.xs, t)
                y, state = m.step(self.params, x, state, *reference.number(self.cell, t))
                found |= {"step y": y, **named("step", state._asdict())}
        return found

    # in JavaScript

    def calls(self):
        state = {k: v.ravel() for k, v in self.state.items()}
        dstate = {k: v.ravel() for k, v in self.dstate.items()}
        options = {"B": self.B, "state": state}
        options |= {} if self.lengths is None else {"lengths": list(self.lengths)}
        calls = [
            ("Params", [self.sizes, self.params.flat, Type(self.params.flat.dtype)]),
            ("forward", [Result(0), flat(self.xs), options]),
            ("backward", [Result(0), Result(1, ("tape",)), self.dys.ravel(), dstate]),
        ]
        for t in range(self.T):
            x = flat(reference.at(self.xs, t))
            calls.append(("step", [Result(0), x, state, *reference.number(self.cell, t)]))
            state = Result(len(calls) - 1, ("state",))
        return calls

    def got(self):
        results = run(self.text, self.calls())
        assert not [r["message"] for r in results if "error" in r]
        params, forward, backward, *steps = results
        assert np.array_equal(params["flat"], self.params.flat, equal_nan=True), "left unchanged"
        found = {
            "ys": forward["ys"],
            **inputs("dxs", backward["dxs"]),
            "dparams": backward["dparams"]["flat"],
        }
        found |= named("final", forward["state"]) | named("dstate", backward["dstate"])
        for step in steps[-1:]:
            found |= {"step y": step["y"], **named("step", step["state"])}
        return found

    def check(self, tolerance=1e-12):
        got, wanted = self.got(), self.wanted()
        assert got.keys() == wanted.keys()
        for key, want in wanted.items():
            assert got[key].dtype == want.dtype, key
            close(got[key].reshape(want.shape), want, key, tolerance)


def flat(xs):
    """Inputs as JavaScript takes them: an array, or an object of several."""
    return {k: a.ravel() for k, a in xs._asdict().items()} if isinstance(xs, tuple) else xs.ravel()


def inputs(name, dxs):
    """What belongs to the inputs, one or several, by name."""
    dxs = dxs._asdict() if isinstance(dxs, tuple) else dxs
    return named(name, dxs) if isinstance(dxs, dict) else {name: dxs}


def named(name, results):
    return {f"{name} {key}": value for key, value in results.items()}


def close(got, want, what, tolerance=1e-12):
    scale = 1 + np.abs(want[np.isfinite(want)]).max(initial=0)
    np.testing.assert_allclose(
        got, want, rtol=tolerance, atol=tolerance * scale, equal_nan=True, err_msg=str(what)
    )


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", SPECS)
def test_every_cell(spec):
    """With every option, on sequences of different lengths."""
    Numbers(texts(spec, "all")).check()


@pytest.mark.parametrize("cell", [*READABLE, *MATRICES], ids=lambda cell: cell.title)
def test_every_word(cell):
    Numbers(both(cell)).check()


@pytest.mark.parametrize("store", ["all", "states", "everything"])
@pytest.mark.parametrize("name", CELLS)
def test_batches_and_what_is_stored(name, store):
    for batch in BATCHES.values():
        Numbers(texts(name, store), batch).check()


@pytest.mark.parametrize("name", CELLS)
def test_float32(name):
    three = texts(name, "all")
    single, double = Numbers(three, dtype=np.float32), Numbers(three)
    got = single.got()
    assert {array.dtype for array in got.values()} == {np.dtype(np.float32)}
    for key, want in double.wanted().items():
        close(got[key].reshape(want.shape), want, key, 1e-4)


@pytest.mark.parametrize("scale", [30, 1e4])
@pytest.mark.parametrize("name", ["lstm", "gru", "slstm", "lstm_layer_norm"])
def test_saturated(name, scale):
    Numbers(texts(name, "all"), scale=scale).check()


@pytest.mark.parametrize("name", ["lstm", "gru", "slstm", "qrnn"])
def test_what_is_past_an_end_does_not_matter(name):
    clean, poisoned = Numbers(texts(name, "all")), Numbers(texts(name, "all"))
    for array in (poisoned.xs, poisoned.dys):
        array[np.arange(T)[:, None] >= LENGTHS] = np.nan
    got = poisoned.got()
    for key, want in clean.got().items():
        if not key.startswith("step"):
            assert np.array_equal(got[key], want), key


def test_nan_goes_through():
    numbers = Numbers(texts("lstm", "all"), (3, 1, None))
    numbers.xs[1] = np.nan
    ys = numbers.got()["ys"].reshape(3, -1)
    assert np.isfinite(ys[0]).all() and np.isnan(ys[1:]).all()


def test_a_sequence_that_has_ended_does_not_go_on():
    """What would overflow if it went on stays what it was, and harms no gradient."""
    lines = ["x, h, W, U = Input(), State(), Matrix(H, I), Matrix(H, H)", "h_next = W @ x + U @ h"]
    n = Numbers(both(body(lines)), (1100, 2, (1, 1100)))
    n.params.flat[:] = 0
    n.params["U"][...] = 2 * np.eye(len(n.params["U"]))
    n.state["h"][1] = n.dys[:, 1] = n.dstate["h"][1] = (
        0  # there is nothing to grow in the other one
    )
    n.check()
    assert all(np.isfinite(array).all() for key, array in n.got().items() if key[:4] != "step")


def test_what_is_given_stays_as_it_is_and_what_is_returned_is_nobody_else_s():
    """Outputs share no memory with the tape, nor with states; what is past an end is not wiped out
    in the caller's arrays."""
    shared = """
        export function shared(params, xs, dys, lengths) {
          const given = [xs, dys, params.flat].map((array) => array.slice());
          const { ys, state, tape } = forward(params, xs, { B: 3, lengths });
          const { dparams, dxs, dstate } = backward(params, tape, dys);
          const { y, state: next } = step(params, xs.slice(0, xs.length / 4), state);
          const isSame = (array, n) => array.every((value, k) => value === given[n][k]);
          const own = [xs, dys, params.flat, ys, y, dxs, dparams.flat];
          own.push(...[state, dstate, next].flatMap((states) => Object.values(states)));
          const kept = Object.values(tape).filter((value) => value.buffer && value !== xs);
          const buffers = [...own, ...kept].map((array) => array.buffer);
          return {
            unchanged: [xs, dys, params.flat].every(isSame),
            apart: new Set(buffers).size === buffers.length,
          };
        }
    """
    for spec in ("lstm", "gru", "scrn", "qrnn", "slstm"):
        for store in ("all", "everything"):
            n = Numbers(texts(spec, store))
            for lengths in (list(LENGTHS), [T] * B):
                *_, found = run(n.text + shared, [
                    n.calls()[0],
                    ("shared", [Result(0), n.xs.ravel(), n.dys.ravel(), lengths]),
                ])  # fmt: skip
                assert found == {"unchanged": True, "apart": True}, (spec, store, lengths)


@QUIET
@given(any_cells())
def test_a_random_cell(cell):
    if cell is not None:
        note("\n".join(map(str, cell.equations)))
        Numbers(both(cell)).check(1e-9)


@pytest.mark.parametrize("name", TOGETHER)
def test_names_that_meet(name):
    Numbers(both(written(TOGETHER[name]))).check()


RESERVED = """
    new var let function this delete typeof instanceof arguments undefined null NaN Infinity Math
    Array Float64Array prototype constructor toString valueOf export package eval enum interface
    static yield_ params tape xs dys state lengths row col seq t B others values adjoints
    ArrayType Params Object step forward sigmoid final part masked checkTape hasOwnProperty
""".split()


@pytest.mark.parametrize("start", range(0, len(RESERVED), 10))
def test_reserved_words_as_names(start):
    """Each as a state, a parameter, a gate and a vector of a cell that is otherwise the same."""
    words = RESERVED[start : start + 10] + RESERVED[: max(0, start + 10 - len(RESERVED))]
    roles = "h c k W U b i f g o".split()
    plain, hostile = written({}), written(dict(zip(roles, words, strict=True)))
    wanted, got = Numbers(both(plain)).wanted(), Numbers(both(hostile)).got()
    for want, (key, found) in zip(wanted.values(), got.items(), strict=True):
        close(found.reshape(want.shape), want, key)


# --- every quantity and every adjoint ------------------------------------------------------------


class Seen:
    """What a module that keeps everything gives, and the equations read one by one."""

    def __init__(self, spec, batch):
        self.numbers = Numbers(texts(spec, "everything"), batch)
        self.cell = self.numbers.cell
        self.equations = adjoint(self.cell).forward
        _, forward, backward, *_ = run(self.numbers.text, self.numbers.calls())
        self.values, self.adjoints = forward["values"], backward["adjoints"]

    def shape(self, q):
        return (self.numbers.T, self.numbers.B, *self.numbers.shape(q))

    def follow(self, pushed=None, by=0.0):
        """The loss, and every quantity at every step, where an entry of one may be pushed."""
        n = self.numbers
        letters = {axis.letter: n.sizes[axis.argument] for axis in self.cell.axes}
        now, found, loss = {s: n.state[s.name] for s in self.cell.states}, {}, 0.0

        def keep(env, q, value, t):
            value = np.array(np.broadcast_to(value, (n.B, *n.shape(q))))
            if pushed and pushed[0] == q and pushed[1] == t:
                value[pushed[2:]] += by
            env[q] = value
            found.setdefault(q, []).append(value)

        given = reference.given(self.cell, n.xs)
        for t in range(n.T):
            env = {p: n.params[p.name] for p in self.cell.parameters}
            for q, value in (*((q, a[t]) for q, a in given.items()), *now.items()):
                keep(env, q, value, t)
            for e in self.equations:
                keep(env, e.lhs, reference.value(e.rhs, env, letters), t)
            now = {s: env[new] for s, new in self.cell.updates.items()}
            loss += np.sum(n.dys[t] * env[self.cell.output])
        loss += sum(np.sum(n.dstate[s.name] * value) for s, value in now.items())
        return loss, found


@pytest.mark.parametrize("spec", SPECS)
def test_the_value_of_every_quantity(spec):
    seen = Seen(spec, (3, 2, None))
    _, found = seen.follow()
    assert seen.values.keys() == {q.name for q in found}
    assert seen.values.keys() >= {e.lhs.name for e in seen.cell.equations}
    for q, steps in found.items():
        close(seen.values[q.name].reshape(seen.shape(q)), np.array(steps), q)


@pytest.mark.parametrize("name", CELLS)
def test_the_adjoint_of_every_quantity(name):
    """The derivative of the loss by an entry of a quantity at a step: what becomes of the loss when
    that entry alone is pushed."""
    seen, size = Seen(name, (2, 1, None)), 1e-5
    adjoints = {q: seen.adjoints.get(q.name) for q in seen.follow()[1]}
    assert seen.adjoints.keys() <= {q.name for q in adjoints}
    for q, got in adjoints.items():
        want = np.zeros(seen.shape(q))
        for at in np.ndindex(*want.shape):
            up, down = (seen.follow((q, *at), by)[0] for by in (size, -size))
            want[at] = (up - down) / (2 * size)
        got = np.zeros(want.shape) if got is None else got.reshape(want.shape)
        close(got, want, q, 1e-7)


def test_adjoints_are_zero_past_an_end_and_the_same_before():
    ragged = Seen("lstm", (T, B, LENGTHS))
    for name, array in ragged.adjoints.items():
        steps = array.reshape(T, B, -1)
        assert not steps[np.arange(T)[:, None] >= LENGTHS].any(), name
        assert steps[: LENGTHS[2], 2].any(), name


def test_the_readme_s_program_runs(tmp_path):
    readme = (RUN.parent.parent / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```js\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "lstm.mjs").write_text(texts("lstm", "all")[2], encoding="utf-8")
    path = tmp_path / "program.mjs"
    path.write_text(program.replace("./generated/javascript/lstm.js", "./lstm.mjs"))
    done = subprocess.run(["node", path], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"Float64Array\(4\) \[\s*(-?0\.0\d+,?\s+){4}\]\s*", done.stdout)


# --- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3])
def test_without_a_state_sequences_start_where_the_cell_says(size):
    n = Numbers(texts("slstm", "all"), (3, size, None))
    options = [{"B": size}] if size > 1 else []
    _params, forward, step, backward = run(n.text, [
        ("Params", [n.sizes, n.params.flat, Type(np.float64)]),
        ("forward", [Result(0), n.xs.ravel(), *options]),
        ("step", [Result(0), n.xs[0].ravel()]),
        ("backward", [Result(0), Result(1, ("tape",)), n.dys.ravel()]),
    ])  # fmt: skip
    ys, final, tape = n.numpy.forward(n.params, n.xs)
    dparams, _, dstate = n.numpy.backward(n.params, tape, n.dys)
    close(forward["ys"].reshape(ys.shape), ys, "ys")
    close(forward["state"]["m"], final.m.ravel(), "m")
    close(step["y"], ys[0].ravel(), "y")
    close(backward["dparams"]["flat"], dparams.flat, "dparams")
    close(backward["dstate"]["c"], dstate.c.ravel(), "dc")


def test_a_state_that_is_called_like_a_member_of_every_object_starts_at_zero():
    states = dict(zip("hcm", ("toString", "constructor", "valueOf"), strict=True))
    n = Numbers(both(written(states)), (3, 1, None))
    _params, forward, step = run(n.text, [
        ("Params", [n.sizes, n.params.flat, Type(np.float64)]),
        ("forward", [Result(0), n.xs.ravel()]),
        ("step", [Result(0), n.xs[0].ravel()]),
    ])  # fmt: skip
    ys, final, _ = n.numpy.forward(n.params, n.xs)
    close(forward["ys"].reshape(ys.shape), ys, "ys")
    close(step["y"].reshape(ys[0].shape), ys[0], "y")
    for name, want in final._asdict().items():
        close(forward["state"][name].reshape(want.shape), want, name)


def test_init_draws_what_numpy_draws():
    n = Numbers(texts("lstm", "all"))
    rng = np.random.default_rng(3)
    uniform = np.random.default_rng(3).random(1000)
    want = n.numpy.init(rng, *n.sizes.values())
    text = (
        n.text + "\nexport const drawn = (numbers, sizes, ArrayType) => {\n"
        "  let k = 0;\n  return init(() => numbers[k++], sizes, ArrayType);\n};\n"
    )
    (got,) = run(text, [("drawn", [uniform, n.sizes])])
    close(got["flat"], want.flat, "init")
    (single,) = run(text, [("drawn", [uniform, n.sizes, Type(np.float32)])])
    assert single["flat"].dtype == np.float32


def test_seeded_numbers():
    """Mulberry32, as its author has it, in Python."""

    def mulberry(a, count):
        for _ in range(count):
            a = (a + 0x6D2B79F5) & 0xFFFFFFFF
            t = ((a ^ (a >> 15)) * (a | 1)) & 0xFFFFFFFF
            t = (t ^ (t + ((t ^ (t >> 7)) * (t | 61) & 0xFFFFFFFF))) & 0xFFFFFFFF
            yield ((t ^ (t >> 14)) & 0xFFFFFFFF) / 2**32

    text = (
        text_of(load("rnn")) + "\nexport const drawn = (seed) =>"
        " Float64Array.from({ length: 1000 }, seeded(seed));\n"
    )
    for seed in (0, 1, 12345, 2**31):
        (got,) = run(text, [("drawn", [seed])])
        assert got.tolist() == list(mulberry(seed, 1000))
        assert abs(got.mean() - 0.5) < 0.05


def wrong(call, change):
    """The error when an argument of a call is another."""
    n = Numbers(texts("lstm", "all"))
    calls = n.calls()[:4]
    at = ["Params", "forward", "backward", "step"].index(call)
    name, args = calls[at]
    calls[at] = (name, change(list(args)))
    result = run(n.text, calls)[at]
    return result["error"], result["message"]


def other(at, value):
    return lambda args: [*args[:at], value, *args[at + 1 :]]


def option(**changes):
    return lambda args: [*args[:2], {**args[2], **changes}]


ONE = np.zeros(1)
WRONG = {
    "a size missing": ("Params", other(0, {"input_size": 2}), "TypeError",
                       "hidden_size is missing"),
    "a size too many": ("Params", other(0, {"input_size": 2, "hidden_size": 3, "size": 1}),
                        "TypeError", "sizes has no size; there are input_size, hidden_size"),
    "no sizes": ("Params", other(0, 3), "TypeError", "sizes must be an object"),
    "half a size": ("Params", other(0, {"input_size": 2.5, "hidden_size": 3}), "RangeError",
                    "input_size must be a positive integer, not 2.5"),
    "no unit": ("Params", other(0, {"input_size": 2, "hidden_size": 0}), "RangeError", "not 0"),
    "integers": ("Params", other(2, Type(np.int32)), "TypeError",
                 "must be Float64Array or Float32Array, not Int32Array"),
    "other parameters": ("forward", other(0, {}), "TypeError", "params must be Params, not Object"),
    "xs of another type": ("forward", other(1, ONE.astype(np.float32)), "TypeError",
                           "xs is Float32Array, but the parameters are Float64Array"),
    "xs a list": ("forward", other(1, [1.0]), "TypeError", "xs is Array"),
    "xs of a wrong length": ("forward", other(1, ONE), "RangeError",
                             "xs has 1 numbers, but a multiple of B * I = 6 is needed"),
    "half a sequence": ("forward", option(B=1.5), "RangeError", "B must be a positive integer"),
    "an option that is none": ("forward", option(length=3), "TypeError",
                               "there is no option length; there are B, state, lengths"),
    "a state missing": ("forward", option(state={"h": ONE}), "TypeError", "c is missing"),
    "a state too many": ("forward", option(state={"h": ONE, "m": ONE}), "TypeError",
                         "state has no m; there are h, c"),
    "a state of a wrong length": ("forward", option(state={"h": ONE, "c": ONE}), "RangeError",
                                  "state.h has 1 numbers, but B * 3 = 9 are needed"),
    "a state of another type": ("forward", option(state={"h": [0], "c": ONE}), "TypeError",
                                "state.h is Array"),
    "no state": ("forward", option(state=None), "TypeError", "not null"),
    "lengths of a wrong length": ("forward", option(lengths=[1]), "RangeError",
                                  "lengths has 1 numbers, but B = 3 are needed"),
    "a length too long": ("forward", option(lengths=[5, 0, 0]), "RangeError",
                          "lengths must be integers between 0 and T = 4, not 5"),
    "a length below zero": ("forward", option(lengths=[-1, 0, 0]), "RangeError", "not -1"),
    "half a length": ("forward", option(lengths=[0.5, 0, 0]), "RangeError", "not 0.5"),
    "lengths a number": ("forward", option(lengths=3), "TypeError",
                         "lengths must be an array of integers, not 3"),
    "another tape": ("backward", other(1, {"T": 1}), "TypeError", "is missing"),
    "no tape": ("backward", lambda args: args[:1], "TypeError", "not undefined"),
    "dys of a wrong length": ("backward", other(2, ONE), "RangeError",
                              "dys has 1 numbers, but T * B * H = "),
    "no dys": ("backward", lambda args: args[:2], "TypeError", "dys is undefined"),
    "dstate of a wrong length": ("backward", other(3, {"h": ONE, "c": ONE}), "RangeError",
                                 "dstate.h has 1 numbers"),
    "x of a wrong length": ("step", other(1, ONE), "RangeError",
                            "x has 1 numbers, but a multiple of I = 2 is needed"),
    "x missing": ("step", lambda args: args[:1], "TypeError", "x is undefined"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told(what):
    call, change, error, words = WRONG[what]
    kind, message = wrong(call, change)
    assert kind == error and words in message and "\n" not in message, message


WRONG_TAPES = {
    "too few lengths": ({"lengths": np.array([4], np.int32)}, "RangeError",
                        "tape.lengths has 1 numbers, but B = 3 are needed"),
    "a length too long": ({"lengths": np.array([9, 0, 2], np.int32)}, "RangeError",
                          "tape.lengths must be integers between 0 and T = 4, not 9"),
    "lengths a number": ({"lengths": 4}, "TypeError",
                         "tape.lengths must be an array of integers, not 4"),
    "sequences in words": ({"B": "3"}, "RangeError", "tape.B must be a positive integer, not 3"),
    "other steps": ({"T": 2}, "RangeError", "tape.xs has 24 numbers, but T * B * I = 12"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG_TAPES)
def test_a_tape_that_was_changed_is_refused(what):
    """Not a wrong gradient without a word."""
    change, error, words = WRONG_TAPES[what]
    n = Numbers(texts("lstm", "all"))
    params, forward, backward = n.calls()[:3]
    text = n.text + (
        "\nexport const changed = (params, tape, dys, dstate, change) =>\n"
        "  backward(params, { ...tape, ...change }, dys, dstate);\n"
    )
    *_, result = run(text, [params, forward, ("changed", [*backward[1], change])])
    assert (result["error"], words in result["message"]) == (error, True), result


def test_a_tape_of_other_parameters_is_refused():
    n, m = Numbers(texts("lstm", "all")), Numbers(texts("lstm", "all"), dtype=np.float32)
    sizes = {**n.sizes, "hidden_size": n.sizes["hidden_size"] + 1}
    params = n.numpy.Params(*sizes.values())
    others = [(sizes, params.flat, Type(np.float64)), (m.sizes, m.params.flat, Type(np.float32))]
    for other_params in others:
        calls = [*n.calls()[:2], ("Params", list(other_params))]
        calls += [("backward", [Result(2), Result(1, ("tape",)), ONE])]
        assert "tape." in run(n.text, calls)[3]["message"]


def test_a_cell_that_adds_its_input_to_its_state_is_as_wide():
    (result,) = run(text_of(load("sru")), [("Params", [{"input_size": 2, "hidden_size": 3}, ONE])])
    assert "input_size 2 must be hidden_size 3" in result["message"]
    assert axes_of(load("sru").input) == (H,)


def test_parameters_are_one_array_in_numpy_s_order():
    n = Numbers(texts("lstm_layer_norm", "all"))
    (got,) = run(n.text, [("Params", [n.sizes, n.params.flat, Type(np.float64)])])
    for name, view in n.params.items():
        assert np.array_equal(got[name], view.ravel()), name


def test_what_is_assigned_to_is_what_the_arrays_hold():
    """Another array in a view's place would be read by nobody."""
    n = Numbers(texts("lstm", "all"))
    text = n.text + (
        "\nexport function assigned(params, at, name) {\n"
        "  (at ? params[at] : params)[name] = new Float64Array(3);\n}\n"
    )
    made = ("Params", [n.sizes, n.params.flat, Type(np.float64)])
    for at, name in (
        ("views", "b_f"),
        ("stacked", "b"),
        ("shapes", "b_f"),
        ("", "flat"),
        ("", "b"),
    ):
        *_, result = run(text, [made, ("assigned", [Result(0), at, name])])
        assert result["error"] == "TypeError" and name in result["message"]
