"""Weights in files: `derive weights` from Python and in a terminal, and what it refuses."""

from __future__ import annotations

import doctest
import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from derive import compiler
from derive.cli import main
from derive.library import load
from derive.nodes import CellError
from derive.weights.convert import from_library, to_library
from derive.weights.files import read, with_sizes, written

I, H = 3, 4
KINDS = ("npz", "safetensors")


def needs(kind):
    """Skip where the package for such files is not installed."""
    if kind == "safetensors":
        pytest.importorskip("safetensors", reason="this is what make test-peers installs")


@cache
def module(name):
    return compiler.module(load(name))


def drawn(name, dtype=float, seed=0):
    """Parameters of a cell, zeros of both signs among them."""
    rng = np.random.default_rng(seed)
    params = module(name).Params(I, H, dtype)
    params.flat = rng.standard_normal(params.flat.size).astype(dtype)
    params.flat[::7] = -0.0
    params.flat[::11] = 0.0
    return params


def torch_lstm(layers=1, ends=("",), prefix="", rng=None):
    """The arrays of an LSTM of PyTorch."""
    rng, found = rng or np.random.default_rng(0), {}
    for layer in range(layers):
        wide = I if layer == 0 else H * len(ends)
        for end in ends:
            last = f"l{layer}{end}"
            found[f"{prefix}weight_ih_{last}"] = rng.standard_normal((4 * H, wide))
            found[f"{prefix}weight_hh_{last}"] = rng.standard_normal((4 * H, H))
            found[f"{prefix}bias_ih_{last}"] = rng.standard_normal(4 * H)
            found[f"{prefix}bias_hh_{last}"] = rng.standard_normal(4 * H)
    return found


def same(one, other):
    """To the last bit and sign."""
    assert sorted(one) == sorted(other)
    for name in one:
        assert one[name].dtype == other[name].dtype and one[name].shape == other[name].shape
        assert np.asarray(one[name]).tobytes() == np.asarray(other[name]).tobytes(), name


def run(*arguments):
    """The command: exit status, standard output, standard error."""
    result = CliRunner().invoke(main, ["weights", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


# --- there and back ------------------------------------------------------------------------------

PAIRS = [
    ("lstm", "torch"), ("gru:reset=after", "torch"), ("rnn", "torch"), ("lstm_coupled", "torch"),
    ("lstm", "keras"), ("gru", "keras"), ("gru:reset=after", "keras"), ("rnn", "keras"),
    ("lstm", "onnx"), ("gru", "onnx"), ("gru:reset=after", "onnx"), ("lstm_peephole", "onnx"),
    ("lstm", "flax"), ("lstm", "flax.nnx.OptimizedLSTMCell"), ("ugrnn", "flax"),
    ("ligru", "flax"), ("rnn", "flax.nnx.SimpleCell"), ("gru:reset=after", "flax"),
]  # fmt: skip
ONE_WAY = ("lstm_coupled",)  # whose two gates are one


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("name", "library"), PAIRS, ids=str)
def test_there_and_back_to_the_bit(name, library, dtype):
    cell = load(name)
    own = {k: v.astype(dtype) for k, v in drawn(name).items()}
    there = to_library(cell, library, own)
    assert all(array.dtype == dtype for array in there.arrays.values())
    if name in ONE_WAY:
        with pytest.raises(CellError, match=r"f \* c \+ \(1 - f\) \* g"):
            from_library(cell, library, there.arrays)
        return
    back = from_library(cell, library, there.arrays)
    same(back.arrays, own)
    assert not there.unused and not back.unused


@pytest.mark.parametrize("kind", KINDS)
def test_files_there_and_back(kind, tmp_path):
    needs(kind)
    params, path = drawn("lstm", np.float32), tmp_path / "params.npz"
    params.save(path)
    there, back = tmp_path / f"torch.{kind}", tmp_path / "back.npz"
    assert run("lstm", path, "--to", "torch", "-o", there)[0] == 0
    assert run("lstm", there, "--from", "torch", "-o", back)[0] == 0
    found = module("lstm").Params.load(back)
    assert found == params and found.flat.dtype == np.float32
    same(dict(read(back)), dict(read(path)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bytes_each_time(kind, tmp_path):
    needs(kind)
    arrays = with_sizes(load("lstm"), dict(drawn("lstm")))
    path = tmp_path / f"some.{kind}"
    assert len({written(arrays, path) for _ in range(20)}) == 1
    path.write_bytes(written(arrays, path))
    same(dict(read(path)), arrays)


# --- which layer ---------------------------------------------------------------------------------


def test_one_layer_of_several():
    arrays = torch_lstm(2, ("", "_reverse"), "encoder.rnn.")
    for layer in (0, 1):
        for reverse in (False, True):
            end = f"l{layer}{'_reverse' if reverse else ''}"
            done = from_library(load("lstm"), "torch", arrays, layer=layer, reverse=reverse)
            theirs = arrays[f"encoder.rnn.weight_ih_{end}"]
            np.testing.assert_array_equal(done.arrays["W_g"], theirs[2 * H : 3 * H])
            assert len(done.unused) == 12 and not any(name.endswith(end) for name in done.unused)
            back = to_library(
                load("lstm"), "torch", done.arrays,
                prefix="encoder.rnn.", layer=layer, reverse=reverse,
            )  # fmt: skip
            assert set(back.arrays) == set(arrays) - set(done.unused)


def test_of_two_directions_one_is_taken():
    rng = np.random.default_rng(0)
    arrays = {"W": rng.standard_normal((2, 4 * H, I)), "R": rng.standard_normal((2, 4 * H, H))}
    done = from_library(load("lstm"), "onnx", arrays, reverse=True)
    np.testing.assert_array_equal(done.arrays["W_o"], arrays["W"][1, H : 2 * H])
    assert done.made["W_o"] == ("W[1, 4:8]",) and not done.arrays["b_i"].any()


def test_a_layer_without_biases():
    arrays = {k: v for k, v in torch_lstm().items() if "bias" not in k}
    done = from_library(load("lstm"), "torch", arrays)
    assert not done.arrays["b_f"].any()
    made = to_library(load("lstm_np"), "torch", drawn("lstm_np"))
    assert "bias_ih_l0" in made.arrays


def test_what_is_zero_may_be_missing_elsewhere():
    params = dict(drawn("lstm_peephole"))
    with pytest.raises(CellError, match="acts as `p_o` does, and `p_o` is not zero"):
        to_library(load("lstm_peephole"), "torch", params)
    without = {k: 0 * v if k.startswith("p_") else v for k, v in params.items()}
    done = to_library(load("lstm_peephole"), "torch", without)
    same(done.arrays, to_library(load("lstm"), "torch", without).arrays)


def test_several_layers_are_named():
    arrays = torch_lstm(prefix="a.") | torch_lstm(prefix="b.")
    with pytest.raises(CellError, match=re.escape("say which: --prefix 'a.' or 'b.'")):
        from_library(load("lstm"), "torch", arrays)
    assert len(from_library(load("lstm"), "torch", arrays, prefix="b.").unused) == 4


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "library", "change", "said"),
    [
        ("lstm", "tensorflow", {}, "no library is called 'tensorflow'; there are torch, keras,"),
        ("lstm", "torch.nn.Linear", {}, "PyTorch has no layer 'torch.nn.Linear' here; there are "),
        ("lstm", "torch", {"weight_hh_l0": None}, "is there: torch.nn.RNN would have"),
        ("lstm", "torch", {"bias_hh_l0": np.zeros(4 * H, int)}, "bias_hh_l0 holds int64"),
        ("lstm", "torch", {"bias_hh_l0": None}, "no such layer is there"),
        ("lstm", "torch", {"bias_hh_l0": np.zeros(3)}, "no such layer is there"),
        ("lstm", "torch", {"weight_hh_l0": np.zeros((4 * H, 5))}, "no such layer is there"),
        ("gru", "torch", {}, "gru is not torch.nn.LSTM: torch.nn.LSTM has the states h, c, and "
         "gru the state h"),
        ("lstm_layer_norm", "torch", {}, "lstm_layer_norm is not torch.nn.LSTM: torch.nn.LSTM has"),
        ("lstm", "torch", {"weight_hr_l0": np.zeros((2, H)), "weight_hh_l0": np.zeros((4 * H, 2))},
         "lstm is not torch.nn.LSTM with proj_size"),
    ],
)  # fmt: skip
def test_what_is_refused(name, library, change, said):
    arrays = {k: v for k, v in {**torch_lstm(), **change}.items() if v is not None}
    with pytest.raises(CellError, match=re.escape(said)):
        from_library(load(name), library, arrays)


def test_a_cell_s_own_parameters_are_all_there():
    params = dict(drawn("lstm"))
    with pytest.raises(CellError, match="there is no U_f; lstm has the parameters W_i, U_i"):
        to_library(load("lstm"), "torch", {k: v for k, v in params.items() if k != "U_f"})
    with pytest.raises(CellError, match=re.escape("U_f has the shape (4, 3), which is not (H, H)")):
        to_library(load("lstm"), "torch", {**params, "U_f": np.zeros((4, 3))})
    assert to_library(load("lstm"), "torch", {**params, "more": np.zeros(1)}).unused == ("more",)


@pytest.mark.parametrize("kind", ["pt", "pth", "bin", "ckpt", "pkl"])
def test_a_pickle_is_not_read(kind, tmp_path):
    path = tmp_path / f"model.{kind}"
    path.write_bytes(b"cos\nsystem\n(S'touch read'\ntR.")
    status, out, error = run("lstm", path, "--from", "torch")
    assert status == 2 and not out and "is a pickle, which may run anything" in error
    assert "safetensors.torch.save_file" in error and error.count("\n") == 1


def test_an_npz_of_objects_is_not_read(tmp_path):
    path = tmp_path / "some.npz"
    np.savez(path, weight_ih_l0=np.array([{}], object))
    status, _, error = run("lstm", path, "--from", "torch")
    assert status == 2 and "is no .npz of plain arrays" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("lstm {0}/a.npz", "say either --from LIBRARY or --to LIBRARY"),
        ("lstm {0}/a.npz --from torch --to torch", "say either --from LIBRARY or --to LIBRARY"),
        ("lstm {0}/none.npz --to torch", "there is no file"),
        ("lstm {0}/text.npz --to torch", "is no .npz of plain arrays"),
        ("lstm {0}/text.txt --to torch", "is no file of arrays: its name ends in .npz"),
        ("lstm {0}/a.npz --to torch -o {0}/a.txt", "is written as .npz or .safetensors"),
        ("lstm {0}/a.npz --to torch -o {0}/a.npz", "is there, and we did not write it"),
        ("lstm {0}/a.npz --to keras --layer 1", "no number of a layer and no direction"),
        ("lstm {0}/model.h5 --from keras", "is a file of HDF5: in Keras, numpy.savez"),
        ("gru {0}/a.npz --to torch", "there is no W_z, U_z"),
        ("nothing {0}/a.npz --to torch", "no cell is called 'nothing'"),
    ],
)
def test_bad_input_is_one_line(arguments, said, tmp_path):
    drawn("lstm").save(tmp_path / "a.npz")
    for name in ("text.npz", "text.txt"):
        (tmp_path / name).write_text("no arrays")
    before = (tmp_path / "a.npz").read_bytes()
    status, out, error = run(*arguments.format(tmp_path).split())
    assert status == 2 and not out and said in error and error.count("\n") == 1
    assert (tmp_path / "a.npz").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"a.npz", "text.npz", "text.txt"}


# --- what is said --------------------------------------------------------------------------------


def test_what_went_where_is_shown(tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, **torch_lstm(prefix="rnn."), head=np.zeros(2))
    status, out, _ = run("lstm", path, "--from", "torch")
    assert status == 0 and out.startswith("torch.nn.LSTM → lstm: the same, proved from their equa")
    assert "rnn.bias_ih_l0[4:8] + rnn.bias_hh_l0[4:8]" in out and "Not used: head." in out


def test_answers_for_programs(tmp_path):
    path, output = tmp_path / "a.npz", tmp_path / "b.npz"
    drawn("lstm", np.float32).save(path)
    status, out, _ = run("lstm", path, "--to", "keras", "-o", output, "--json")
    data = json.loads(out)
    assert status == 0 and data["layer"] == "keras.layers.LSTM" and data["path"] == str(output)
    kernel = data["arrays"][0]
    assert kernel == {
        "name": "kernel", "lengths": [I, 4 * H], "type": "float32",
        "made_of": ["W_i", "W_f", "W_g", "W_o"],
    }  # fmt: skip
    assert data["unused"] == [] and set(read(output)) == {"kernel", "recurrent_kernel", "bias"}


# --- .onnx ---------------------------------------------------------------------------------------


def model(tmp_path, op="LSTM", gates=4, directions=1, **attributes):
    """A file with one recurrent node, and the arrays in it."""
    onnx = pytest.importorskip("onnx", reason="this is what make test-peers installs")
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(3)
    rows = gates * H
    arrays = {
        "W": rng.standard_normal((directions, rows, I)),
        "R": rng.standard_normal((directions, rows, H)),
        "B": rng.standard_normal((directions, 2 * rows)),
    }
    node = helper.make_node(
        op, ["X", "kernel", "loop", "bias"], ["Y"], name="cell", hidden_size=H, **attributes
    )
    names = dict(zip(arrays, ("kernel", "loop", "bias"), strict=True))
    given = [numpy_helper.from_array(array, names[key]) for key, array in arrays.items()]
    given.append(numpy_helper.from_array(np.zeros(2), "other"))
    ends = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in "XY"]
    graph = helper.make_graph([node], "one", ends[:1], ends[1:], given)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph), path)
    return path, arrays


@pytest.mark.peers
def test_a_node_of_onnx(tmp_path):
    path, arrays = model(tmp_path, "GRU", 3, linear_before_reset=1)
    output = tmp_path / "params.npz"
    status, out, error = run("gru", path, "--from", "onnx", "--set", "reset=after", "-o", output)
    assert status == 0, error
    params = module("gru:reset=after").Params.load(output)
    np.testing.assert_array_equal(params["U_z"], -arrays["R"][0, :H])
    np.testing.assert_array_equal(params["d_n"], arrays["B"][0, 5 * H :])
    assert "Not used: other." in out
    status, _, error = run("gru", path, "--from", "onnx")
    assert status == 2 and "r acts after the product in onnx.GRU(linear_before_reset=true)" in error


@pytest.mark.peers
@pytest.mark.parametrize(
    ("attributes", "arguments", "said"),
    [
        ({"activations": ["Relu", "Tanh", "Tanh"]}, "lstm --from onnx", "is not onnx.LSTM(f=relu)"),
        ({"activations": ["Elu", "Tanh", "Tanh"]}, "lstm --from onnx", "the activation Elu, which"),
        ({"clip": 1.0}, "lstm --from onnx", "clips what it computes"),
        ({"direction": "reverse"}, "lstm --from onnx", "runs backwards only: say --reverse"),
        ({}, "lstm --from onnx --reverse", "runs forwards only, and --reverse was said"),
        ({}, "lstm --from onnx --prefix other", "of that name alone; there are 'cell'"),
        ({}, "lstm --from torch", "has its weights as ONNX has them: say --from onnx"),
    ],
)  # fmt: skip
def test_nodes_that_are_refused(attributes, arguments, said, tmp_path):
    path, _ = model(tmp_path, **attributes)
    name, *others = arguments.split()
    status, _, error = run(name, path, *others)
    assert status == 2 and said in error and error.count("\n") == 1


@pytest.mark.peers
def test_coupled_gates_of_a_node(tmp_path):
    """Of a node that couples its gates, what it has for the one is not used."""
    path, arrays = model(tmp_path, input_forget=1)
    output = tmp_path / "params.npz"
    status, out, error = run("lstm", path, "--from", "onnx", "-o", output)
    assert status == 0, error
    params = module("lstm").Params.load(output)
    np.testing.assert_array_equal(params["W_f"], -arrays["W"][0, :H])
    np.testing.assert_array_equal(params["W_i"], arrays["W"][0, :H])
    assert "Not used: W[0, 8:12], R[0, 8:12], B[0, 8:12], B[0, 24:28], other." in out


@pytest.mark.peers
def test_weights_that_pytorch_has_saved(tmp_path):
    torch = pytest.importorskip("torch", reason="this is what make test-peers installs")
    needs("safetensors")
    from safetensors.torch import save_file

    layer, path = torch.nn.LSTM(I, H), tmp_path / "model.safetensors"
    save_file(layer.state_dict(), path)
    assert run("lstm", path, "--from", "torch", "-o", tmp_path / "params.npz")[0] == 0
    params = module("lstm").Params.load(tmp_path / "params.npz")
    xs = np.random.default_rng(0).standard_normal((5, 2, I)).astype(np.float32)
    with torch.no_grad():
        theirs = layer(torch.tensor(xs))[0].numpy()
    np.testing.assert_allclose(module("lstm").forward(params, xs)[0], theirs, atol=1e-6)


def test_the_session_of_the_page_gives_what_it_shows():
    page = Path(__file__).parent.parent / "docs" / "weights.md"
    failures, tried = doctest.testfile(str(page), module_relative=False)
    assert tried > 5 and not failures


@pytest.mark.peers
def test_bfloat16(tmp_path):
    """Such weights become float32, number by number, and what is computed is computed in that."""
    torch = pytest.importorskip("torch", reason="this is what make test-peers installs")
    needs("safetensors")
    from safetensors.torch import load_file, save_file

    there, back = tmp_path / "there.safetensors", tmp_path / "back.safetensors"
    layer = torch.nn.GRU(I, H).bfloat16()
    save_file(layer.state_dict(), there)
    status, _, error = run("gru:reset=after", there, "--from", "torch", "-o", tmp_path / "p.npz")
    assert status == 0, error
    params = module("gru:reset=after").Params.load(tmp_path / "p.npz")
    assert params.flat.dtype == np.float32
    layer.float()
    np.testing.assert_array_equal(params["W_r"], layer.weight_ih_l0[:H].detach())
    both = (layer.bias_ih_l0 + layer.bias_hh_l0)[:H]
    np.testing.assert_array_equal(params["b_r"], both.detach())
    assert run("gru:reset=after", tmp_path / "p.npz", "--to", "torch", "-o", back)[0] == 0
    returned = load_file(back)
    assert torch.equal(returned["weight_hh_l0"].bfloat16(), layer.weight_hh_l0.bfloat16())


@pytest.mark.peers
def test_bfloat16_in_a_model(tmp_path):
    """The same of a node of ONNX."""
    onnx = pytest.importorskip("onnx", reason="this is what make test-peers installs")
    path, arrays = model(tmp_path)
    graph = onnx.load(path)
    for tensor in graph.graph.initializer:
        half = onnx.numpy_helper.to_array(tensor).astype(np.float32)
        kind = onnx.TensorProto.BFLOAT16
        tensor.CopyFrom(onnx.helper.make_tensor(tensor.name, kind, half.shape, half.ravel()))
    onnx.save(graph, path)
    status, _, error = run("lstm", path, "--from", "onnx", "-o", tmp_path / "p.npz")
    assert status == 0, error
    params = module("lstm").Params.load(tmp_path / "p.npz")
    assert params.flat.dtype == np.float32
    np.testing.assert_allclose(params["W_i"], arrays["W"][0, :H], rtol=2**-8)
