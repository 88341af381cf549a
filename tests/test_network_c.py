"""Networks in C: compilers have nothing to say of them, they give what NumPy's modules give, and
need no more memory than they say."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import kept
import numpy as np
import pytest
from c_programs import ONE, SANITIZED, STRICT, run
from click.testing import CliRunner
from networks import NETWORKS, Memories, Several, Streaming, Tagger
from some_cells import every, first
from test_network import LENGTHS, SMALL, B, T, as_state, drawn, made

from derive import build, cli, compiler
from derive.network import Bidirectional, Dropout, H, Layer, Output, load
from derive.nodes import CellError
from derive.proof import check, parts

pytestmark = pytest.mark.compiler
HERE = Path(__file__).parent
FEW = (Tagger,)  # in `make test`
SOME = [
    pytest.param(n, id=n.name, marks=[every] * all(n is not one for one in FEW)) for n in NETWORKS
]

compiled = kept.of_each(build.compiled)


@pytest.fixture(autouse=True, scope="module")
def quickly():
    """Compile for the time that compiling takes, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFLAGS", "-O0")
        yield


def written(network, folder, store="all"):
    for name, text in compiler.generate(network, "c", store).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / f"{network.name}.c"


@pytest.mark.parametrize("compiler_", ONE)
@pytest.mark.parametrize("network", SOME)
def test_no_warning(network, compiler_, tmp_path):
    source = written(network, tmp_path)
    for double in ([], [f"-D{network.name.upper()}_DOUBLE"]):
        line = [compiler_, *STRICT, "-O1", *double, "-c", source, "-o", tmp_path / "one.o"]
        done = subprocess.run(line, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
    header = ["-fsyntax-only", "-x", "c++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic"]
    line = [compiler_, *header, "-Werror", tmp_path / f"{network.name}.h"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert (
        (done.returncode, done.stderr) == (0, "")
        or "c++" in done.stderr
        or "cc1plus" in done.stderr
    )


@pytest.mark.parametrize("network", SOME)
def test_the_proof(network):
    rows = check(network, "c")
    assert all(row.ok for row in rows), [row for row in rows if not row.ok]
    names = {row.name for row in rows}
    assert {"equations", "finite differences", "float32", "states only", "NumPy"} <= names
    assert {"dot product", "Taylor", "Hessian"} <= names
    assert ("step" in names) == network.is_streaming


WRONG = [
    ("dot product", "(there.words_dot, it.drop_mask,", "(there.words_dot, there.words_dot,"),
    ("Hessian", "memset(there.still, 0,", "memset(there.still, 63,"),
    ("dot product", "turn(run, xs_dot,", "turn(run, xs,"),
    ("Taylor", "(run, beside.dwords_backward_x_dot,", "(run, it.words_backward_x,"),
    ("Taylor", "(back.ddrop, it.drop_mask,", "(back.ddrop, back.ddrop,"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "right", "wrong"), first(2, WRONG))
def test_the_proof_fails_for_what_is_wrong_along_a_direction(monkeypatch, row, right, wrong):
    texts = dict(build.written(Tagger, "all"))
    assert right in texts["tagger.c"]
    texts["tagger.c"] = texts["tagger.c"].replace(right, wrong)
    monkeypatch.setattr(build, "written", lambda *_: texts)
    (part,) = (part for part in parts(Tagger, "c") if part.name == row)
    assert part.row().ok is False


PROGRAMS = {
    "tagger": (Tagger, "gradient right\nloss falls\n"),
    "streaming": (Streaming, "steps agree\n"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_in_c_alone_and_in_no_more_memory(name, tmp_path):
    network, said = PROGRAMS[name]
    source, program = written(network, tmp_path), HERE / f"network_{name}.c"
    flags = [*SANITIZED, f"-D{name.upper()}_DOUBLE"]
    printed = run("gcc", [program, source], tmp_path, flags)
    assert printed.endswith(said)


LOSSES = {
    "cross_entropy": (3, {}),
    "quantile": (2, {"level": [0.2, 0.9]}),
    "squared_error": (3, {}),
}


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "ragged"])
@pytest.mark.parametrize("name", first(2, LOSSES))
def test_the_losses(name, lengths):
    """`NAME_loss` of the library gives what the loss of the module does."""
    import ctypes

    module = loss_module(name)
    size, values = LOSSES[name]
    rng = np.random.default_rng(0)
    ys = rng.standard_normal((T, B, size * len(values.get("level", "1"))))
    targets, weights = rng.uniform(0.1, 1, (T, B, size)), rng.uniform(0, 1, (T, B))
    weights[1] = 0
    past = None if lengths is None else np.arange(T)[:, None] >= lengths
    given = module._run(module.Params(2), T, B, past)
    library = module._libraries[np.dtype(float)]
    library.made_loss.restype, library.made_loss.argtypes = ctypes.c_double, [ctypes.c_void_p] * 6
    library.made_loss_work.restype, library.made_loss_work.argtypes = (
        ctypes.c_size_t,
        [ctypes.c_void_p],
    )
    work = np.full(library.made_loss_work(ctypes.byref(given)) + 9, 7.5)
    for some in (None, weights):
        dys = np.full(ys.shape, np.nan)
        targets[1] = 0.5 if some is None else np.nan
        value = library.made_loss(
            ctypes.byref(given), *map(module._pointer, (ys, targets, some, dys, work))
        )
        want, right = kept.module(loss_network(name)).loss(ys, targets, lengths, some)
        assert value == pytest.approx(want, rel=1e-14)
        np.testing.assert_allclose(dys, right, rtol=0, atol=1e-15)
    assert (work[-9:] == 7.5).all()


@cache
def loss_network(name):
    size, values = LOSSES[name]
    return made(a=Layer("rnn", 2), out=Output(size, name, **values))


@cache
def loss_module(name):
    return build.compiled(loss_network(name))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_needs_no_more_memory_than_it_says(dtype):
    """What lies behind a tape and a workspace of the size that is asked for stays as it is."""
    import ctypes

    module = compiled(Tagger)
    params, xs, *_ = drawn(module, 3, 4, dtype=dtype)
    library = module._libraries[np.dtype(dtype)]
    given = module._run(params, T, B, np.arange(T)[:, None] >= LENGTHS)
    at = ctypes.byref(given)
    tape = np.full(library.tagger_tape_size(at) + 9, 7.5, dtype)
    there = np.full(library.tagger_forward_work(at) + 9, 7.5, dtype)
    back = np.full(library.tagger_backward_work(at) + 9, 7.5, dtype)
    zero = module.forward(params, xs[:0])[1]
    ys, dparams, dxs = np.empty((T, B, 5), dtype), params.zeros(), np.empty_like(xs)
    masks = module.masks(np.random.default_rng(0), params, T, B)
    state, first = as_state(zero, np.copy), as_state(zero, np.copy)
    pointers = [params.flat, xs, None, masks, ys, module._flat(state), tape, there]
    library.tagger_forward(at, *map(module._pointer, pointers))
    pointers = [params.flat, xs, tape, ys, None, dparams.flat, dxs, module._flat(first), back]
    library.tagger_backward(at, *map(module._pointer, pointers))
    assert all((array[-9:] == 7.5).all() for array in (tape, there, back))
    want, _, kept_ = module.forward(params, xs, None, LENGTHS, masks)
    assert np.array_equal(ys, want)
    assert np.array_equal(module.backward(params, kept_, ys)[0].flat, dparams.flat)

    for name in ("jvp", "hvp"):
        work = np.full(getattr(library, f"tagger_{name}_work")(at) + 9, 7.5, dtype)
        ends = [module._flat(first), work]
        pointers = [params.flat, xs, tape, dparams.flat, xs, None, ys.copy(), *ends]
        if name == "hvp":
            pointers = [params.flat, xs, tape, ys, dparams.flat, xs, None, None, ys]
            pointers += [None, params.zeros().flat, dxs, *ends]
        getattr(library, f"tagger_{name}")(at, *map(module._pointer, pointers))
        assert (work[-9:] == 7.5).all()


def test_results_do_not_depend_on_the_number_of_threads():
    module = compiled(Tagger)
    params, xs, state, dys, dstate = drawn(module, 3, 4, T=40, B=70)
    found = []
    for count in (1, 2, 3):
        module.set_threads(count)
        ys, _, tape = module.forward(params, xs, state)
        along = params, xs, state
        found.append(
            (
                ys,
                module.backward(params, tape, dys, dstate)[0].flat,
                module.jvp(params, tape, *along)[0],
                module.hvp(params, tape, dys, *along, dstate)[0].flat,
            )
        )
    module.set_threads(1)
    assert all(
        np.array_equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True)
    )


@pytest.mark.parametrize("network", SOME)
def test_of_no_steps_it_gives_back_the_state(network):
    from derive.proof.network import face

    trial = face.NetworkTrial(face.Face(network), make=face.made(compiled, masked=False))
    point, module = trial.point, trial.module
    xs = tuple(a[:0] for a in point.xs) if isinstance(point.xs, tuple) else point.xs[:0]
    xs = module.Inputs(*xs) if isinstance(xs, tuple) else xs
    ys, last, tape = module.forward(point.params, xs, point.state)
    assert ys.shape[0] == 0
    assert all(np.array_equal(a, b) for a, b in zip(last, point.state, strict=True))
    dparams, _, dstate = module.backward(point.params, tape, ys, trial.dstate)
    assert not dparams.flat.any()
    assert all(np.array_equal(a, b) for a, b in zip(dstate, trial.dstate, strict=True))
    along = point.params, xs, point.state
    _, last = module.jvp(point.params, tape, *along)
    assert all(np.array_equal(a, b) for a, b in zip(last, point.state, strict=True))
    dparams, _, dstate = module.hvp(point.params, tape, ys, *along, trial.dstate)
    assert not dparams.flat.any() and not any(a.any() for a in dstate)


def test_what_is_past_an_end_does_not_matter():
    module = compiled(Tagger)
    params, xs, state, dys, dstate = drawn(module, 3, 4)
    past, results = np.arange(T)[:, None] >= LENGTHS, []
    for filler in (0.0, np.nan):
        xs[past], dys[past] = filler, filler
        ys, last, tape = module.forward(params, xs, state, LENGTHS)
        dparams, dxs, first = module.backward(params, tape, dys, dstate)
        assert not ys[past].any() and not dxs[past].any()
        results.append([ys, *module._flat(last), dparams.flat, dxs, *module._flat(first)])
        along = params, xs, state
        ys_dot, last = module.jvp(params, tape, *along)
        dparams, dxs, first = module.hvp(params, tape, dys, *along, dstate, dys)
        assert not ys_dot[past].any() and not dxs[past].any()
        results[-1] += [ys_dot, *module._flat(last), dparams.flat, dxs, *module._flat(first)]
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize(
    ("network", "sizes"), first(1, [(Tagger, (3, 4)), (Memories, (3,)), (Several, (2, 3))])
)
def test_parameters_are_those_of_the_module_for_numpy(network, sizes):
    one, other = compiled(network), kept.module(network)
    params = one.init(np.random.default_rng(1), *sizes)
    right = other.init(np.random.default_rng(1), *sizes)
    assert list(params) == list(right) and np.array_equal(params.flat, right.flat)


def test_wrong_arguments_are_told():
    module = compiled(Tagger)
    params, xs, *_ = drawn(module, 3, 4)
    with pytest.raises(ValueError, match=r"xs has shape .*\(T, B, 3\)"):
        module.forward(params, xs[..., :2])
    with pytest.raises(TypeError, match=r"masks must be Masks\(drop, "):
        module.forward(params, xs, masks=(1,))
    with pytest.raises(TypeError, match="dtype must be float64 or float32"):
        module.Params(3, 4, dtype=complex)
    tape = module.forward(params, xs)[2]
    with pytest.raises(ValueError, match="tape was made with Params"):
        module.backward(module.Params(3, 5), tape, xs)
    with pytest.raises(ValueError, match=r"xs_dot has shape "):
        module.jvp(params, tape, params, xs[:2])
    with pytest.raises(TypeError, match=r"params_dot must be tagger\.Params"):
        module.hvp(params, tape, np.zeros((T, B, 5)), xs)
    with pytest.raises(ValueError, match=r"dys_dot has shape "):
        module.hvp(params, tape, np.zeros((T, B, 5)), params, dys_dot=xs)


@pytest.mark.parametrize("network", SOME)
def test_its_functions_are_called_as_those_for_numpy(network):
    one, other = compiled(network), kept.module(network)
    functions = {k: f for k, f in vars(other).items() if inspect.isfunction(f) and k[0] != "_"}
    assert {"jvp", "hvp"} < functions.keys()
    for name, function in functions.items():
        assert inspect.signature(getattr(one, name)) == inspect.signature(function)


def test_the_hessian_of_the_loss_itself():
    """With `loss_hvp` it is the difference quotient of what `loss_and_gradient` gives."""
    module = compiled(Tagger)
    params, xs, *_ = drawn(module, 3, 4)
    rng, h = np.random.default_rng(2), 1e-6
    masks, targets = module.masks(rng, params, T, B), rng.integers(0, 5, (T, B))
    along = params.zeros()
    along.flat[:] = rng.standard_normal(along.flat.size)
    ys, _, tape = module.forward(params, xs, None, LENGTHS, masks)
    ys_dot, _ = module.jvp(params, tape, along)
    _, dys = module.loss(ys, targets, LENGTHS)
    turned = module.loss_hvp(ys, targets, ys_dot, LENGTHS)
    mine = module.hvp(params, tape, dys, along, dys_dot=turned)[0].flat
    sides = []
    for side in (h, -h):
        moved = params.copy()
        moved.flat[:] += side * along.flat
        given = {"lengths": LENGTHS, "masks": masks}
        sides.append(module.loss_and_gradient(moved, xs, targets, **given)[1].flat)
    assert np.abs((sides[0] - sides[1]) / (2 * h) - mine).max() < 1e-7 * np.abs(mine).max()


def test_layers_may_be_called_as_c_calls_things(tmp_path):
    names = """
        double int run kept it at back work ys xs dys rows call own state params used run_ T B
        there beside still unread along turning begun tangents adjoints first last offsets
        loss masks step comparison stream forward prepared
    """.split()
    network = made(
        **{name: Layer("rnn", 2, zoneout=0.1) for name in names}, out=Output(2, "squared_error")
    )
    source = written(network, tmp_path)
    line = ["gcc", *STRICT, "-O0", "-c", source, "-o", tmp_path / "one.o"]
    assert subprocess.run(line, capture_output=True, text=True).stderr == ""


def test_the_command_builds(tmp_path):
    file = tmp_path / "net.py"
    file.write_text(SMALL)
    arguments = ["build", "--network", str(file), "-o", str(tmp_path / "out"), "--json"]
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exit_code == 0, result.output
    names = {Path(f["path"]).name for f in json.loads(result.stdout)["files"]}
    assert {"net.py", "net.c", "net.h"} < names and len(names) == 5
    code = """if True:
        import numpy as np, net
        params = net.init(np.random.default_rng(0), 3, 4)
        ys, state, tape = net.forward(params, np.ones((2, 1, 3)))
        value, dparams = net.loss_and_gradient(params, np.ones((2, 1, 3)), np.zeros((2, 1), int))
        print(ys.shape, np.isfinite(dparams.flat).all())
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "out", capture_output=True,
                          text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    assert done.stdout == "(2, 1, 5) True\n", done.stderr
    for more, message in (
        (["--torch"], "is a network, and a layer"),
        (["--store", "checkpoints"], "keeps"),
    ):
        result = CliRunner().invoke(cli.main, [*arguments[:-1], *more])
        assert result.exit_code == 2 and message in result.stderr
    result = CliRunner().invoke(cli.main, ["build"])
    assert result.exit_code == 2 and "Missing argument" in result.stderr


def test_dropout_may_be_the_last_and_the_first():
    network = made(
        a=Dropout(0.5),
        a_=Dropout(0.2),
        b=Bidirectional("rnn", 2),
        c=Layer("rnn", H),
        d=Dropout(0.5),
    )
    assert all(part.row().ok for part in parts(network, "c") if part.name != "identity")


def test_what_cannot_be_compiled(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(CellError, match="CC names"):
        build.compiled(Tagger)
    assert load
