"""The PyTorch layers against the NumPy modules, in float64, and against what PyTorch has itself."""

from __future__ import annotations

import ast
import types

import numpy as np
import pytest
from hostile_cells import HOSTILE as HOSTILE_TO_DRAW
from hypothesis import Phase, given, settings
from normed_cells import NORMED
from some_cells import MATRICES, SEVERAL, VECTORS, first, sampled
from test_cells_random import any_cells
from torch_layers import (
    GATES,
    LENGTHS,
    NAMES_OF_OTHERS,
    B,
    Both,
    T,
    agrees,
    as_tuple,
    beside,
    close,
    layer_module,
    layered,
    tensor,
    tensors,
    torch,
)
from written_cells import MATRICES as WITH_MATRICES
from written_cells import READABLE, UNPLEASANT

from derive import library
from derive.backends.torch.module import POLICY, Module
from derive.backends.torch.words import FUNCTIONS, LAYER
from derive.compiler import generate
from derive.library import load
from derive.program.program import Program
from derive.render import render

# PyTorch warns of what it does itself when it traces.
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

NAMES = ["gru:reset=after", *VECTORS, *MATRICES, *SEVERAL]
EVERY = [*NAMES, *(name for name in library.names() if name not in NAMES)]


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
@pytest.mark.parametrize("name", sampled(EVERY, NAMES))
def test_outputs_and_derivatives_are_those_of_the_numpy_module(name, lengths):
    agrees(load(name), lengths)


@settings(max_examples=15, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(any_cells())
def test_random_cells(cell):
    if cell is not None:
        agrees(cell, LENGTHS, bound=1e-9)


HOSTILE = [*HOSTILE_TO_DRAW, *READABLE, *UNPLEASANT, *WITH_MATRICES]


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
@pytest.mark.parametrize("cell", first(3, HOSTILE[::-1]), ids=lambda cell: cell.title)
def test_cells_that_somebody_wrote(cell, lengths):
    agrees(cell, lengths)


@pytest.mark.parametrize("store", ["all", "states"])
@pytest.mark.parametrize("cell", NORMED, ids=lambda cell: cell.title)
def test_cells_that_standardise(cell, store):
    agrees(cell, LENGTHS, store=store)


@pytest.fixture
def hostile(tmp_path):
    """A cell whose names PyTorch, or the module, has already."""
    (tmp_path / "mine.py").write_text(NAMES_OF_OTHERS, encoding="utf-8")
    return load(str(tmp_path / "mine.py"))


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
def test_names_that_others_have(hostile, lengths):
    agrees(hostile, lengths)


def test_what_is_not_trained_is_a_buffer_and_formulas_give_first_values(hostile):
    layer = Both(hostile).layer
    layer.reset_parameters()
    assert torch.equal(layer.torch_, torch.ones(3, 3, dtype=torch.float64).tril())
    assert layer.half_.tolist() == [0, 0.5, 1] and layer.to_.item() == 0.5
    assert "torch_" in layer.state_dict() and "torch_" not in dict(layer.named_parameters())


@pytest.mark.parametrize("name", ["lstm", "slstm", "gla", *SEVERAL])
def test_less_is_kept_for_the_same_derivatives(name):
    agrees(load(name), LENGTHS, store="states")


# --- what autograd itself says --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lstm", "gla", "t_lstm"])
def test_gradients_of_first_and_second_order_are_those_of_small_differences(name):
    both = Both(load(name))
    xs, state = tensors(both.xs, grad=True), tensors(layered(both.state), grad=True)

    def run(*tensors):
        ys, ends = both.run(tensors[: len(xs)], tensors[len(xs) :], lengths=torch.tensor(LENGTHS))
        return ys, *ends

    assert torch.autograd.gradcheck(run, (*xs, *state), check_forward_ad=True, fast_mode=True)
    assert torch.autograd.gradgradcheck(run, (*xs, *state), fast_mode=True, check_fwd_over_rev=True)


def test_a_derivative_of_third_order_is_refused():
    both = Both(load("rnn"))
    (x,) = tensors(both.xs, grad=True)
    loss = both.layer(x)[0].pow(2).sum()
    (first,) = torch.autograd.grad(loss, x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="third"):
        second.sum().backward()


def test_functional_transforms():
    from torch.func import functional_call, grad, hessian, jvp, vmap

    both = Both(load("gru"))
    params = {k: p.detach() for k, p in both.layer.named_parameters()}
    x = tensor(both.xs)

    def loss(params, x):
        return functional_call(both.layer, params, (x,))[0].pow(2).sum()

    each = vmap(grad(loss), in_dims=(None, 1))(params, x[:, :, None])  # of every sequence by itself
    whole = grad(loss)(params, x)
    for k, gradient in whole.items():
        close(each[k].sum(0), gradient.numpy())
    _, ys_dot = jvp(lambda x: both.layer(x)[0], (x,), (torch.ones_like(x),))
    small = 1e-6 * torch.ones_like(x)
    slope = (both.layer(x + small)[0] - both.layer(x - small)[0]) / 2e-6
    close(ys_dot, slope.detach().numpy(), 1e-8)
    back = grad(lambda x: jvp(lambda x: both.layer(x)[0], (x,), (x,))[1].sum())  # of a tangent
    sides = [jvp(lambda x: both.layer(x)[0], (x + s,), (x + s,))[1].sum() for s in (small, -small)]
    close(back(x).sum(), ((sides[0] - sides[1]) / 2e-6).detach().numpy(), 1e-7)
    twice = hessian(lambda x: both.layer(x[:, None])[0].pow(2).sum())(x[:, 0])
    close(twice, np.asarray(torch.autograd.functional.hessian(
        lambda x: both.layer(x[:, None])[0].pow(2).sum(), x[:, 0])))  # fmt: skip


# --- beside nn.LSTM and nn.GRU --------------------------------------------------------------------


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize(
    "options",
    [{}, {"num_layers": 2, "bidirectional": True}, {"batch_first": True}, {"bias": False}],
    ids=str,
)
def test_it_stands_where_pytorch_s_own_does(name, options):
    ours, theirs = beside(name, **options)
    x = torch.randn(3, 5, 2, dtype=torch.float64)
    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    (ys, state), (ys_, state_) = ours(one), theirs(other)
    close(ys, ys_.detach())
    for a, b in zip(as_tuple(state), as_tuple(state_), strict=True):
        close(a, b.detach())
    again, again_ = ours(one, state), theirs(other, state_)  # from where it ended
    (again[0].pow(2).sum() + again[1][0].sum()).backward()
    (again_[0].pow(2).sum() + again_[1][0].sum()).backward()
    close(one.grad, other.grad)
    close(ours(x[:, 0])[0], theirs(x[:, 0])[0].detach())  # one sequence
    assert list(ours(x[:, 0])[0].shape) == list(theirs(x[:, 0])[0].shape)


@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_packed_sequences(enforce_sorted):
    ours, theirs = beside("lstm", num_layers=2, bidirectional=True)
    lengths = torch.tensor([5, 3, 1] if enforce_sorted else [3, 5, 1])
    x = torch.randn(5, 3, 2, dtype=torch.float64)
    state = torch.randn(2, 4, 3, 3, dtype=torch.float64).unbind()
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=enforce_sorted)
    (ys, ends), (ys_, ends_) = ours(packed, state), theirs(packed, state)
    close(ys.data, ys_.data.detach())
    for one, other in zip(ys[1:], ys_[1:], strict=True):
        assert (one is None and other is None) or torch.equal(one, other)
    for one, other in zip(ends, ends_, strict=True):
        close(one, other.detach())
    plain, ends = ours(x, state, lengths=lengths)  # the same without packing
    close(plain, torch.nn.utils.rnn.pad_packed_sequence(ys)[0].detach())


# --- what a layer is ------------------------------------------------------------------------------


def test_names_of_parameters():
    module = layer_module(load("lstm"))
    layer = module.LSTM(2, 3, 2, bidirectional=True)
    names = list(layer.state_dict())
    assert names[:3] == ["W_i", "U_i", "b_i"] and len(names) == 4 * 12
    assert {"W_i_reverse", "W_i_l1", "W_i_l1_reverse"} <= set(names)
    assert layer.W_i_l1.shape == (3, 6) and layer.W_i.shape == (3, 2)
    assert repr(layer) == "LSTM(2, 3, num_layers=2, bidirectional=True)"
    assert set(module.LSTM(2, 3, bias=False).state_dict()) == {
        f"{kind}_{gate}" for kind in "WU" for gate in "ifgo"
    }


def test_copies_and_files(tmp_path):
    import copy
    import pickle

    module = layer_module(load("lstm"))
    layer = module.LSTM(2, 3, num_layers=2)
    x = torch.randn(4, 1, 2)
    others = [copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))]
    torch.save(layer.state_dict(), tmp_path / "layer.pt")
    others.append(module.LSTM(2, 3, num_layers=2))
    others[-1].load_state_dict(torch.load(tmp_path / "layer.pt"))
    for other in others:
        assert torch.equal(other(x)[0], layer(x)[0])


def test_initial_parameters_are_in_the_bounds_of_the_numpy_module():
    layer = layer_module(load("lstm")).LSTM(40, 60)
    assert torch.equal(layer.b_f, torch.ones(60)) and torch.equal(layer.b_i, torch.zeros(60))
    bound = (6 / 100) ** 0.5
    assert 0.95 * bound < layer.W_i.abs().max() <= bound


def test_no_steps():
    both = Both(load("slstm"))
    x = torch.zeros(0, B, 2, dtype=torch.float64, requires_grad=True)
    state = tensors(layered(both.state), grad=True)
    ys, ends = both.run((x,), state)
    assert ys.shape == (0, B, 3)
    torch.autograd.backward(ends, [2 * torch.ones_like(end) for end in ends])
    for start, end in zip(state, ends, strict=True):
        assert torch.equal(start, end) and torch.all(start.grad == 2)
    assert torch.all(both.layer.W_i.grad == 0)


MISTAKES = {
    "shape": (lambda m: m.LSTM(2, 3)(torch.zeros(4, 1, 5)), ValueError, "(T, B, 2)"),
    "dtype": (lambda m: m.LSTM(2, 3)(torch.zeros(4, 1, 2).double()), TypeError, "float64"),
    "array": (lambda m: m.LSTM(2, 3)(np.zeros((4, 1, 2))), TypeError, "ndarray"),
    "state": (
        lambda m: m.LSTM(2, 3)(torch.zeros(4, 1, 2), torch.zeros(1, 1, 3)),
        TypeError,
        "h, c",
    ),
    "state shape": (
        lambda m: m.LSTM(2, 3)(torch.zeros(4, 1, 2), (torch.zeros(1, 1, 3), torch.zeros(1, 2, 3))),
        ValueError,
        "state `c`",
    ),
    "lengths": (
        lambda m: m.LSTM(2, 3)(torch.zeros(4, 1, 2), lengths=torch.tensor([5])),
        ValueError,
        "T = 4",
    ),
    "size": (lambda m: m.LSTM(2, 0), ValueError, "hidden_size"),
    "dropout": (lambda m: m.LSTM(2, 3, dropout=2), ValueError, "dropout"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_wrong_is_said_in_one_sentence(name):
    make, kind, said = MISTAKES[name]
    with pytest.raises(kind) as error:
        make(layer_module(load("lstm")))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_layers_that_cannot_be_stacked_say_so():
    for name in ("t_lstm", "qrnn"):
        both = Both(load(name))
        with pytest.raises(ValueError, match="num_layers must be 1"):
            type(both.layer)(**both.sizes, num_layers=2)


def test_autocast():
    layer = layer_module(load("gru")).GRU(2, 3)
    x = torch.randn(4, 2, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ys, _ = layer(x)
        ys.float().pow(2).sum().backward()
    assert ys.dtype == torch.bfloat16 and layer.W_n.grad.dtype == torch.float32
    low = layer.W_n.grad.clone()
    layer.zero_grad()
    layer(x)[0].pow(2).sum().backward()
    assert (low - layer.W_n.grad).abs().max() < 0.1 * layer.W_n.grad.abs().max()


def test_compiled_and_exported_without_unrolling_time():
    layer = layer_module(load("lstm")).LSTM(2, 3, num_layers=2, bidirectional=True)
    x = torch.randn(6, 2, 2, requires_grad=True)
    ys, _ = layer(x)
    (wanted,) = torch.autograd.grad(ys.pow(2).sum(), x)
    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph

    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True, dynamic=True)
    (found,) = torch.autograd.grad(compiled(x)[0].pow(2).sum(), x)
    assert torch.allclose(found, wanted, atol=1e-6)
    program = torch.export.export(
        layer, (x.detach(),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
    )
    called = [str(node.target) for node in program.graph.nodes]
    assert sum("cellwright" in name for name in called) == 4  # one for each layer and direction
    longer = torch.randn(9, 2, 2)
    assert torch.allclose(program.module()(longer)[0], layer(longer)[0], atol=1e-6)


def work(rank, text, meeting, found):
    """One of two processes, each with half of the batch. They meet by a file, which needs no
    server; and neither goes while the other may still have something to tell it."""
    import torch.distributed as dist

    module = types.ModuleType("torch_layer")
    exec(text, vars(module))
    dist.init_process_group("gloo", f"file://{meeting}", rank=rank, world_size=2)
    torch.manual_seed(0)
    layer = torch.nn.parallel.DistributedDataParallel(module.LSTM(2, 3))
    x = torch.randn(4, 6, 2)[:, rank::2]
    layer(x)[0].pow(2).mean().backward()
    if rank == 0:
        torch.save({k: p.grad for k, p in layer.module.named_parameters()}, found)
    del layer
    dist.barrier()
    dist.destroy_process_group()


def test_two_processes_have_the_gradients_of_one(tmp_path):
    (text,) = generate(load("lstm"), "torch").values()
    torch.multiprocessing.spawn(work, (text, tmp_path / "meeting", tmp_path / "found.pt"), nprocs=2)
    found = torch.load(tmp_path / "found.pt")
    torch.manual_seed(0)
    layer = layer_module(load("lstm")).LSTM(2, 3)
    layer(torch.randn(4, 6, 2))[0].pow(2).mean().backward()
    for name, parameter in layer.named_parameters():
        assert torch.allclose(found[name], parameter.grad, atol=1e-7)


# --- words ----------------------------------------------------------------------------------------


def test_no_quantity_is_called_as_the_module_s_own_words_are():
    """A name in a routine was given out by `Names`, or is one that nothing else may have."""
    for name in (*VECTORS, *SEVERAL):
        module = Module(Program(load(name), policy=POLICY))
        text = render("torch/module.py.j2", module=module)
        known = set(module.names.given.values()) | FUNCTIONS
        for routine in (module.forward, module.backward, module.jvp, module.there, module.back):
            known |= set(routine.names.own.values())
        for node in ast.parse(text).body:
            if getattr(node, "name", "") in ("_forward", "_backward", "_jvp", "_hvp"):
                words = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                assert {word for word in words if not word.startswith("_")} <= known, name


def test_no_parameter_is_called_as_an_attribute_of_a_layer_is():
    layer = layer_module(load("lstm")).LSTM(2, 3)
    own = {"input_size", "hidden_size", *dict(layer.named_parameters())}
    assert {word for word in dir(layer) if not word.startswith("_")} - own <= LAYER


@pytest.mark.parametrize("name", ["lstm", "mamba2", "t_lstm"])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
def test_operations_are_what_tracing_takes_them_for(name, lengths):
    """PyTorch's own check: shapes, strides and dtypes without values, no tensor given out twice."""
    both = Both(load(name))
    m, past = both.module, None
    if lengths is not None:
        past = torch.arange(T)[:, None] >= torch.tensor(lengths)
    inputs = [x if q.axes else x[..., None] for q, x in zip(both.cell.inputs, tensors(both.xs))]  # noqa: B905
    parameters = [getattr(both.layer, both.attributes[p.name]) for p in both.cell.parameters]
    given = [*(p.detach() for p in parameters), *inputs, *tensors(both.state)]
    leaving = m.OPERATIONS["forward"](past, given)
    seeds, tape = leaving[: 1 + m.STATES], leaving[1 + m.STATES :]
    arguments = {
        "forward": (past, given),
        "backward": (past, given, tape, seeds),
        "jvp": (past, given, tape, given),
        "hvp": (past, given, tape, seeds, given, seeds),
    }
    tests = ("test_schema", "test_faketensor")
    for name, some in arguments.items():
        torch.library.opcheck(m.OPERATIONS[name], some, test_utils=tests)
