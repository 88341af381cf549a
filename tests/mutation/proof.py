"""The tests of a mutant besides `tests/test_contract.py`: the module computes what the cell's
equations say, and passes `derive check`'s proof by numbers. `runner.py` runs them."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import reference

from derive.proof import numeric
from derive.proof.trial import Trial
from mutation.subjects import SUBJECTS

SPECS = [str(subject) for subject in SUBJECTS]
PROOFS = [
    numeric.dot_product,
    numeric.hessian,
    numeric.step,
    numeric.taylor,
    numeric.complex_step,
]


def loaded(spec):
    """The cell, and the module of it that is there at the moment."""
    cell = SUBJECTS[SPECS.index(spec)].cell
    return cell, importlib.import_module(f"generated.{cell.name}")


@pytest.mark.parametrize("spec", SPECS)
def test_it_computes_what_the_equations_say(spec):
    cell, m = loaded(spec)
    sizes = [3] * len(cell.axes) if cell.input_is_wide else range(2, 2 + len(cell.axes))
    rng = np.random.default_rng(0)
    params = m.Params(*sizes)
    params.flat[:] = rng.normal(size=params.flat.size)
    xs = rng.normal(size=(4, 3, params.input_size))
    zero = m.forward(params, xs[:0])[1]
    state = m.State(*(rng.normal(size=s.shape) for s in zero))
    want, end = reference.run(cell, params, xs, state._asdict())
    ys, final, _ = m.forward(params, xs, state)
    np.testing.assert_allclose(ys, want, rtol=1e-9, atol=1e-9)
    for name, array in end.items():
        np.testing.assert_allclose(getattr(final, name), array, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.__name__)
def test_numbers(proof, spec):
    cell, m = loaded(spec)
    outcome = proof(Trial(cell, module=m))
    assert outcome.ok, f"{proof.__name__}: {outcome.figure} {outcome.remark}"


@pytest.mark.parametrize("spec", SPECS)
def test_it_says_what_the_author_said(spec):
    cell, m = loaded(spec)
    assert " ".join(cell.doc.split()) in " ".join(m.__doc__.split())


@pytest.mark.parametrize("spec", [str(s) for s in SUBJECTS if s.is_wide])
def test_sizes_that_the_cell_cannot_have_are_refused(spec):
    params = loaded(spec)[1].Params
    said = "as many inputs as it has units: input_size 2 must be hidden_size 3"
    with pytest.raises(ValueError, match=said):
        params(2, 3)
    assert "input_size must be hidden_size" in params.__doc__
