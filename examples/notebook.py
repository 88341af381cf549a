"""Run examples/tutorial.ipynb from top to bottom, and write it with its outputs to a place:

    python examples/notebook.py examples/tutorial.ipynb

What differs from run to run (times, versions, numbers of executions' messages) is left out, so that
a run that shows the same leaves the same file.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
NOTEBOOK = HERE / "tutorial.ipynb"


def run(path: Path, to: Path) -> None:
    """Run a notebook; an exception in a cell of it is one here."""
    tools = Path(sys.executable).parent
    os.environ["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"
    os.environ["COLUMNS"] = "80"
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(HERE.parent)}}).execute()
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(book.cells, start=1):
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
        cell.id = f"cell-{number:02}"
    to.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, to)


def joined(outputs: list) -> list:
    """Outputs in which what was printed in several pieces is one."""
    made: list = []
    for output in outputs:
        is_text = output.output_type == "stream"
        if is_text and made and made[-1].get("name") == output.name:
            made[-1].text += output.text
        else:
            made.append(output)
    return made


if __name__ == "__main__":
    run(NOTEBOOK, Path(sys.argv[1]))
    print(f"wrote {sys.argv[1]}")
