"""How long a person waits: for one LSTM to be derived and written, and for `derive --help`.

Deriving is timed after the imports, each time in a fresh process, so that no cache is warm; what
is written is the NumPy module. The help is timed from outside, with the start of the interpreter,
which stands beside it.

Run `python -m benchmarks.derive`; it takes a few seconds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from itertools import islice
from statistics import median

from rich.console import Console
from rich.table import Table

from derive.cli.progress import results

DERIVE = """
import sys, time
from pathlib import Path
from derive.backends import numpy
from derive.compiler import generate
from derive.library import load
from derive.render import write_files
start = time.perf_counter()
write_files(generate(load("lstm")), Path(sys.argv[1]))
print(time.perf_counter() - start)
"""


def deriving() -> float:
    """Seconds to derive the LSTM and write its module, in a process that has just imported."""
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-c", DERIVE, directory]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def starting(*arguments: str) -> float:
    """Seconds that the interpreter takes with these arguments, from start to end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


MEASURED = {
    "derive and write one LSTM": (deriving, 0.15),
    "derive --help": (lambda: starting("-m", "derive", "--help"), 0.3),
    "python -c pass": (lambda: starting("-c", "pass"), None),
}


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description="Time deriving one LSTM, and the command's help.")
    parser.add_argument("--repeats", type=int, default=9, help="of each (default: %(default)s)")
    args = parser.parse_args()
    table = Table("what", title=f"median of {args.repeats}")
    for heading in ("seconds", "spread", "target"):
        table.add_column(heading, justify="right")
    tasks = [
        (what, measure) for what, (measure, _) in MEASURED.items() for _ in range(args.repeats)
    ]
    done = results(tasks)
    for what, (_, target) in MEASURED.items():
        times = sorted(islice(done, args.repeats))
        reached = "white" if target is None else "green" if median(times) <= target else "red"
        spread = f"{times[0]:.3f}-{times[-1]:.3f}"
        table.add_row(
            what, f"[{reached}]{median(times):.3f}", spread, "" if target is None else f"{target}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
