"""The PyTorch layers that call compiled code: the same numbers, on the tensors' own memory, and
PyTorch's operations wherever the library is of no use."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings

import numpy as np
import pytest
from some_cells import SEVERAL, sampled
from torch_layers import (
    LENGTHS,
    NAMES_OF_OTHERS,
    B,
    Both,
    T,
    agrees,
    built_module,
    close,
    layer_module,
    layered,
    tensors,
    torch,
)

from derive import library
from derive.library import load

pytestmark = [
    pytest.mark.peers,
    pytest.mark.compiler,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
# One with weights in two layouts, a matrix for a state, several inputs, two states of two widths.
NAMES = ["gru:reset=after", "gla", "t_lstm", "lstm_projection", "lem"]
EVERY = [*NAMES, *(name for name in library.names() if name not in NAMES)]


def compiled_alone(cell, store="all"):
    """A built module that has no operations to fall back on."""
    module = built_module(cell, store)

    def refuse(name, *_):
        raise AssertionError(f"{name} by PyTorch's operations")

    module._by_operations = refuse
    return module


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
@pytest.mark.parametrize("name", sampled(EVERY, NAMES))
def test_outputs_and_derivatives_are_those_of_the_numpy_module(name, lengths):
    agrees(load(name), lengths, make=compiled_alone)


@pytest.mark.parametrize("name", ["slstm", *SEVERAL[:1]])
def test_less_is_kept_for_the_same_derivatives(name):
    agrees(load(name), LENGTHS, "states", compiled_alone)


@pytest.fixture
def hostile(tmp_path):
    (tmp_path / "mine.py").write_text(NAMES_OF_OTHERS, encoding="utf-8")
    return load(str(tmp_path / "mine.py"))


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
def test_names_that_others_have_and_the_number_of_a_step(hostile, lengths):
    agrees(hostile, lengths, make=compiled_alone)


FEW = """
from derive.language import Cell, H, Input, State, Vector


class Few(Cell):
    x, h = Input(H), State()
    b = Vector(H)
    h_next = h / 2 + b * x
"""


def test_one_parameter(tmp_path):
    """Which lies beside no other."""
    path = tmp_path / "few.py"
    path.write_text(FEW, encoding="utf-8")
    agrees(load(str(path)), LENGTHS, make=compiled_alone)


# --- where the library is of use, and where not ---------------------------------------------------


@pytest.fixture(scope="module")
def lstm():
    return built_module(load("lstm"))


@pytest.fixture
def ran(lstm, monkeypatch):
    """What has run: the names of routines, in capitals where they were compiled."""
    found = []
    operations = lstm._by_operations

    def by_operations(name, *arguments):
        found.append(name)
        return operations(name, *arguments)

    def compiled(name, kernel):
        def run(*arguments):
            found.append(name.upper())
            return kernel(*arguments)

        return run

    monkeypatch.setattr(lstm, "_by_operations", by_operations)
    kernels = {name: compiled(name, kernel) for name, kernel in lstm.KERNELS.items()}
    monkeypatch.setattr(lstm, "KERNELS", kernels)
    return found


def gradient(layer, x):
    return torch.autograd.grad(layer(x)[0].pow(2).sum(), [x, *layer.parameters()])


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [
        (torch.float32, ["FORWARD", "BACKWARD"]),
        (torch.float64, ["FORWARD", "BACKWARD"]),
        (torch.bfloat16, ["forward", "backward"]),
    ],
    ids=str,
)
def test_which_dtypes_are_compiled(lstm, ran, dtype, wanted):
    layer = lstm.LSTM(2, 3, dtype=dtype)
    gradient(layer, torch.randn(4, 2, 2, dtype=dtype, requires_grad=True))
    assert ran == wanted


def test_without_a_library_beside_it_the_file_is_a_layer_all_the_same(lstm, ran, monkeypatch):
    torch.manual_seed(0)
    layer = lstm.LSTM(2, 3)
    x = torch.randn(4, 2, 2, requires_grad=True)
    with_library = gradient(layer, x)
    monkeypatch.setattr(lstm, "LIBRARIES", {})
    for one, other in zip(gradient(layer, x), with_library, strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    assert ran == ["FORWARD", "BACKWARD", "forward", "backward"]


def test_autocast_is_for_operations(lstm, ran):
    layer = lstm.LSTM(2, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ys, _ = layer(torch.randn(4, 2, 2))
        ys.float().sum().backward()
    assert ys.dtype == torch.bfloat16 and ran == ["forward", "backward"]


def test_meta_and_fake_tensors_have_no_memory(lstm, ran):
    from torch._subclasses.fake_tensor import FakeTensorMode

    with torch.device("meta"):
        assert lstm.LSTM(2, 3)(torch.empty(4, 2, 2))[0].shape == (4, 2, 3)
    with FakeTensorMode():
        assert lstm.LSTM(2, 3)(torch.empty(4, 2, 2))[0].shape == (4, 2, 3)
    assert ran == ["forward", "forward"]


def test_a_parameter_that_is_computed(lstm, ran):
    layer = torch.nn.utils.parametrizations.weight_norm(lstm.LSTM(2, 3), "U_i")
    layer(torch.randn(4, 2, 2))[0].sum().backward()
    assert layer.parametrizations.U_i.original0.grad.abs().sum() > 0
    assert ran == ["FORWARD", "BACKWARD"]


def test_functional_transforms(lstm, ran):
    """vmap makes tensors that have no memory, of some of what a routine is given or of all."""
    from torch.func import functional_call, grad, jacrev, jvp, vmap

    plain = layer_module(load("lstm"))
    torch.manual_seed(0)
    layer, other = (m.LSTM(2, 3, dtype=torch.float64) for m in (lstm, plain))
    other.load_state_dict(layer.state_dict())
    x = torch.randn(4, 2, 2, dtype=torch.float64)

    def loss(layer, params, x):
        return functional_call(layer, params, (x,))[0].pow(2).sum()

    def run(layer):
        params = {k: p.detach() for k, p in layer.named_parameters()}
        each = vmap(grad(lambda x: loss(layer, params, x)), in_dims=1)(x[:, :, None])
        by = grad(lambda p: loss(layer, p, x))(params)
        seeded = jacrev(lambda x: layer(x)[0][-1, 0])(x)  # forward is compiled, the way back is not
        along = jvp(lambda x: layer(x)[0], (x,), (x,))[1]
        beside = vmap(lambda y: layer(x)[0][0, 0, 0] * y)(torch.ones(2, dtype=torch.float64))
        return [each, *by.values(), seeded, along, beside]

    wanted = run(other)
    assert not ran
    for one, two in zip(run(layer), wanted, strict=True):
        close(one, two.detach().numpy())
    assert ran == [
        *("forward", "backward"),
        *("FORWARD", "BACKWARD"),
        *("FORWARD", "forward", "backward"),
        *("FORWARD", "JVP"),
        "FORWARD",
    ]


def test_gradients_of_first_and_second_order_are_those_of_small_differences():
    both = Both(load("lstm"), make=built_module)
    xs, state = tensors(both.xs, grad=True), tensors(layered(both.state), grad=True)

    def run(*given):
        ys, ends = both.run(given[:1], given[1:], lengths=torch.tensor(LENGTHS))
        return ys, *ends

    assert torch.autograd.gradcheck(run, (*xs, *state), check_forward_ad=True, fast_mode=True)
    assert torch.autograd.gradgradcheck(run, (*xs, *state), fast_mode=True, check_fwd_over_rev=True)


# --- the tensors' memory --------------------------------------------------------------------------


def test_however_tensors_lie_in_memory(lstm, ran):
    torch.manual_seed(0)
    layer = lstm.LSTM(6, 5, num_layers=2, bidirectional=True, batch_first=True)
    x = torch.randn(7, 3, 6)
    ys, _ = layer(x)
    strange = torch.randn(3, 6, 14).permute(2, 0, 1)[::2].copy_(x)
    state = [torch.zeros(5, 7, 4).permute(2, 1, 0) for _ in "hc"]
    with torch.no_grad():
        layer.U_i.data = layer.U_i.T.contiguous().T
    assert torch.equal(layer(strange, tuple(state))[0], ys)
    ys.sum().backward()  # whose seed is one number, seen everywhere
    assert set(ran) == {"FORWARD", "BACKWARD"}


def test_gradients_may_be_changed_in_place(lstm):
    layer = lstm.LSTM(2, 3)
    x = torch.randn(4, 1, 2)
    for recorded in (False, True):
        layer.zero_grad()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that it is costly
            layer(x)[0].sum().backward(create_graph=recorded)
        once = [p.grad.detach().clone() for p in layer.parameters()]
        layer(x)[0].sum().backward()
        torch.nn.utils.clip_grad_norm_(layer.parameters(), 1e9)
        for p, g in zip(layer.parameters(), once, strict=True):
            assert torch.allclose(p.grad, 2 * g)
            p.grad.mul_(0)  # in place, and of no other
        assert all(p.grad.abs().sum() == 0 for p in layer.parameters())


def test_memory_is_used_again_when_nobody_has_it(lstm):
    a = lstm._empty((300, 300), torch.float32)
    rows, at = a[3:], a.data_ptr()
    del a
    assert lstm._empty((300, 300), torch.float32).data_ptr() != at, "somebody still looks at it"
    del rows
    again = lstm._empty((299, 300), torch.float32)
    assert again.data_ptr() == at and again.untyped_storage().nbytes() == 299 * 300 * 4


def test_what_a_call_gave_stays_as_it_is(lstm):
    torch.manual_seed(0)
    layer = lstm.LSTM(64, 64)
    x = torch.randn(50, 16, 64, requires_grad=True)
    first = [layer(x)[0].detach(), *gradient(layer, x)]
    before = [t.clone() for t in first]
    for _ in range(3):
        gradient(layer, torch.randn_like(x).requires_grad_())
    for one, other in zip(first, before, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("shape", [(0, 2), (3, 0), (0, 0)], ids=str)
def test_no_steps_and_no_sequences(lstm, ran, shape):
    layer = lstm.LSTM(2, 3)
    x = torch.zeros(*shape, 2, requires_grad=True)
    ys, (h, c) = layer(x)
    (ys.sum() + h.sum() + c.sum()).backward()
    assert ys.shape == (*shape, 3) and h.shape == (1, shape[1], 3)
    assert x.grad.shape == x.shape and layer.W_i.grad.abs().sum() == 0
    assert ran == ["FORWARD", "BACKWARD"]


def test_threads_are_pytorch_s_and_results_do_not_depend_on_them(lstm):
    torch.manual_seed(0)
    layer = lstm.LSTM(64, 64)
    x = torch.randn(50, 16, 64, requires_grad=True)
    before, found = torch.get_num_threads(), []
    for count in (1, 2):
        torch.set_num_threads(count)
        found.append(gradient(layer, x))
        assert {key[1] for key in lstm.PLANS} >= {count}
    torch.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


def test_threads_of_python_at_the_same_time(lstm):
    torch.manual_seed(0)
    layer = lstm.LSTM(32, 32)
    xs = [torch.randn(30, 8, 32, requires_grad=True) for _ in range(4)]
    wanted, found = [gradient(layer, x) for x in xs], {}

    def work(k):
        found[k] = [gradient(layer, xs[k]) for _ in range(5)]

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for k, right in enumerate(wanted):
        for again in found[k]:
            assert all(map(torch.equal, again, right))


# --- what a layer is ------------------------------------------------------------------------------


def test_copies_and_files(lstm, ran):
    layer = lstm.LSTM(2, 3, num_layers=2)
    x = torch.randn(4, 1, 2)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(other(x)[0], layer(x)[0])
    other = layer_module(load("lstm")).LSTM(2, 3, num_layers=2)  # which has the same parameters
    other.load_state_dict(layer.state_dict())
    assert torch.allclose(other(x)[0], layer(x)[0], atol=1e-6)
    assert set(ran) == {"FORWARD"}


@pytest.mark.parametrize(
    "backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.every)]
)
def test_compiled_and_exported(backend):
    torch.manual_seed(0)
    layer = compiled_alone(load("lstm")).LSTM(2, 3, bidirectional=True)
    x = torch.randn(6, 2, 2, requires_grad=True)
    wanted = gradient(layer, x)
    compiled = torch.compile(layer, backend=backend, fullgraph=True, dynamic=True)
    for one, other in zip(gradient(compiled, x), wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    program = torch.export.export(
        layer, (x.detach(),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
    )
    longer = torch.randn(9, 2, 2)
    assert torch.equal(program.module()(longer)[0], layer(longer)[0])


@pytest.mark.parametrize("name", ["lstm", "t_lstm"])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
def test_operations_are_what_tracing_takes_them_for(name, lengths):
    """PyTorch's own check: shapes, strides and dtypes without values, no tensor given out twice."""
    both = Both(load(name), make=compiled_alone)
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
    for routine, some in arguments.items():
        torch.library.opcheck(
            m.OPERATIONS[routine], some, test_utils=("test_schema", "test_faketensor")
        )


def test_what_ends_is_not_read_past_its_end(lstm):
    """NaN in what nobody asked for: in inputs past an end, and in what memory was before."""
    layer = lstm.LSTM(2, 3)
    x = torch.randn(4, 2, 2)
    x[2:, 0] = float("nan")
    ys, (h, c) = layer(x, lengths=torch.tensor([2, 4]))
    (ys.sum() + h.sum() + c.sum()).backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())
    assert np.isfinite(ys.detach().numpy()).all() and (B, T) == (3, 4)
