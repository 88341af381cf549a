"""The tutorial notebook as it is committed: run from top to bottom, with outputs, without an error.

`make notebook` runs it; what is tested here needs no kernel.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent.parent / "examples" / "tutorial.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]


def outputs():
    return [output for cell in CODE for output in cell["outputs"]]


def printed():
    streams = [o for o in outputs() if o["output_type"] == "stream"]
    text = "".join("".join(stream["text"]) for stream in streams)
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_it_was_run_from_top_to_bottom():
    assert [cell["execution_count"] for cell in CODE] == list(range(1, len(CODE) + 1))
    assert not [o for o in outputs() if o["output_type"] == "error" or o.get("name") == "stderr"]


def test_its_pictures_are_there():
    pictures = [o for o in outputs() if "image/svg+xml" in o.get("data", {})]
    assert len(pictures) >= 15


@pytest.mark.parametrize(
    "number", "0.952574 0.731059 0.5 0.995055 −0.995055 0.761594 −0.761594".split()
)
def test_the_worked_numbers_are_computed(number):
    assert re.search(rf"= {re.escape(number)}(?![0-9])", printed())


def test_misprints_are_explained():
    text = printed()
    assert "21.0 is a misprint" in text and "the 10 is a misprint" in text.replace("\n", " ")


def test_every_step_of_the_proof_is_ok():
    assert printed().count(" ok\n") >= 9 and "WRONG" not in printed()
