"""A name is never refused for a target's sake: whatever a person calls a thing, its module works.

What Python itself cannot parse, a keyword, is refused, and ``W.T`` is the transpose of W, not a
member T. Every other name may be an equation's, a state's, the input's, a family's or one of its
members', a scalar's, a constant's, an axis's letter or argument, the cell's own. The module then
computes what that of the same cell under harmless names does: outputs, gradients, tangents and
their gradients, with and without sequences of different lengths.

One cell bears many hostile names at once (`SOURCE`), packed with a fixed seed. Where it goes wrong,
halves of its names are tried by themselves, down to the one name, or the few, that it is about.
"""

from __future__ import annotations

import keyword
import random
import re
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from some_cells import every, first

from derive import compiler, language
from derive.backends import BACKENDS
from derive.cell import Cell, Equation
from derive.compiler import generate
from derive.elementwise import tanh
from derive.nodes import Axis, CellError, H, I, Quantity
from derive.proof import numeric
from derive.proof.trial import Trial

ROOT = Path(__file__).parent.parent
PARTS = 8  # so that they run side by side
MOST = 10  # names that one test reports

# --- a cell that takes its names from elsewhere --------------------------------------------------

# No name begins with _, so the language's own words do here, where no name can hide them. The first
# half uses names in many ways, the second makes room for more of them at little cost.
SOURCE = """
class {title}(_Cell):
    {x} = _Input()
    {h}, {c}, {k}, {m} = _State(), _State(), _State(), _State(_P)
    {W}, {U}, {b} = _Matrix(_H, _I), _Matrix(_H, _H), _Vector(_H)
    {N}, {V}, {A}, {p} = _Matrix(_H, _H), _Matrix(_P, _H), _Matrix(_H, _P), _Vector(_P)
    {s}, {w} = _Scalar(), _Scalar()
    {dt} = 0.25
    {i} = _sigmoid({W}.{i} @ {x} + {U}.{i} @ {h} + {b}.{i})
    {f} = _sigmoid({W}.{f} @ {x} + {U}.{f} @ {h} + {b}.{f})
    {c}_next = {f} * {c} + {dt} * {i}
    {h}_next = {s} * _tanh({c}_next)
    {n} = _tanh({N} @ ({i} * {k}) + {h})
    {k}_next = {f} * {k} + (1 - {f}) * {n}
    {u} = {w} * _mean({k})
    {m}_next = _tanh({V} @ {h} + {p}) + {u} * {m}
    {v} = {A} @ {m}

    {h1}, {h2}, {h3}, {h4}, {h5}, {h6} = (_State() for _ in _axes[:6])
    {s1}, {s2}, {s3}, {s4}, {s5}, {s6}, {s7}, {s8} = (_Scalar() for _ in _axes[:8])
    {p1}, {p2}, {p3}, {p4}, {p5}, {p6} = (_Vector(axis) for axis in _axes[:6])
    {p7}, {p8}, {p9} = (_Vector(axis) for axis in _axes[6:])
    {h1}_next, {h2}_next, {h3}_next = {v}, {h1}, {h2}
    {h4}_next, {h5}_next, {h6}_next = {h3}, {h4}, {h5}
    {g} = {s1} + {s2} + {s3} + {s4}
    {e} = _mean({p1}) + _mean({p2}) + _mean({p3}) + _mean({p4})
    {r} = _mean({p5}) + _mean({p6}) + _mean({p7}) + _mean({p8})
    {o} = _tanh({h6} + {g})
    {q} = _tanh({o} + {e})
    {t} = _tanh({q} + {s5} + {s6} + {s7} + {s8})
    {out} = _Output({h}_next + {t} * (_mean({p9}) + {r}))
"""
CORE = (
    SOURCE.partition("    {h1}")[0] + "    {out} = _Output({h}_next + {v} * (_mean({k}) + {w}))\n"
)
KINDS = {
    "quantity": "i f n u v g o q r t e out",
    "state": "h c k m h1 h2 h3 h4 h5 h6",
    "family": "W U b N V A p p1 p2 p3 p4 p5 p6 p7 p8 p9",
    "scalar": "s w s1 s2 s3 s4 s5 s6 s7 s8",
    "letter": "P P1 P2 P3 P4 P5 P6 P7 P8 P9",
    "argument": "P_size P1_size P2_size P3_size P4_size P5_size P6_size P7_size P8_size P9_size",
    "input": "x",
    "constant": "dt",
    "cell": "name",
    "class": "title",
}
ROLES = {role: kind for kind, roles in KINDS.items() for role in roles.split()}
MANY = ("quantity", "state", "family", "scalar", "letter", "argument")
LETTERS = KINDS["letter"].split()
OURS = ("quantity", "state", "family", "scalar", "input", "constant")  # names in one body
MEMBERS = sorted(set(re.findall(r"{(\w)}\.{(\w)}", SOURCE)))  # families and equations, as in U.f
HARMLESS = {role: f"{role}{role}{role}" for role in ROLES}
PLAIN = {role: role for role in ROLES}  # what a person would call them
WORDS = {f"_{word}": getattr(language, word) for word in language.__all__}


def written(names, source=SOURCE):
    """The cell of `SOURCE`, or of its first half, whose things are called as given."""
    called = HARMLESS | names
    first, *rest = (Axis(called[k], called[f"{k}_size"]) for k in LETTERS)
    namespace = WORDS | {"_P": first, "_axes": rest}
    exec(source.format(**called), namespace)
    return replace(namespace[called["title"]], name=called["name"])


def is_clear(names):
    """Whether these names are the names of different things, as the language has it."""
    called = HARMLESS | names
    ours = [called[role] for role, kind in ROLES.items() if kind in OURS]
    ours += [f"{called[role]}_next" for role, kind in ROLES.items() if kind == "state"]
    ours += [f"{called[family]}_{called[member]}" for family, member in MEMBERS]
    letters = ["I", "H", *(called[k] for k in LETTERS)]
    arguments = ["input_size", "hidden_size", *(called[f"{k}_size"] for k in LETTERS)]
    return (
        all(len(set(several)) == len(several) for several in (ours, letters, arguments))
        and "T" not in (called[member] for _, member in MEMBERS)  # W.T is the transpose
        and not any(map(keyword.iskeyword, names.values()))
    )


def results(cell, store="all"):
    """What a cell's module computes at a point, and everything that is derived there: arrays in the
    cell's own order, by what they are."""
    m = compiler.module(cell, store)
    sizes = dict(zip(cell.axes, [2, 3, 4, *[1, 5] * 5], strict=False))
    rng = np.random.default_rng(0)

    def some(*axes):
        return rng.standard_normal([sizes.get(axis, axis) for axis in axes])

    def parameters():
        made = m.Params(*sizes.values(), dtype=np.float64)
        assert sorted(made) == sorted(p.name for p in cell.parameters), "parameters' names"
        for p in cell.parameters:
            made[p.name] = 0.7 * some(*p.axes)
        assert all(made.get(name) is made[name] is value for name, value in made.items())
        assert list(made) == list(made.keys()) and len(made.values()) == len(made)
        return made

    def state():
        return m.State(*(some(3, *s.axes) for s in cell.states))

    found = {}

    def keep(what, *several):
        for number, given in enumerate(several):
            arrays = [given] if isinstance(given, np.ndarray) else given
            if isinstance(given, m.Params):
                arrays = [given[p.name] for p in cell.parameters]
            found.update({(what, number, k): np.array(array) for k, array in enumerate(arrays)})

    assert m.State._fields == tuple(s.name for s in cell.states), "states' names"
    params, xs, first = parameters(), some(4, 3, I), state()
    along = {"params_dot": parameters(), "xs_dot": some(4, 3, I), "state_dot": state()}
    dys, dstate = some(4, 3, *cell.output.axes), state()
    for lengths in (None, np.array([4, 0, 2])):
        ends = "" if lengths is None else ", lengths"
        ys, final, tape = m.forward(params, xs, state=first, lengths=lengths)
        keep(f"forward{ends}", ys, final)
        keep(f"backward{ends}", *m.backward(params, tape, dys, dstate=dstate))
        keep(f"jvp{ends}", *m.jvp(params, tape, **along))
        keep(f"hvp{ends}", *m.hvp(params, tape, dys, **along, dstate=dstate))
    keep("from the start", *m.forward(params, xs)[:2])
    keep("step", *m.step(params, xs[0], first))
    keep("copies", params.copy(), params.zeros(), np.sort(params.flat))
    drawn = m.init(np.random.default_rng(0), *sizes.values(), dtype=np.float32)
    assert repr(drawn) and drawn.flat.shape == params.flat.shape and drawn.flat.any()
    return found


@cache
def harmless(store, source=SOURCE):
    """What the cell of harmless names computes."""
    return results(written({}, source), store)


def difference(got, want):
    """Where two cells' results differ; None if they are the same."""
    for what, right in want.items():
        if got[what].shape != right.shape or not np.isfinite(got[what]).all():
            return f"{what[0]} is of another shape, or not finite"
        wrong = np.abs(got[what] - right).max(initial=0)
        if wrong > 1e-12 * max(1, np.abs(right).max(initial=0)):
            return f"{what[0]} is wrong by {wrong:.0e}"
    return None


def trouble(names, store="all", source=SOURCE):
    """What is wrong with the cell of these names; None if nothing is."""
    want = harmless(store, source)
    try:
        return difference(results(written(names, source), store), want)
    except Exception as error:
        return told(error)


def told(error):
    """An error in one line."""
    first, *_ = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {first[:110]}"


# --- many names in one cell ----------------------------------------------------------------------


def packed(uses, base=None, seed=0):
    """Names for cells, by role, so that each of `uses`, pairs (name, kind), occurs in one of them.

    base  names, by role, that all of these cells have
    """
    base, waiting = base or {}, {}
    for name, kind in sorted(set(uses)):
        waiting.setdefault(kind, []).append(name)
    for several in waiting.values():
        random.Random(seed).shuffle(several)
    while any(waiting.values()):
        names = {}
        for role, kind in ROLES.items():
            if role not in base:
                several = waiting.get(kind, [])
                fitting = (n for n in several if is_clear(base | names | {role: n}))
                name = next(fitting, None)
                if name is not None:
                    names[role] = name
                    several.remove(name)
        assert names, f"no cell can bear {waiting}"
        yield names


def check(uses, base=None, part=0, parts=1):
    """Fail with the names that do not work, in one part of the cells that it takes for all of
    them; every other cell's module is one that keeps states only."""
    base, wrong = base or {}, []
    for number, names in enumerate(packed(uses, base)):
        if number % parts == part:
            wrong += wrong_names(names, base, ("all", "states")[number // parts % 2], len(wrong))
    report(wrong)


def report(wrong):
    assert not wrong, f"{len(wrong)}{' or more' * (len(wrong) >= MOST)}:\n" + "\n".join(wrong)


def wrong_names(names, base=None, store="all", found=0, source=SOURCE):
    """Which of the names, by role, do not work, and what goes wrong: one line each."""

    def wrong(some):
        return trouble((base or {}) | some, store, source)

    kept = "" if store == "all" else f" (store {store})"
    return [
        f"{', '.join(f'{ROLES[role]} `{name}`' for role, name in few.items())}: {problem}{kept}"
        for few, problem in culprits(names, wrong, MOST - found)
    ]


def culprits(names, trouble, limit=MOST):
    """The fewest of the names that make trouble, each by itself if it does, with what it is."""
    problem = trouble(names) if limit > 0 else None
    if problem is None:
        return []
    if len(names) == 1:
        return [(names, problem)]
    roles, found = list(names), []
    for half in (roles[: len(roles) // 2], roles[len(roles) // 2 :]):
        found += culprits({r: names[r] for r in half}, trouble, limit - len(found))
    if found:
        return found
    for role in roles:  # none by itself: as few together as will do
        fewer = {r: name for r, name in names.items() if r != role}
        if fewer and trouble(fewer):
            names = fewer
    return [(names, trouble(names))]


# --- the names -----------------------------------------------------------------------------------

HOSTILE = {
    "shapes": """
        B T I H N K V P sizes shape size axis axes input_size hidden_size""",
    "what a module imports": """
        np numpy math accumulate itertools collections typing Mapping NamedTuple annotations""",
    "what a module offers": """
        Params State Tape Inputs LATEX SHAPES STACKS init forward backward step jvp hvp flat stacked
        copy zeros keys values items get count index""",
    "arguments": """
        params state tape x xs ys dys dxs dparams dstate lengths dtype rng params_dot xs_dot
        state_dot ys_dot dys_dot dstate_dot dparams_dot dxs_dot self cls""",
    "local names": """
        past half steps ended ended_s work work_s work2 work_1 t k gates gates_s dgates gates_T
        first starts view bound rows array arrays name states final checked needed like n s a h d
        d_ c_next h_next el ef y dy dx x_next a_f""",
    "Python": """
        zip range reversed len sum map list dict tuple set str int float bool complex type any all
        sorted enumerate iter next isinstance getattr repr property super slice object print min max
        abs round pow vars id hash match case""",
    "made to make room": """
        lambda_ class_ None_ del_ np_ T_ B_ params_ double_ new_ k_ t_ work_ W_ h_ x_ y__""",
    "C": """
        double long short char void signed unsigned struct union enum const static extern auto
        register volatile restrict inline sizeof goto switch default do main printf malloc NULL
        size_t y0 y1 yn j0 j1 gamma erf exp log fabs tanhf typedef""",
    "JavaScript": """
        new var let function this delete typeof instanceof arguments undefined null NaN Infinity
        Math Array Float64Array prototype constructor toString export package""",
    "PyTorch and JAX": """
        torch nn Tensor Module training parameters weight bias jax jnp lax key vmap grad""",
    "SymPy": """
        S E O Q C pi oo zoo nan re im beta zeta lamda Lambda Symbol Function Derivative""",
    "the language": """
        tanh sigmoid mean maximum each Cell Input Matrix Vector Scalar Output Option Size Axis""",
}
MINE = ("shapes", "what a module offers", "arguments", "local names")
SOME_ROLES = ("what a module imports", "Python", "made to make room")

SCRATCH = "work work_1 gates dgates ended half y dy t k xs".split()
PLACES = ("quantity", "state", "input")

# What generated code may call things that have to do with q.
MADE = """
    {}_s d{} d{}_s {}_dot {}_dot_s d{}_dot_s {}_before d{}_before {}_dot_before {}_next_s d{}_next
    d{}_next_s {}_next_dot {}_next_carry d{}_next_carry d{}_carry {}_T d{}_T {}_in {}_in_s {}_terms
    {}_rate a_{} a_{}_s da_{} a_{}_dot d{}_da_{} dh_d{} dh_next_d{}_s {}_1 {}_2 {}_ {}__ work_{}
    sum_{} tanh_{} tanh_{}_next {}_h {}_operand {}0 {}s d{}s {}_bar {}_final {}_all {}_work {}_x
""".split()


def by_hand(groups):
    """The names of those groups of `HOSTILE`."""
    return list(dict.fromkeys(name for group in groups for name in HOSTILE[group].split()))


def identifiers(text):
    """Every name in a module's code that a person could give."""
    code = re.sub(r'"""(?s:.)*?"""|"[^"\n]*"|#.*', "", text)
    return {name for name in re.findall(r"\b[A-Za-z]\w*", code) if not keyword.iskeyword(name)}


@cache
def generators_own():
    """How many of the library's modules have each name that the generator ever makes. What there is
    beside in modules that keep states only is made of names, as in `test_what_is_made_of_names`."""
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob("generated/[a-z]*.py")]
    assert len(texts) >= 50
    return Counter(name for text in texts for name in identifiers(text))


def in_roles(names, count, uses=()):
    """Uses of every name in so many roles: those for which, after other uses, cells have most
    room."""
    room, taken = Counter(ROLES.values()), Counter(kind for _, kind in uses)
    for name in names:
        possible = [kind for kind in MANY if is_possible(name, kind)]
        for kind in sorted(possible, key=lambda kind: taken[kind] / room[kind])[:count]:
            taken[kind] += 1
            yield name, kind


def is_possible(name, kind):
    """I and H are axes already, and have their arguments."""
    taken = {"letter": ("I", "H"), "argument": ("input_size", "hidden_size")}
    return name not in taken.get(kind, ())


# --- the tests -----------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["all", "states"])
def test_the_cell_of_harmless_names_is_right(store):
    """What all others are compared with, by the proof's own means."""
    rows = [numeric.dot_product, *([numeric.hessian, numeric.complex_step] * (store == "all"))]
    prove(written({}), rows, store)


def prove(cell, rows, store="all"):
    trial = Trial(cell, module=compiler.module(cell, store))
    for row in rows:
        outcome = row(trial)
        assert outcome.ok, f"{outcome.remark}: {outcome.figure}"


@pytest.mark.parametrize("part", first(1, range(PARTS)))
def test_hostile_names_in_every_role(part):
    """Those listed above; and every name that the generator makes in more than five modules, of
    which those that it makes in half of all are its own."""
    made = sorted(generators_own().items())
    mine, others = by_hand(MINE), by_hand(set(HOSTILE) - set(MINE))
    own = {name for name, modules in made if modules > 25}
    rest = {name for name, modules in made if modules > 5}
    uses = list(in_roles(mine, len(MANY)))
    uses += in_roles(sorted((own | set(by_hand(SOME_ROLES))) - set(mine)), 2, uses)
    uses += in_roles(sorted((rest | set(others)) - {name for name, _ in uses}), 1, uses)
    random.Random(0).shuffle(mine)
    uses += [(name, kind) for kind in ("input", "constant", "class") for name in mine[:20]]
    uses += [(name, "cell") for name in mine[:20] if name not in sys.stdlib_module_names]
    assert len(mine) > 100 and len(mine + others) > 250
    check(uses, part=part, parts=PARTS)


@every
def test_names_of_scratch_in_every_place():
    """What code calls arrays that no equation names, or what it makes their names of: whether such
    a name meets another depends on what becomes of the quantity that has it."""
    roles, wrong = [r for r in ROLES if f"{{{r}}}" in CORE and ROLES[r] in PLACES], []
    for shift in range(len(roles)):
        some = dict(zip(roles, SCRATCH[shift:] + SCRATCH[:shift], strict=True))
        wrong += wrong_names(some, found=len(wrong), source=CORE)
    report(wrong)


def test_a_name_of_few_modules_is_a_parameter_elsewhere():
    """What is left of the names that the generator makes is made of some cell's own, as
    `da_i_dp_i_s`: some of them, many at a time."""
    once = sorted(name for name, modules in generators_own().items() if modules <= 5)
    some, wrong = random.Random(0).sample(once, 120), []
    for start in range(0, len(some), 60):
        names = dict(enumerate(some[start : start + 60]))
        wrong += culprits(names, sum_is_wrong, MOST - len(wrong))
    report([f"{', '.join(few.values())}: {problem}" for few, problem in wrong])


def sum_is_wrong(names):
    """What is wrong with a cell that adds up vectors of these names; None if nothing is."""
    lines = [
        "class Sums(_Cell):",
        "xxx, hhh = _Input(_H), _State()",
        *(f"{name} = _Vector(_H)" for name in names.values()),
        "hhh_next = _tanh(xxx * hhh)",
        f"yyy = _Output(hhh * ({' + '.join(names.values())}))",
    ]
    rng, namespace = np.random.default_rng(0), dict(WORDS)
    try:
        exec("\n    ".join(lines), namespace)
        m = compiler.module(namespace["Sums"])
        params, xs, dys = m.Params(2, 2), rng.normal(size=(3, 2, 2)), rng.normal(size=(3, 2, 2))
        params.flat[:] = rng.normal(size=params.flat.size)
        states = [rng.normal(size=(2, 2))]
        ys, final, tape = m.forward(params, xs, m.State(*states))
        dparams, _, _ = m.backward(params, tape, dys)
        ys_dot, _ = m.jvp(params, tape, params)
    except Exception as error:
        return told(error)
    for x in xs:
        states.append(np.tanh(x * states[-1]))
    total, dtotal = sum(params.values()), np.sum(dys * states[:3], (0, 1))
    pairs = [(ys, total * states[:3]), (ys_dot, ys), (final.hhh, states[3])]
    pairs += [(dparams[name], dtotal) for name in names.values()]
    return None if all(np.allclose(a, b, rtol=1e-12) for a, b in pairs) else "wrong numbers"


# Names that meet, all at once, what generated code makes of others in the cell: role=name.
TOGETHER = {
    # An adjoint's d before `el` and `ef` makes keywords.
    "what is made of h and c": """
        h=h c=c i=el f=ef u=c_s v=h_before n=dh g=h_dot o=dh_next q=h_next_carry r=dh_dot
        t=c_before e=dc_s k=dc m=h_s W=t U=y b=dgates N=gates V=gates_s A=ended_s p=work P=d
        s=dc_next_s w=c_dot P_size=h_T x=dy out=dys h1=da_c h2=h_in dt=dt p1=a_h p2=dW s1=dU""",
    "one name for an axis and for others": """
        P=h P_size=h P1=c P1_size=W P2=W P2_size=c P3=x P3_size=P P4=T P4_size=T P5=B P5_size=H
        P6=hidden_size P6_size=I P7=d P7_size=dtype P8=np P8_size=self P9=params P9_size=flat h=h
        c=c W=W x=x n=T f=B U=H b=I i=dtype k=np m=params N=hidden_size V=input_size s=d""",
    "what another was changed to": """
        h=np c=np_ k=np__ W=params U=params_ m=params__ i=xs f=xs_ n=dxs u=dxs_ N=tape V=tape_ s=T
        w=T_ P=T P_size=dtype P1=T_ h1=state P1_size=dtype_ P2=H_ P2_size=self P3=B P3_size=self_
        P4=B_ s1=state_ h2=half s2=half_ h3=forward s3=forward_ out=ys q=ys_ x=x_ b=x g=lambda_
        o=lambda__ p1=zip_ p2=zip p3=k_ p4=k p5=t p6=t_""",
}
TOGETHER = {
    about: dict(pair.split("=") for pair in pairs.split()) for about, pairs in TOGETHER.items()
}


@pytest.mark.parametrize("which", TOGETHER)
def test_names_that_meet(which):
    assert is_clear(TOGETHER[which])
    report(wrong_names(TOGETHER[which]))


def test_hostile_names_by_the_proof_itself():
    """A module of hostile names that keeps states only, without another to compare it with."""
    cell = written(TOGETHER["what is made of h and c"])
    prove(cell, (numeric.dot_product, numeric.complex_step), "states")


@pytest.mark.parametrize("backend", [backend for backend in BACKENDS if backend != "numpy"])
@pytest.mark.parametrize("which", first(1, TOGETHER))
def test_no_target_refuses_a_name(which, backend):
    assert all(generate(written(TOGETHER[which]), backend).values())


def test_whatever_may_be_made_of_a_name_is_another():
    """Each in one role; what it is made of is a state, a gate, or a family of a stack's parts."""
    base = {"h": "h", "f": "f", "W": "W"}
    names = dict.fromkeys(made.replace("{}", q) for made in MADE for q in base.values())
    check(in_roles(names, 1), base)


@pytest.mark.parametrize("part", first(1, range(4)))
def test_what_is_made_of_names(part):
    """A name that a cell's modules make of others is a name in that very cell, next to those."""
    base = {role: PLAIN[role] for role in ROLES if f"{{{role}}}" in CORE} | {"name": "name"}
    strange = {HARMLESS[role] for role in ROLES if role not in base}
    cell = written(base, CORE)
    texts = [generate(cell, store=store)["name.py"] for store in ("all", "states")]
    made = {name for text in texts for name in identifiers(text)}
    made -= {name for name, modules in generators_own().items() if modules > 25}
    made = sorted(name for name in made if not any(other in name for other in strange))
    uses = [use for use in in_roles(made, 1) if fits(use, base)]
    assert len(uses) > 100
    check(uses, base, part=part, parts=4)


def fits(use, base):
    """Whether some role of the kind may have the name, besides those of `base`."""
    name, kind = use
    return any(is_clear(base | {r: name}) for r in KINDS[kind].split() if r not in base)


@pytest.mark.parametrize("role", ["h", "W", "P", "name"])
def test_only_what_python_cannot_parse_is_refused(role):
    for word in keyword.kwlist:
        with pytest.raises((CellError, SyntaxError)) as raised:
            written({role: word})
        assert "\n" not in str(raised.value)


def body(text, **names):
    """The cell of a body that a person might write, with the language's own words, and with axes
    that have names outside it."""
    namespace = {word: getattr(language, word) for word in language.__all__} | names
    exec("class Mine(Cell):\n" + "\n".join(f"    {line}" for line in text), namespace)
    return namespace["Mine"]


def test_a_member_called_t_is_the_transpose():
    cell = body(["x, h, W, U = Input(), State(), Matrix(H, I), Matrix(H, H)",
                 "T = tanh(W @ x + U.T @ h)", "h_next = T * h"])  # fmt: skip
    assert [p.name for p in cell.parameters] == ["W", "U"]
    other = body(["x, h, W, U = Input(), State(), Matrix(H, I), Matrix(H, H)",
                  "f = tanh(W @ x + U.T @ h)", "h_next = f * h"])  # fmt: skip
    assert difference(results(cell), results(other)) is None
    with pytest.raises(CellError, match="only a matrix has a transpose, and b"):
        body(["x, h, b = Input(), State(), Vector(H)", "T = tanh(b.T * h)", "h_next = T + x"])


def test_a_member_may_be_called_as_a_family_s_own_methods_are():
    """What a family can do for the language is no member's name taken away."""
    lines = ["x, h, W = Input(), State(), Matrix(H, I)", "{0} = tanh(W.{0} @ x)",
             "h_next = h - {0}"]  # fmt: skip
    want = results(body([line.format("f") for line in lines]))
    for name in dir(language.Matrix(H, I)):
        if not name.startswith("_") and name != "T":
            cell = body([line.format(name) for line in lines])
            assert [p.name for p in cell.parameters] == [f"W_{name}"]
            assert difference(results(cell), want) is None


@pytest.mark.parametrize("name", ["I", "H", "tanh", "State", "Axis", "sum"])
def test_a_name_of_the_language_s_own(name):
    """Below what needs the word, its name is free; in what follows it means what it was given to,
    as everywhere in Python."""
    lines = ["x, h, W, U = Input(), State(), Matrix(H, I), Matrix(H, H)",
             "{0} = sigmoid(W.{0} @ x + U.{0} @ h)",
             "h_next = {0} * mean(h) + (1 - {0}) * h"]  # fmt: skip
    cell, other = (body([line.format(n) for line in lines]) for n in (name, "f"))
    assert difference(results(cell), results(other)) is None
    if name in "IH":
        with pytest.raises(CellError, match="a shape is made of axes"):
            body(["x = Input()", f"{name} = State()", f"W = Matrix(H, {name})"])
        with pytest.raises(CellError, match=f"two axes .* {name}"):
            written({"P": name})


def test_repeated_equations_of_hostile_names():
    lines = ["x, h, W, U = Input(), State(), Matrix(H, I), Matrix(H, H)", "{0} = h",
             "for {1} in each(2):", "    {0} = tanh(U.{0} @ {0} + W.{0} @ x * {1})",
             "h_next = {0}"]  # fmt: skip
    want = results(body([line.format("f", "layer") for line in lines]))
    for pair in (("np", "params"), ("I", "self"), ("work", "t"), ("gates", "zip")):
        assert difference(results(body([line.format(*pair) for line in lines])), want) is None


def along(argument, letter="P"):
    """A cell with a state along an axis."""
    P = Axis(letter, argument)
    x, h, m = Quantity("x", (I,)), Quantity("h", (H,)), Quantity("m", (P,))
    W, V, U = Quantity("W", (H, I)), Quantity("V", (P, H)), Quantity("U", (H, P))
    h_next, m_next = Quantity("h_next", (H,)), Quantity("m_next", (P,))
    return Cell(
        name="along", title="Along", doc="", inputs=(x,), states=(h, m), parameters=(W, V, U),
        equations=(
            Equation(m_next, tanh(V @ h) + language.mean(m) * m),
            Equation(h_next, tanh(W @ x + U @ m)),
        ),
        updates={h: h_next, m: m_next}, output=h_next,
    )  # fmt: skip


def test_two_cells_whose_axes_share_a_letter():
    """The argument tells them apart, in whatever order they are made in one process."""
    one, other = along("one_size"), along("other_size")
    assert one != other and one.states != other.states
    for store in ("all", "states"):
        first, second, third = (
            generate(cell, store=store)["along.py"] for cell in (one, other, along("one_size"))
        )
        assert first == third and "other_size" not in first
        assert second == first.replace("one_size", "other_size")
    assert difference(results(other), results(one)) is None
    letters = along("one_size", "Q"), along("one_size", "np")
    assert difference(results(letters[0]), results(letters[1])) is None
