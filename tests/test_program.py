"""The stages between a derivative and its code: each keeps the meaning, and does what it is for.

Loops are run one equation at a time by `run_loop`, which knows nothing of the rules, before and
after a rule. What the stages achieve for the cells there are (one product a step, nothing saved in
vain, nothing allocated in a loop) is read off the program or the generated text's syntax tree.
"""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import reference
import sympy as sp
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from some_cells import VECTORS, every, first, of_parameters, sampled
from test_cells_random import PHASES, SIZES, any_cells

from derive import language
from derive.adjoint import adjoint
from derive.compiler import generate
from derive.elementwise import exp, tanh
from derive.library import load, names
from derive.nodes import H, MatVec, Outer, Quantity, axes_of, symbols_of
from derive.printing import Infix
from derive.program.buffers import Span
from derive.program.loop import drop_unused
from derive.program.lowering import Lowering
from derive.program.passes import adjoint_pass, forward_pass
from derive.program.policy import PER_BYTE, PER_CALL
from derive.program.program import Program
from derive.program.rules.defer import defer
from derive.program.rules.hoist import hoist
from derive.program.rules.inline import inline
from derive.program.rules.reduce import reductions_apart
from derive.program.rules.share import share
from derive.program.statements import Activate, OuterTotal, Product, PullBack

ROOT = Path(__file__).parent.parent
EXAMPLES = int(os.environ.get("CELLS", "25"))
QUIET = settings(
    max_examples=EXAMPLES, deadline=None, derandomize="CELLS" not in os.environ, database=None,
    suppress_health_check=list(HealthCheck), phases=PHASES,
)  # fmt: skip

COUNTS = first(1, [5, EXAMPLES])  # of random cells


def of_random_cells(check, count):
    """Check so many, the same ones each time, unless CELLS asks for others."""

    @settings(QUIET, max_examples=count)
    @given(any_cells())
    def each(cell):
        if cell is not None:
            note("\n".join(map(str, cell.equations)))
            check(cell)

    each()


# Cells of other shapes than those there are, so that no rule is fitted to an LSTM.
OTHERS = {
    "other_gru": """
        x = Input()
        h = State()
        W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
        z = sigmoid(W.z @ x + U.z @ h + b.z)
        r = sigmoid(W.r @ x + U.r @ h + b.r)
        n = tanh(W.n @ x + U.n @ (r * h) + b.n)
        h_next = (1 - z) * h + z * n
    """,
    "other_tied": """
        x = Input()
        h, c = State(), State()
        W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
        f = sigmoid(W.f @ x + U.f @ h + b.f)
        g = tanh(W.g @ x + U.g @ h + b.g)
        o = sigmoid(W.o @ x + U.o @ h + b.o)
        c_next = f * c + (1 - f) * g
        h_next = o * tanh(c_next)
    """,
    "other_valves": """
        x = Input()
        h, c = State(), State()
        W, U, V, b = Matrix(H, I), Matrix(H, H), Matrix(H, H), Vector(H)
        i = sigmoid(W.i @ x + U.i @ h + V.i @ c + b.i)
        f = sigmoid(W.f @ x + U.f @ h + V.f @ c + b.f)
        g = tanh(W.g @ x + U.g @ h + b.g)
        c_next = f * c + i * g
        o = sigmoid(W.o @ x + U.o @ h + V.o @ c_next + b.o)
        h_next = o * tanh(c_next)
    """,
    "normalised": """
        x = Input()
        h = State()
        W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
        a = W.a @ x + U.a @ h
        d = a - mean(a)
        h_next = tanh(d / sqrt(mean(d**2) + 0.01) + b.h)
    """,
    "between": """
        x = Input()
        h, c = State(), State()
        W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
        u_i, u_f, u_g, u_o = W.u_i @ x, W.u_f @ x, W.u_g @ x, W.u_o @ x
        v_i, v_f, v_g, v_o = U.v_i @ h, U.v_f @ h, U.v_g @ h, U.v_o @ h
        i, f = sigmoid(u_i * v_i + b.i), sigmoid(u_f * v_f + b.f)
        g, o = tanh(u_g * v_g + b.g), sigmoid(u_o * v_o + b.o)
        c_next = f * c + i * g
        h_next = o * tanh(c_next)
    """,
    "leaky": """
        x = Input()
        h = State()
        W, U, s = Matrix(H, I), Matrix(H, H), Scalar()
        h_next = h + s.h * (tanh(W.h @ x + U.h @ h) - h)
    """,
    "attending": """
        x = Input()
        h = State()
        W, U = Matrix(H, I), Matrix(H, H)
        p = softmax(W.p @ x + U.p @ h)
        h_next = h + p * (1 - h)
    """,
}
CELLS = [*VECTORS, *OTHERS]
EACH = sampled(CELLS)


@cache
def cell_called(name):
    if name not in OTHERS:
        return load(name)
    source = f"class {name.title()}(Cell):" + OTHERS[name].replace("\n        ", "\n    ")
    namespace = {word: getattr(language, word) for word in language.__all__}
    exec(textwrap.dedent(source), namespace)
    return namespace[name.title()]


@cache
def program_of(name, store="all"):
    return Program(cell_called(name), store)


@cache
def text_of(name, store="all"):
    (text,) = generate(cell_called(name), store=store).values()
    return text


# --- loops, run one equation at a time -----------------------------------------------------------


def run_loop(loop, known, start, B):
    """(all steps of what is wanted, totals, what the last step hands on).

    Equations before and after the loop see a step's own values, but not what the step before
    handed over: that is known within the loop alone.
    """
    over_time = {q for q, v in known.items() if v.ndim == 2 + max(len(q.axes), 1)}
    T = len(known[next(iter(over_time))])
    named = {*known, *(c.entering for c in loop.carries), *(e.lhs for e in loop.equations)}
    sizes = {axis.letter: SIZES[axis.argument] for q in named for axis in q.axes}

    def evaluate(equations, env):
        for e in equations:
            if e.lhs in loop.totals:
                env = env | {e.lhs: total(e, env, sizes, B)}
            else:
                env = reference.step([e], env, sizes, B)
        return env

    steps = [
        evaluate(loop.before, {q: v[t] if q in over_time else v for q, v in known.items()})
        for t in range(T)
    ]
    carried = dict(start)
    for t in reversed(range(T)) if loop.reverse else range(T):
        env = evaluate(loop.during, steps[t] | carried)
        carried = {c.entering: env[c.leaving] for c in loop.carries}
        steps[t] = {q: v for q, v in env.items() if q not in carried}
    steps = [evaluate(loop.after, env) for env in steps]
    return (
        {q: np.array([s[q] for s in steps]) for q in loop.wanted},
        {q: sum(s[q] for s in steps) for q in loop.totals},
        carried,
    )


def total(equation, env, sizes, B):
    """One step's share of a parameter's gradient, the sum over the sequences."""
    axes = equation.lhs.axes
    found = reference.rows_of(equation.rhs, env, sizes)
    found = reference.beside(found, axes_of(equation.rhs), axes)
    share = np.broadcast_to(found, reference.shaped(range(B), axes, sizes)).sum(axis=0)
    return share if axes else share[None]


def values_for(quantities, seed, T=3, B=2):
    """Values for what a loop knows: parameters without, everything else with steps and
    sequences."""
    rng = np.random.default_rng(seed)
    values = {}
    for q, is_parameter in quantities:
        shape = tuple(SIZES[a.argument] for a in q.axes) or (1,)
        values[q] = rng.normal(size=shape if is_parameter else (T, B, *shape)) * 0.7
    return values


def both_loops(cell):
    """A cell's loops as derived, before any rule, with values for what they know."""
    derived = adjoint(cell)
    for loop in (forward_pass(derived, saved=()), adjoint_pass(derived)):
        known = sorted(loop.known, key=str)
        values = values_for([(q, q in cell.parameters) for q in known], seed=1)
        start = values_for([(c.entering, False) for c in loop.carries], seed=2, T=1)
        yield loop, values, {q: v[0] for q, v in start.items()}


RULES = {
    "drop_unused": drop_unused,
    "inline": inline,
    "hoist": lambda loop: hoist(loop, PER_CALL),
    "hoist products": lambda loop: hoist(loop, PER_BYTE),
    "defer": defer,
    "hoist, defer": lambda loop: defer(hoist(loop, PER_CALL)),
    "inline, hoist": lambda loop: hoist(inline(loop), PER_CALL),
    "defer, hoist": lambda loop: hoist(defer(loop), PER_CALL),
    "share": share,
    "hoist, share": lambda loop: share(hoist(loop, PER_CALL)),
    "reductions apart": reductions_apart,
    "all": lambda loop: reductions_apart(
        share(drop_unused(defer(hoist(drop_unused(inline(loop)), PER_CALL))))
    ),
    "all, for a compiled language": lambda loop: reductions_apart(
        share(drop_unused(defer(hoist(drop_unused(inline(loop)), PER_BYTE))))
    ),
}


def check_rules(cell):
    for loop, known, start in both_loops(cell):
        want = run_loop(loop, known, start, 2)
        for name, rule in RULES.items():
            after = rule(loop)
            got = run_loop(after, known, start, 2)
            for a, b in zip(want, got, strict=True):
                assert a.keys() == b.keys(), name
                for q in a:
                    scale = 1 + np.abs(a[q]).max(initial=0)
                    np.testing.assert_allclose(
                        b[q], a[q], rtol=1e-9, atol=1e-10 * scale,
                        err_msg=f"{name}, {'backward' if loop.reverse else 'forward'}: {q}",
                    )  # fmt: skip
            check_form(after, name)


def check_form(loop, name):
    """Each equation reads only what is known when it is evaluated, and is there once."""
    assert len({e.lhs for e in loop.equations}) == len(loop.equations), name
    seen = set(loop.known)
    for e in loop.before:
        assert symbols_of(e.rhs) <= seen, f"{name}: {e}"
        seen.add(e.lhs)
    within = seen | {c.entering for c in loop.carries}
    for e in loop.during:
        assert symbols_of(e.rhs) <= within, f"{name}: {e}"
        within.add(e.lhs)
    for c in loop.carries:
        assert c.leaving in within, f"{name}: {c.leaving}"


@pytest.mark.parametrize("name", EACH)
def test_every_rule_keeps_the_meaning(name):
    check_rules(cell_called(name))


@pytest.mark.parametrize("count", COUNTS)
def test_every_rule_keeps_the_meaning_of_random_cells(count):
    of_random_cells(check_rules, count)


def test_the_interpreter_notices_a_changed_meaning():
    """The test above is worth nothing if it lets a wrong rule pass."""
    cell = cell_called("other_gru")
    for loop, known, start in both_loops(cell):
        want = run_loop(loop, known, start, 2)
        for k, e in enumerate(loop.during):
            if e.lhs in loop.ends and not isinstance(e.rhs, Outer):
                changed = (*loop.during[:k], replace(e, rhs=-e.rhs), *loop.during[k + 1 :])
                got = run_loop(replace(loop, during=changed), known, start, 2)
                assert any(
                    not np.allclose(a[q], b[q]) for a, b in zip(want, got, strict=True) for q in a
                ), e


@pytest.mark.parametrize("name", EACH)
def test_backward_without_rules_is_the_module_s_backward(name):
    """From the adjoint equations to the generated code nothing is lost: they are run one by one,
    on what forward computes one by one."""
    cell, derived = cell_called(name), adjoint(cell_called(name))
    m = reference.module_of(cell)
    rng = np.random.default_rng(4)
    params = m.Params(*(SIZES[a.argument] for a in cell.axes))
    params.flat[:] = rng.normal(size=params.flat.size) * 0.6
    xs = rng.normal(size=(4, 2, params.input_size))
    sizes = {a.letter: SIZES[a.argument] for a in cell.axes}
    fixed = {p: params[p.name] for p in cell.parameters}
    now = {s: rng.normal(size=(2, sizes[s.axes[0].letter])) for s in cell.states}
    state = m.State(**{s.name: v for s, v in now.items()})
    steps = []
    for x in xs:
        env = reference.step(derived.forward, fixed | now | {cell.input: x}, sizes, 2)
        now = {s: env[new] for s, new in cell.updates.items()}
        steps.append(env)
    dys = rng.normal(size=(4, 2, sizes[cell.output.axes[0].letter]))
    dstate = m.State(*(rng.normal(size=s.shape) for s in state))
    known = {
        q: (fixed[q] if q in fixed else np.array([env[q] for env in steps]))
        for q in (*cell.quantities, *(e.lhs for e in derived.forward))
    }
    loop = adjoint_pass(derived)
    start = {derived.carry[s]: getattr(dstate, s.name) for s in cell.states}
    dxs, totals, carried = run_loop(loop, known | {derived.seed: dys}, start, 2)

    _, _, tape = m.forward(params, xs, state)
    got = m.backward(params, tape, dys, dstate)
    np.testing.assert_allclose(got[1], dxs[derived.bar[cell.input]], rtol=1e-10, atol=1e-12)
    for p in cell.parameters:
        want = totals[derived.bar[p]].reshape(got[0][p.name].shape)
        np.testing.assert_allclose(got[0][p.name], want, rtol=1e-10, atol=1e-12)
    for s in cell.states:
        np.testing.assert_allclose(
            getattr(got[2], s.name), carried[derived.carry[s]], rtol=1e-10, atol=1e-12
        )


# --- what the rules achieve ----------------------------------------------------------------------


def kinds(statements, *types):
    return [s for s in statements if isinstance(s, types)]


@pytest.mark.parametrize("name, there, back", [
    ("rnn", 1, 1), ("lstm", 1, 1), ("lstm_peephole", 1, 1), ("gru", 2, 2), ("other_tied", 1, 1),
    ("leaky", 1, 1),
])  # fmt: skip
def test_one_recurrent_product_a_step(name, there, back):
    """All gates' products with the hidden state are one; a GRU's candidate needs another, since
    its operand is another."""
    program = program_of(name)
    assert len(kinds(program.routines["forward"].during, Product, PullBack)) == there
    assert len(kinds(program.routines["backward"].during, Product, PullBack)) == back


def _products(expr):
    return [part for part in sp.preorder_traversal(expr) if isinstance(part, MatVec)]


@pytest.mark.parametrize("name", EACH)
def test_weight_gradients_are_gathered_after_the_loop(name):
    program = program_of(name)
    for routine in (program.routines["backward"], program.routines["back"]):
        assert not kinds(routine.during, OuterTotal)
        assert not any(e.rhs.has(Outer) for e in (*routine.loop.during, *routine.loop.before))
    products = sum(len(_products(e.rhs)) for e in program.derivation.forward)
    assert len(kinds(program.routines["backward"].after, OuterTotal)) <= products


@pytest.mark.parametrize("name", EACH)
def test_the_input_s_products_are_done_for_all_steps_at_once(name):
    program = program_of(name)
    x = program.cell.input
    for s in kinds(program.routines["forward"].during, Product):
        assert s.operand != x
    assert [s for s in kinds(program.routines["forward"].before, Product) if s.operand == x]
    assert not any(x in symbols_of(e.rhs) for e in program.routines["forward"].loop.during)


@pytest.mark.parametrize("name", ["lstm", "other_tied", "lstm_peephole"])
def test_one_call_of_tanh_serves_all_gates(name):
    gates = {"lstm": [4], "other_tied": [3], "lstm_peephole": [3, 1]}[name]
    activations = kinds(program_of(name).routines["forward"].during, Activate)
    assert [len(s.outs) for s in activations if "sigmoid" in s.functions] == gates


def test_the_peephole_s_memory_comes_before_its_output_gate():
    """Nobody says so but the equations."""
    program = program_of("lstm_peephole")
    order = [e.lhs.name for e in program.cell.equations]
    assert order.index("c_next") < order.index("o") < order.index("h_next")
    for routine in (program.routines["forward"],):
        places = {q.name: n for n, s in enumerate(routine.during) for q in s.outs}
        assert places["c_next"] < places["o"] < places["h_next"]
        assert places["c_next"] < places["a_o"]


@pytest.mark.parametrize("name", EACH)
def test_what_is_saved_is_what_backward_reads(name):
    program = program_of(name)
    back = program.loops.backward
    read = set().union(*(symbols_of(e.rhs) for e in back.equations))
    assert set(program.loops.saved) <= read
    assert len(set(program.loops.saved)) == len(program.loops.saved)


@pytest.mark.parametrize("name", EACH)
def test_nothing_is_saved_in_vain(name):
    """Spoil any part of the tape, and a gradient is spoilt: what would not be missed need not be
    kept."""
    cell = cell_called(name)
    m = reference.module_of(cell, text=text_of(name))
    rng = np.random.default_rng(0)
    params = m.init(rng, *(SIZES[a.argument] for a in cell.axes))
    width = SIZES["hidden_size"]
    ys, _, tape = m.forward(params, rng.normal(size=(4, 2, SIZES["input_size"])))
    for field, array in tape._asdict().items():
        if array is None or array.ndim != 3:
            continue
        if field.removesuffix("_s") in {s.name for s in cell.states}:
            continue  # states are kept whole, as forward left them
        parts = range(0, array.shape[2], width) if field != "xs" else [0]
        for start in parts:
            spoilt = array.copy()
            spoilt[: len(ys), :, start : start + width] = np.nan
            gradients = m.backward(params, tape._replace(**{field: spoilt}), np.ones_like(ys))
            assert any(
                np.isnan(g).any() for g in (gradients[0].flat, gradients[1], *gradients[2])
            ), f"{field} from {start}"


@pytest.mark.parametrize("name", EACH)
def test_states_only_keeps_states_only(name):
    program = program_of(name, "states")
    assert program.loops.saved == ()
    m = reference.module_of(cell_called(name), "states", text_of(name, "states"))
    kept = {"xs", "past", *(f"{s}_s" for s in program.cell.states)}
    output = program.cell.output
    assert set(m.Tape._fields) - kept <= {f"{output}_s"}


@pytest.mark.parametrize("name", EACH)
def test_whatever_is_kept_the_same_is_computed(name):
    cell = cell_called(name)
    results = []
    for store in ("all", "states", "everything"):
        m = reference.module_of(cell, store, text_of(name, store))
        rng = np.random.default_rng(0)
        params = m.init(rng, *(SIZES[a.argument] for a in cell.axes))
        xs = rng.normal(size=(5, 3, SIZES["input_size"]))
        ys, final, tape = m.forward(params, xs, None, [5, 2, 0])
        d = params.zeros()
        d.flat[:] = rng.normal(size=d.flat.size)
        dparams, dxs, dstate = m.backward(params, tape, ys)
        tangents = m.jvp(params, tape, d)
        second = m.hvp(params, tape, ys, d)
        results.append([
            ys, *final, dparams.flat, dxs, *dstate, tangents[0], *tangents[1], second[0].flat,
            second[1], *second[2],
        ])  # fmt: skip
    for same in zip(*results, strict=True):
        for other in same[1:]:
            np.testing.assert_allclose(other, same[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", EACH)
def test_everything_is_every_quantity_and_every_adjoint(name):
    """The tape has all that the equations name; backward keeps the adjoint of each that has one."""
    program = program_of(name, "everything")
    named = {
        *program.cell.given,
        *program.cell.states,
        *(e.lhs for e in program.derivation.forward),
    }
    tape = program.interface.tape.regions
    assert named <= tape.keys() and {e.lhs for e in program.cell.equations} <= tape.keys()
    places = [tape[q] for q in named]
    assert len(set(places)) == len(places), "no two in one place"
    bar, wanted = program.derivation.bar, program.loops.backward.wanted
    assert wanted == {bar[q] for q in named} & {e.lhs for e in program.derivation.backward}
    kept = [program.interface.backward.memory.region((q,)) for q in wanted]
    assert len(set(kept)) == len(kept)
    assert all(region.buffer.span in (Span.STEPS, Span.TRAJECTORY) for region in kept)


# --- generated text ------------------------------------------------------------------------------


def function(text, name):
    return next(
        n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == name
    )


def loops(function):
    return [n for n in function.body if isinstance(n, ast.For)]


def renames(assignment):
    """Whether an assignment gives further names to what has one."""
    parts = [*assignment.targets, assignment.value]
    flat = [e for p in parts for e in (p.elts if isinstance(p, ast.Tuple) else [p])]
    return all(isinstance(e, ast.Name) for e in flat)


@pytest.mark.parametrize("store", ["all", "states"])
@pytest.mark.parametrize("name", EACH)
def test_nothing_is_allocated_in_the_time_loop(name, store):
    """Every line of the loop writes into an array that is there already."""
    for routine in ("forward", "backward"):
        (loop,) = loops(function(text_of(name, store), routine))
        count = 0
        for statement in loop.body:
            if isinstance(statement, ast.If):  # sequences that have ended
                assert ast.unparse(statement.test) == "ended is not None"
                continue
            if isinstance(statement, ast.Assign) and renames(statement):
                continue
            count += 1
            line = ast.unparse(statement)
            assert isinstance(statement, ast.Expr), line
            call = statement.value
            assert isinstance(call, ast.Call), line
            out = [k.value for k in call.keywords if k.arg == "out"]
            in_place = line.startswith(("np.copyto(", "_standardise(")) or ".fill(" in line
            assert out or in_place, line
            for part in (*call.args, *out):
                view = isinstance(part, ast.Attribute) and part.attr == "T"
                number = all(w.isupper() or w.isdigit() for w in ast.unparse(part).split(" * "))
                assert view or number or isinstance(part, ast.Name | ast.Constant | ast.UnaryOp), (
                    line
                )
        assert count


@pytest.mark.parametrize("name", EACH)
def test_there_is_one_loop_over_time(name):
    """The tangents, which jvp and hvp read, have one as well."""
    for routine, count in (
        ("forward", 1), ("backward", 1), ("_tangents", 1), ("jvp", 0), ("hvp", 1)
    ):  # fmt: skip
        assert len(loops(function(text_of(name), routine))) == count


# An activation of parameters alone, such as the step size of `unicornn`, has no place on a tape;
# the softplus of `slstm` has a sigmoid for its derivative.
@pytest.mark.parametrize(
    "name",
    sampled(n for n in CELLS if not of_parameters(cell_called(n)) and n != "slstm"),
)
def test_derivatives_reuse_what_forward_computed(name):
    """σ' is s(1 - s) and tanh' 1 - t²: no way back evaluates an activation again."""
    for routine in ("backward", "_tangents", "hvp"):
        calls = {
            ast.unparse(n.func)
            for n in ast.walk(function(text_of(name), routine))
            if isinstance(n, ast.Call)
        }
        assert not calls & {"np.exp", "np.tanh", "_sigmoid", "np.log", "np.cosh", "np.sqrt"}


@pytest.mark.parametrize("store", ["all", "states"])
def test_hvp_computes_no_sequence_twice(store):
    """What its way there has computed for all steps, its way back reads."""
    for name in CELLS:
        text = text_of(name, store)
        ways = (function(text, routine).body for routine in ("_tangents", "hvp"))
        lines = [ast.unparse(n) for body in ways for n in body]
        made = (line for line in lines if "range(" not in line and "_ended(" not in line)
        twice = {line for line, times in Counter(made).items() if times > 1}
        assert not any("_s = " in line for line in twice), (name, twice)


@pytest.mark.parametrize("name", ["lru", "hgrn", "unicornn"])
def test_what_parameters_alone_say_is_computed_once(name):
    """In hvp, with its tangent, and in a step: it is no sequence, nor of each sequence."""
    text = text_of(name)
    constants = {q.name for q in of_parameters(load(name))}
    assert constants
    for line in map(ast.unparse, function(text, "hvp").body):
        assert not any(line.startswith(f"{q}_dot_s") for q in constants), line
    for line in map(ast.unparse, function(text, "step").body):
        assert not any(line.startswith(f"{q}[") for q in constants), line


def test_no_exponential_but_the_cell_s_own():
    for name in CELLS:
        own = any(e.rhs.has(exp) for e in cell_called(name).equations)
        assert own or "np.exp" not in text_of(name), name


@pytest.mark.parametrize("name", sampled(names()))
def test_generated_is_what_would_be_generated(name):
    assert (ROOT / "generated" / f"{name}.py").read_text(encoding="utf-8") == text_of(name)


def test_generated_holds_what_the_library_holds():
    assert sorted(p.stem for p in (ROOT / "generated").glob("[!_]*.py")) == names()


PROBE = """
import hashlib, sys
sys.path.insert(0, "tests")
import test_program as t
for name in t.CELLS:
    for store in ("all", "states"):
        print(name, store, hashlib.sha256(t.text_of(name, store).encode()).hexdigest())
"""


@every
def test_the_same_input_gives_the_same_bytes_under_any_hash_seed():
    own = [
        f"{name} {store} {hashlib.sha256(text_of(name, store).encode()).hexdigest()}"
        for name in CELLS
        for store in ("all", "states")
    ]
    for seed in ("4321",):
        result = subprocess.run(
            [sys.executable, "-B", "-c", PROBE], cwd=ROOT, capture_output=True, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        assert result.stdout.splitlines() == own, f"PYTHONHASHSEED={seed}"


@every
def test_the_order_of_generating_does_not_matter():
    """Nothing is kept from one cell that changes the next."""
    script = PROBE.replace("in t.CELLS", "in reversed(t.CELLS)")
    result = subprocess.run(
        [sys.executable, "-B", "-c", script], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert sorted(result.stdout.splitlines()) == sorted(
        f"{name} {store} {hashlib.sha256(text_of(name, store).encode()).hexdigest()}"
        for name in CELLS
        for store in ("all", "states")
    )


@pytest.mark.parametrize("name", sampled(names()))
def test_an_order_of_lines_that_cannot_matter_does_not(name):
    """The last equation written first is still evaluated last."""
    cell = cell_called(name)
    *others, last = cell.equations
    reads = [e for e in others if last.lhs in symbols_of(e.rhs)]
    assert not reads
    moved = replace(cell, equations=(last, *others))
    if symbols_of(last.rhs) & {e.lhs for e in others[-1:]}:
        assert generate(moved) == generate(cell)


def test_generated_text_is_tidy():
    for name in CELLS:
        text = text_of(name)
        assert text.endswith("\n") and not text.endswith("\n\n")
        assert all(line == line.rstrip() and "\t" not in line for line in text.splitlines())
        assert max(map(len, text.splitlines())) <= 100
        text.encode("utf-8")


# --- lowering ------------------------------------------------------------------------------------

PLACES = [Quantity(n, (H,)) for n in "abcde"]
NUMBERS = [sp.Integer(1), sp.Integer(2), sp.Integer(-3), sp.Float(0.5), sp.Rational(2, 3)]


def expressions():
    leaves = st.sampled_from([*PLACES, *NUMBERS])

    def grow(inner):
        return st.one_of(
            st.lists(inner, min_size=2, max_size=4).map(lambda es: sp.Add(*es)),
            st.lists(inner, min_size=2, max_size=3).map(lambda es: sp.Mul(*es)),
            inner.map(lambda e: -e),
            st.tuples(inner, st.sampled_from([2, 3, sp.Rational(1, 2)])).map(
                lambda p: (2 + tanh(p[0])) ** p[1]
            ),
            inner.map(lambda e: e**2),
            inner.map(tanh),
            st.tuples(inner, inner).map(lambda p: p[0] / (2 + tanh(p[1]))),
            st.tuples(inner, st.sampled_from(PLACES)).map(lambda p: p[0] / p[1]),
        )

    return st.recursive(leaves, grow, max_leaves=9)


@settings(QUIET, max_examples=max(300, EXAMPLES))
@given(expressions(), st.sampled_from(PLACES), st.booleans(), st.booleans())
def test_lowering_keeps_the_meaning(expr, out, adds, shared):
    """`out` may be one of the operands, two quantities may lie in one place, and nothing but
    `out` may change."""
    if not symbols_of(expr) or expr.has(sp.nan, sp.zoo, sp.oo):
        return
    place = {q: q.name for q in PLACES}
    if shared:  # what nobody reads any more lies where the result goes
        place[out] = place[PLACES[(PLACES.index(out) + 1) % 5]]
    if adds and any(place[q] == place[out] for q in symbols_of(expr)):
        return
    scratch = {}

    def borrow(axes, number):
        name = f"work{number}{'_1' * (not axes)}"
        scratch[name] = np.full((2, 3) if axes else (2, 1), np.nan)
        return name

    lowering = Lowering(lambda q: place[q], place.__getitem__, borrow, lambda name, axes, to: name)
    ranks = {q.name: n for n, q in enumerate(PLACES)}
    calls = (lowering.add if adds else lowering.assign)(out, expr, Infix(ranks))
    lines = []
    for call in calls:
        operands = ", ".join(call.operands)
        copied = f"np.copyto({call.out}, {operands})"
        lines.append(f"np.{call.function}({operands}, out={call.out})" if call.function else copied)
    rng = np.random.default_rng(0)
    arrays = {q.name: rng.uniform(0.5, 2, (2, 3)) for q in PLACES}
    before = {k: v.copy() for k, v in arrays.items()}
    env = {q: before[place[q]] for q in PLACES}
    want = np.broadcast_to(reference.value(expr, env, {"H": 3}), (2, 3))
    if adds:
        want = before[place[out]] + want
    scope = {**arrays, **scratch, "np": np}
    note("\n".join(lines))
    exec("\n".join(lines), scope)
    np.testing.assert_allclose(scope[place[out]], want, rtol=1e-8, atol=1e-8)
    for name, array in before.items():
        if name != place[out]:
            np.testing.assert_array_equal(scope[name], array)
