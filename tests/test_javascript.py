"""The generated JavaScript gives NumPy's numbers, for every cell."""

from __future__ import annotations

import numpy as np
import pytest
from javascript import Result, Type, run, text_of
from test_program import CELLS, cell_called

from derive.compiler import module
from derive.nodes import H

pytestmark = pytest.mark.node
SIZES = {"input_size": 2, "hidden_size": 3}
SETTINGS = {"ragged": (4, 3, [4, 0, 2]), "one sequence": (3, 1, None), "no steps": (0, 2, None)}


class Case:
    """A cell's two modules, and numbers for both."""

    def __init__(self, cell, T, B, lengths, store="all", dtype=np.float64, scale=0.6):
        self.cell, self.numpy = cell, module(cell, store)
        self.text = text_of(cell, store)
        rng = np.random.default_rng(0)
        self.sizes = {axis.argument: SIZES.get(axis.argument, 4) for axis in cell.axes}
        if cell.input.axes == (H,):
            self.sizes = dict.fromkeys(self.sizes, 3)
        self.T, self.B, self.lengths = T, B, lengths
        self.params = self.numpy.Params(*self.sizes.values(), dtype)
        self.params.flat[:] = rng.normal(size=self.params.flat.size) * scale

        def draw(*shape):
            return (rng.normal(size=shape) * scale).astype(dtype)

        def size(q):
            return self.sizes[q.axes[0].argument]

        self.xs = draw(T, B, size(cell.input))
        self.dys = draw(T, B, size(cell.output))
        self.state = {s.name: draw(B, size(s)) for s in cell.states}
        self.dstate = {s.name: draw(B, size(s)) for s in cell.states}

    def wanted(self):
        m, state = self.numpy, self.numpy.State(**self.state)
        with np.errstate(all="ignore"):
            ys, final, tape = m.forward(self.params, self.xs, state, self.lengths)
            dparams, dxs, dstate = m.backward(self.params, tape, self.dys, m.State(**self.dstate))
            found = {
                "ys": ys, "dxs": dxs, "dparams": dparams.flat,
                **{f"final {k}": v for k, v in final._asdict().items()},
                **{f"dstate {k}": v for k, v in dstate._asdict().items()},
            }  # fmt: skip
            if self.T and self.lengths is None:
                for x in self.xs:
                    y, state = m.step(self.params, x, state)
                found |= {"y": y, **{f"step {k}": v for k, v in state._asdict().items()}}
        return found

    def got(self):
        flat = {k: v.ravel() for k, v in self.state.items()}
        dflat = {k: v.ravel() for k, v in self.dstate.items()}
        options = {"B": self.B, "state": flat} | (
            {} if self.lengths is None else {"lengths": self.lengths}
        )
        calls = [
            ("Params", [self.sizes, self.params.flat, Type(self.params.flat.dtype)]),
            ("forward", [Result(0), self.xs.ravel(), options]),
            ("backward", [Result(0), Result(1, ("tape",)), self.dys.ravel(), dflat]),
        ]
        state = flat
        for x in self.xs:
            calls.append(("step", [Result(0), x.ravel(), state]))
            state = Result(len(calls) - 1, ("state",))
        results = run(self.text, calls)
        assert not [r for r in results if "error" in r]
        _, forward, backward, *steps = results
        found = {
            "ys": forward["ys"], "dxs": backward["dxs"], "dparams": backward["dparams"]["flat"],
            **{f"final {k}": v for k, v in forward["state"].items()},
            **{f"dstate {k}": v for k, v in backward["dstate"].items()},
        }  # fmt: skip
        if steps:
            found |= {"y": steps[-1]["y"]}
            found |= {f"step {k}": v for k, v in steps[-1]["state"].items()}
        return found

    def check(self, tolerance=1e-12):
        got = self.got()
        for key, want in self.wanted().items():
            scale = 1 + np.abs(want[np.isfinite(want)]).max(initial=0)
            np.testing.assert_allclose(
                got[key].reshape(want.shape), want, rtol=tolerance, atol=tolerance * scale,
                equal_nan=True, err_msg=key,
            )  # fmt: skip


@pytest.mark.parametrize("store", ["all", "states"])
@pytest.mark.parametrize("name", CELLS)
def test_a_module_gives_numpy_s_numbers(name, store):
    for setting in SETTINGS.values():
        Case(cell_called(name), *setting, store).check()
