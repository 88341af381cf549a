"""A program is right before any language has a word in it: run by an interpreter that knows
none, it gives the generated module's numbers, whatever a target finds cheap."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import reference
from interpreter import Machine
from some_cells import every, first, sampled
from test_cells_random import SIZES
from test_program import CELLS, EXAMPLES, cell_called, of_random_cells

from derive.library import load, names
from derive.nodes import is_matrix
from derive.program.policy import PER_BYTE, PER_CALL
from derive.program.program import Program
from derive.program.statements import Compute, Fused
from derive.program.variants import Variant

T, B, LENGTHS = 4, 3, [4, 0, 2]


def has_matrices(cell):
    return any(is_matrix(e.lhs) for e in cell.equations)


WIDE = [name for name in names() if has_matrices(load(name))]  # a memory is a matrix
RUN = sampled([*CELLS, *WIDE], ["lstm", "slstm", "unicornn", "qrnn", "scrn", "gla"])


def check(cell, policy, store="all"):
    program = Program(cell, store, policy)
    m = reference.module_of(cell, store)
    sizes = {axis: SIZES.get(axis.argument, 2 + n) for n, axis in enumerate(cell.axes)}
    if cell.input_is_wide:
        sizes = dict.fromkeys(cell.axes, 3)
    rng = np.random.default_rng(0)
    params, direction = (m.Params(*sizes.values()) for _ in range(2))
    params.flat[:] = rng.normal(size=params.flat.size) * 0.6
    direction.flat[:] = rng.normal(size=params.flat.size) * 0.6
    past = np.arange(T)[:, None] >= LENGTHS
    several = len(cell.inputs) > 1

    def draw(q, beyond=0.0):
        array = rng.normal(size=(T, B, *(sizes[axis] for axis in q.axes)))
        array[past] = beyond
        return array

    def inputs(beyond):
        drawn = [draw(q, beyond) for q in cell.inputs]
        return m.Inputs(*drawn) if several else drawn[0]

    xs, xs_dot = inputs(float(several)), inputs(0.0)
    dys, dys_dot = draw(cell.output), draw(cell.output)
    state, dstate, state_dot, dstate_dot = (
        m.State(*(rng.normal(size=(B, *(sizes[a] for a in s.axes))) for s in cell.states))
        for _ in range(4)
    )

    with np.errstate(all="ignore"):
        ys, final, tape = m.forward(params, xs, state, LENGTHS)
        want = {
            "ys": ys, **named("final", final),
            **named("back", m.backward(params, tape, dys, dstate)),
            **named("jvp", m.jvp(params, tape, direction, xs_dot, state_dot)),
            **named("hvp", m.hvp(params, tape, dys, direction, xs_dot, state_dot, dstate, dys_dot,
                                 dstate_dot)),
        }  # fmt: skip
        got = machine_results(
            program, sizes, params, direction,
            arguments(program, xs, xs_dot, dys, dys_dot),
            {Variant.PRIMAL: state, Variant.ADJOINT: dstate, Variant.TANGENT: state_dot,
             Variant.ADJOINT_TANGENT: dstate_dot},
        )  # fmt: skip
    for key, value in want.items():
        scale = 1 + np.abs(value).max(initial=0)
        np.testing.assert_allclose(
            got[key], value, rtol=1e-9, atol=1e-10 * scale, equal_nan=True, err_msg=key
        )


def named(name, results):
    """Everything in what a routine returned, by a name of its own."""
    if isinstance(results, np.ndarray):
        return {name: results}
    if hasattr(results, "keys"):
        return {f"{name} {key}": results[key] for key in results}
    return {k: v for n, part in enumerate(results) for k, v in named(f"{name} {n}", part).items()}


def arguments(program, xs, xs_dot, dys, dys_dot):
    """What the caller gives, by quantity."""
    dot, seed = program.loops.dot, program.derivation.seed
    given, moved = (reference.given(program.cell, some) for some in (xs, xs_dot))
    moved = {dot[q]: array for q, array in moved.items() if q in dot}
    return given | moved | {seed: dys, dot[seed]: dys_dot}


def machine_results(program, sizes, params, direction, arrays, states):
    zeros = {v: {k: np.full_like(a, np.nan) for k, a in params.items()} for v in Variant}
    values = zeros | {Variant.PRIMAL: dict(params), Variant.TANGENT: dict(direction)}
    for gradient in (Variant.ADJOINT, Variant.ADJOINT_TANGENT):
        values[gradient] = {k: np.zeros_like(a) for k, a in params.items()}
    machine = Machine(program, sizes, (T, B), values)
    starts = {(v, k): a for v, s in states.items() for k, a in s._asdict().items()}
    calls = program.interface
    there, back = calls.hvp
    every = (calls.forward, calls.backward, calls.jvp, there, back)
    for q, region in (item for call in every for item in call.memory.given.items()):
        if q in arrays:
            machine.give(region.buffer, arrays[q])
    results = {}

    def run(call, name):
        machine.run(call, starts, LENGTHS)
        results.update(ends(machine, call, name))

    run(calls.forward, "final")
    tape = calls.tape.regions
    for q, region in tape.items():
        machine.arrays[region.buffer] = machine.arrays[calls.forward.memory.region((q,)).buffer]
    results["ys"] = masked(machine.view(calls.forward, (program.cell.output,), None))
    run(calls.backward, "back 2")
    bar, dot = program.derivation.bar, program.loops.dot
    bars = [bar[q] for q in program.cell.inputs]
    results |= gradients(machine, program, calls.backward, "back", Variant.ADJOINT, bars)
    run(calls.jvp, "jvp 1")
    results["jvp 0"] = masked(machine.view(calls.jvp, (calls.jvp.output,), None))
    machine.run(there, starts, LENGTHS)
    run(back, "hvp 2")
    return results | gradients(
        machine, program, back, "hvp", Variant.ADJOINT_TANGENT, [dot[b] for b in bars]
    )


def masked(array):
    past = np.arange(T)[:, None] >= LENGTHS
    return np.where(past.reshape(T, B, *(1,) * (array.ndim - 2)), 0, array)


def ends(machine, call, name):
    """The last values; of a sequence without steps, what it started from."""
    found = {}
    carries = {c.leaving: c for c in call.routine.loop.carries}
    for n, q in enumerate(call.ends):
        carry = carries[q]
        buffer = call.memory.region((carry.entering,)).buffer
        array = machine.arrays[buffer]
        if carry.entering in call.routine.storage.trajectory:
            array = array[np.where(np.asarray(LENGTHS) == 0, 0, -1), range(B)]
        found[f"{name} {n}"] = array.copy()
    return found


def gradients(machine, program, call, name, variant, inputs):
    values = {f"{name} 0 {p.name}": machine.parameters[variant][p.name]
              for p in program.cell.parameters}  # fmt: skip
    found = [machine.arrays[call.memory.region((q,)).buffer] for q in inputs]
    found = [a if q.axes else a[..., 0] for q, a in zip(inputs, found, strict=True)]
    return values | named(f"{name} 1", found if len(found) > 1 else found[0])


FEW = "lstm gla attending".split()  # in other ways: what is lowered is the same
OTHERWISE = [
    pytest.param(name, marks=[every] * (name not in FEW)) for name in dict.fromkeys([*CELLS, *WIDE])
]


@pytest.mark.parametrize("name", RUN)
def test_a_program_computes_what_the_module_does(name):
    check(cell_called(name), PER_BYTE)


@pytest.mark.parametrize("name", OTHERWISE)
def test_so_does_one_for_a_language_in_which_calls_are_dear(name):
    check(cell_called(name), PER_CALL)


@pytest.mark.parametrize("store", ["states", "everything"])
@pytest.mark.parametrize("name", OTHERWISE)
def test_a_program_that_keeps_states_only_or_everything(name, store):
    check(cell_called(name), PER_BYTE, store)


@pytest.mark.parametrize("count", first(1, [4, max(EXAMPLES // 2, 1)]))
def test_a_random_program_computes_what_the_module_does(count):
    of_random_cells(partial(check, policy=PER_BYTE), count)


@pytest.mark.parametrize("name", first(2, ["lstm", "slstm", "gru", "lstm_layer_norm"]))
def test_a_step_is_a_nest_or_two_with_local_values(name):
    """What a compiled language wants: nothing elementwise but in nests, most of it in registers."""
    program = Program(cell_called(name), policy=PER_BYTE)
    for routine in (program.routines["forward"], program.routines["backward"]):
        assert not [s for s in routine.during if isinstance(s, Compute)]
        nests = [s for s in routine.during if isinstance(s, Fused)]
        assert nests
        for nest in nests:
            assert nest.local.isdisjoint(nest.outs)
    nests = [s for s in program.routines["backward"].during if isinstance(s, Fused)]
    assert any(nest.local for nest in nests)


def test_parameters_lie_in_the_same_order_whatever_is_cheap():
    for name in CELLS:
        programs = (Program(cell_called(name), policy=p) for p in (PER_CALL, PER_BYTE))
        one, other = (program.layout for program in programs)
        assert one == other, name
