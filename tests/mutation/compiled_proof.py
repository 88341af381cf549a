"""What a compiled cell has to stand: NumPy's numbers, whatever the sizes, in memory that ends where
it should and holds no numbers before; and what its file offers to C alone."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from types import ModuleType

import c_functions
import numpy as np
import reference
from compiled import Numbers, agree, identical

from derive.backends.c import POLICY
from derive.backends.c.binding import binding
from derive.entries import PLACE
from derive.program.program import Program
from mutation import guarded
from mutation.subjects import Subject

# Steps, sequences, their lengths; inputs and units. Between them: nothing, one, what no vector
# divides, more than a tile of everything, more rows than are added up at a time, a segment that is
# shorter than the others, as many rows as the highest tile has, as few as one for each thread, and
# more inputs than units.
CASES = (
    ((5, 5, (5, 0, 2, 3, 4)), 2, 3),
    ((1, 1, None), 1, 1),
    ((4, 13, None), 3, 17),
    ((0, 5, None), 1, 3),
    ((7, 1, None), 2, 7),
    ((2, 8, None), 2, 4),
    ((2, 2, None), 9, 6),
    ((4, 13, (4, 3, 0, 1, 2, 4, 4, 0, 1, 3, 2, 2, 1)), 1, 5),
)
TOLERANCE = {np.dtype("d"): 1e-11, np.dtype("f"): 1e-4}


class Guarded(Numbers):
    """Arguments in guarded memory."""

    def params_of(self, m, values):
        params = m.Params(*self.sizes.values(), self.dtype)
        if hasattr(m, "set_threads"):
            vars(params)["_flat"] = guarded.copied(params.flat)
        for name, value in values.items():
            params[name] = value
        return params


def cases(subject: Subject, dtype: np.dtype) -> list[Guarded]:
    """The arguments that it is tried with."""
    found = []
    for batch, inputs, units in CASES:
        sizes = {"input_size": inputs, "hidden_size": units}
        scale = 0.6 if dtype == "d" else 0.3
        found.append(Guarded(subject.cell, batch, dtype, scale, **sizes))
    return found


@cache
def right(subject: Subject, dtype: str) -> list[dict]:
    """NumPy's results."""
    module = reference.module_of(subject.cell, subject.store)
    return [n.results(module) for n in cases(subject, np.dtype(dtype))]


@cache
def interface(subject: Subject):
    """The code of the module that calls a library."""
    text = binding(Program(subject.cell, subject.store, POLICY))
    return compile(text, f"<{subject.name}>", "exec")


def loaded(subject: Subject, library: Path, dtype: str) -> ModuleType:
    """The module that calls a library of one type of numbers, in guarded memory."""
    name = np.dtype(dtype).name
    for each in ("float32", "float64"):
        place = library.with_name(f"{subject.name}_{each}.so")
        place.unlink(missing_ok=True)
        place.symlink_to(library)
    m = ModuleType(f"{subject.name}_{name}")
    m.__file__ = str(library.with_name(f"{subject.name}.py"))
    exec(interface(subject), vars(m))
    m._empty = guarded.empty
    m.Params.zeros = lambda params: written_to(m, params)
    m._run = guarding_lengths(m._run)
    return m


def written_to(m: ModuleType, params):
    """Where gradients go: guarded memory, which the library has to clear."""
    made = m.Params(*params._sizes, params.flat.dtype)
    vars(made)["_flat"] = guarded.empty(made.flat.shape, made.flat.dtype)
    return made


def guarding_lengths(describe):
    """What describes a call, with the lengths of sequences in guarded memory."""

    def guarding(*arguments):
        run = describe(*arguments)
        if run.lengths:
            run.numbers = guarded.copied(run.numbers)
            run.lengths = run.numbers.ctypes.data
        return run

    return guarding


def prove(subject: Subject, c_text: str, library: Path, dtype: str, threads: int) -> None:
    """All of it; AssertionError, or the end of the process, where anything is wrong."""
    m = loaded(subject, library, dtype)
    m.set_threads(threads)
    kind = np.dtype(dtype)
    for numbers, want in zip(cases(subject, kind), right(subject, dtype), strict=True):
        got = numbers.results(m, guarded.copied)
        agree(got, {k: a.astype(kind) for k, a in want.items()}, TOLERANCE[kind])
        if not numbers.T:
            assert not any(got[what, 0, 0].any() for what in ("backward", "hvp"))  # nothing at all
        streamed(m, numbers)
        if threads > 1:
            m.set_threads(1)
            identical(got, numbers.results(m, guarded.copied))
            m.set_threads(threads)
        tape_lies_in_its_memory(subject, m, numbers)
    offered(subject, m, kind)
    for name in c_functions.there(c_text):
        c_functions.is_right(m._libraries[kind], dtype, name)


def streamed(m: ModuleType, numbers: Guarded) -> None:
    """Matrices that are laid out once give what those that are read in their place do."""
    params, xs = numbers.params_of(m, numbers.params), numbers.given(m, numbers.xs, guarded.copied)
    state = m.State(*numbers.state)
    ys, final, _ = m.forward(params, xs, state)
    got, last = m.run(params, xs, state)
    tolerance = TOLERANCE[numbers.dtype]
    agree({"run": got}, {"run": ys}, tolerance)
    agree(dict(enumerate(last)), dict(enumerate(final)), tolerance)
    stream = m.Stream(params, state)
    for t in range(numbers.T):
        y = stream(reference.at(xs, t), *reference.number(numbers.cell, t))
        agree({t: y}, {t: ys[t]}, tolerance)


# --- what C alone is offered ----------------------------------------------------------------------


def offered(subject: Subject, m: ModuleType, kind: np.dtype) -> None:
    """Where parameters lie, what they are at first, where states start, what the file says."""
    lengths = {a.argument: 4 if subject.is_wide else 4 + n for n, a in enumerate(subject.cell.axes)}
    params, library = m.Params(*lengths.values(), kind), m._libraries[kind]
    run = m._run(params, 2, 3, None)
    parameters_lie_where_they_do(subject, library, run, params)
    parameters_start_as_they_should(subject, library, run, params)
    states_start_as_they_should(subject, library, m, run, params)
    workspaces_end_where_another_may_begin(subject, library, run, kind)
    if subject.has_segments:
        segments_are_as_many_as_their_steps(subject, library, m, params)
    made = getattr(library, f"{subject.name}_made")
    made.restype = ctypes.c_char_p
    assert made().decode().startswith("Generated by Cellwright")


def parameters_lie_where_they_do(subject, library, run, params) -> None:
    """Where Python looks for them."""

    class Offsets(ctypes.Structure):
        _fields_ = [(f"f{n}", ctypes.c_size_t) for n in range(len(params) + 1)]

    parameters = getattr(library, f"{subject.name}_parameters")
    parameters.restype, parameters.argtypes = Offsets, [ctypes.c_void_p]
    found = parameters(ctypes.addressof(run.sizes))
    ends = [*(params._starts[name] for name in params), params.flat.size]
    assert [getattr(found, f"f{n}") for n in range(len(ends))] == ends


def parameters_start_as_they_should(subject, library, run, params) -> None:
    """From random numbers in the order of memory, each asked for once."""
    cell, kind = subject.cell, params.flat.dtype
    c_type = ctypes.c_double if kind == "d" else ctypes.c_float
    rng, asked = np.random.default_rng(0), []
    drawn = ctypes.CFUNCTYPE(c_type, ctypes.c_void_p)(lambda source: take(rng, source, asked))
    memory = guarded.empty(params.flat.shape, kind)
    init = getattr(library, f"{subject.name}_init")
    init.restype, init.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p, type(drawn),
                                         ctypes.c_void_p]  # fmt: skip
    init(ctypes.addressof(run.sizes), memory.ctypes.data, drawn, 77)
    assert set(asked) <= {77}
    vars(params)["_flat"] = memory
    vars(params).pop("_views", None)
    again = np.random.default_rng(0)
    letters = {axis.letter: getattr(params, axis.argument) for axis in cell.axes}
    matrices = {q.name for q in cell.matrices}
    for name in params:
        view, formula = params[name], cell.entries.get(name)
        drawn_for_it = again.random(view.size) if name in matrices else None
        if formula is not None:
            places = dict(zip(PLACE, np.indices(view.shape, float), strict=False))
            env = {place: index.ravel() for place, index in places.items()}
            want = np.broadcast_to(reference.value(formula, env, letters).ravel(), view.size)
        elif name in cell.initial or drawn_for_it is None:
            want = np.full(view.size, float(cell.initial.get(name, 0)))
        else:
            want = np.sqrt(6 / sum(view.shape[-2:])) * (2 * drawn_for_it - 1)
        tolerance = 1e-6 if kind == "f" else 1e-14
        np.testing.assert_allclose(view.ravel(), want, tolerance, tolerance)


def take(rng, source, asked) -> float:
    """A random number."""
    asked.append(source)
    return rng.random()


def states_start_as_they_should(subject, library, m, run, params) -> None:
    """In C as in Python."""
    kind = params.flat.dtype
    states = m._first_state(run.B, params)
    memory = [guarded.empty(array.shape, kind) for array in states]
    pointers = (ctypes.c_void_p * len(memory))(*(array.ctypes.data for array in memory))
    start = getattr(library, f"{subject.name}_start")
    start.restype, start.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p]
    start(ctypes.addressof(run), ctypes.addressof(pointers))
    for s, got in zip(subject.cell.states, memory, strict=True):
        assert np.all(got == subject.cell.starts.get(s.name, 0))


def workspaces_end_where_another_may_begin(subject, library, run, kind) -> None:
    """At multiples of 64 bytes."""
    unit = 64 // kind.itemsize
    for name in ("forward", "backward", "step", "jvp", "hvp"):
        size = getattr(library, f"{subject.name}_{name}_work")
        size.restype, size.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
        assert size(ctypes.addressof(run)) % unit == 0


def segments_are_as_many_as_their_steps(subject, library, m, params) -> None:
    """Where there are enough sequences; and one where there is no step."""
    count = getattr(library, f"{subject.name}_segments")
    count.restype, count.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
    for T, segments in ((0, 1), (1, 1), (4, 2), (5, 2), (10_000, 100)):
        run = m._run(params, T, 1_000, None)
        assert count(ctypes.addressof(run)) == segments


def tape_lies_in_its_memory(subject, m, numbers: Guarded) -> None:
    """Arrays one behind the other, each of its size, from multiples of 64 bytes on."""
    kind = numbers.dtype
    params = numbers.params_of(m, numbers.params)
    _, _, tape = m.forward(params, numbers.given(m, numbers.xs))
    given = len(numbers.xs) + (subject.cell.number is not None)
    sizes = [array.size for array in tape[given:-1]]
    library, run = m._libraries[kind], m._run(params, numbers.T, numbers.B, None)
    tape_in = getattr(library, f"{subject.name}_tape_in")
    tape_in.restype, tape_in.argtypes = ctypes.c_size_t, [ctypes.c_void_p] * 3
    places = (ctypes.c_void_p * max(1, len(sizes)))()
    unit = 64 // kind.itemsize
    steps = [-(-size // unit) * unit for size in sizes]
    count = tape_in(ctypes.addressof(run), None, ctypes.addressof(places))
    assert count == sum(steps)
    base = 1 << 20
    assert tape_in(ctypes.addressof(run), base, ctypes.addressof(places)) == count
    want = [base + kind.itemsize * sum(steps[:k]) for k in range(len(steps))]
    assert list(places)[: len(want)] == want
