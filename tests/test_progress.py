"""The progress of long work, as a terminal shows it: there while something is done, gone after it,
and not there at all where nobody watches. The terminal is pyte's, at a pseudo-terminal.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from struct import pack

import pyte
import pytest
from progress import Progress
from some_cells import first

from derive.cli.progress import results

ROOT = Path(__file__).parent.parent
LINES = 200
BAD = "from derive.language import *\n\nclass Bad(Cell):\n    x, h = Input(), State()\n"


def surroundings(**more):
    """The environment, without what would change how text is shown."""
    changing = {"NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
    kept = {name: value for name, value in os.environ.items() if name not in changing}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **more}


class Terminal:
    """A terminal, the bytes that were written to it, and what the screen shows in the end."""

    def __init__(self, columns=80):
        self.screen = pyte.Screen(columns, LINES)
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, pack("HHHH", LINES, columns, 0, 0))
        self.written = b""

    def run(self, *arguments, code="", stdout=None, cwd=ROOT, when_shown=None, **more):
        """Run the command at it, or other code: exit status and standard output, where that goes
        elsewhere. A signal is sent half a second after there is progress to be seen."""
        command = ["-c", code] if code else ["-m", "derive", *map(str, arguments)]
        process = subprocess.Popen(
            [sys.executable, *command], cwd=cwd, stdin=self.theirs,
            stdout=stdout or self.theirs, stderr=self.theirs, start_new_session=True,
            env=surroundings(**more),
        )  # fmt: skip
        os.close(self.theirs)
        stream = pyte.ByteStream(self.screen)
        while data := self.read():
            self.written += data
            stream.feed(data)
            if when_shown is not None and b" left " in self.written:
                time.sleep(0.5)
                process.send_signal(when_shown)
                when_shown = None
        os.close(self.ours)
        said, _ = process.communicate()
        return process.returncode, (said or b"").decode()

    def read(self):
        try:
            return os.read(self.ours, 65536)
        except OSError:  # nobody is at the other end any more
            return b""

    @property
    def text(self):
        """The lines on the screen, without empty ones at the end."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()


def in_pipes(*arguments, **environment):
    """The command where nothing is a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "derive", *map(str, arguments)], cwd=ROOT, text=True,
        capture_output=True, check=False, env=surroundings(**environment),
    )  # fmt: skip


def test_it_says_what_is_done_and_leaves_nothing(tmp_path):
    terminal = Terminal()
    assert terminal.run("generate", "rnn", "lstm", "-o", "out", cwd=tmp_path)[0] == 0
    for word in (b"deriving rnn", b"deriving lstm", b"0/2", b"1/2", b"left"):
        assert word in terminal.written
    assert terminal.text == "wrote out/rnn.py\nwrote out/lstm.py"


def test_a_table_grows_above_it():
    """A terminal shows what a pipe of its width is given, whichever parts came in between."""
    terminal = Terminal()
    assert terminal.run("check", "antisymmetric_rnn", "fastrnn")[0] == 0
    piped = in_pipes("check", "antisymmetric_rnn", "fastrnn", COLUMNS="80")
    assert "finite differences" in piped.stdout and piped.stderr == ""
    assert terminal.text == "\n".join(line.rstrip() for line in piped.stdout.splitlines())
    for word in (b"antisymmetric_rnn: identity", b"fastrnn: float32", b"21/22"):
        assert word in terminal.written


def test_rows_are_printed_as_they_come():
    """The first is there before the last is at work."""
    terminal = Terminal()
    terminal.run("check", "antisymmetric_rnn")
    assert terminal.written.index(b" derivatives ") < terminal.written.index(
        b"antisymmetric_rnn: complex step"
    )
    assert terminal.written.index(b"antisymmetric_rnn: complex step") < terminal.written.index(
        b"antisymmetric_rnn: peer"
    )


def test_the_answer_is_the_same_whoever_watches():
    terminal = Terminal()
    status, out = terminal.run("check", "antisymmetric_rnn", stdout=subprocess.PIPE, COLUMNS="80")
    assert (status, out) == (0, in_pipes("check", "antisymmetric_rnn", COLUMNS="80").stdout)
    assert b"antisymmetric_rnn: identity" in terminal.written and terminal.text == ""
    assert "\x1b" not in out


@pytest.mark.parametrize(
    "arguments, term",
    [
        ("generate rnn lstm -q", "xterm-256color"),
        ("check fastrnn --json --quiet", "xterm-256color"),
        ("generate rnn lstm", "dumb"),
    ],
)
def test_nothing_is_shown_where_it_is_not_wanted(tmp_path, arguments, term):
    terminal = Terminal()
    command = arguments.split() + ["-o", tmp_path] * ("generate" in arguments)
    status, _ = terminal.run(*command, stdout=subprocess.PIPE, TERM=term)
    assert (status, terminal.written) == (0, b"")


def test_a_pipe_is_no_terminal_whatever_the_colours(tmp_path):
    assert in_pipes("generate", "rnn", "-o", tmp_path, FORCE_COLOR="1").stderr == ""


def test_an_error_stands_alone(tmp_path):
    (tmp_path / "bad.py").write_text(BAD)
    terminal = Terminal()
    status, _ = terminal.run("generate", "rnn", "bad.py", "-o", "out", cwd=tmp_path)
    assert status == 2 and b"deriving rnn" in terminal.written
    (line,) = " ".join(terminal.text.split()).split("derive: ")[1:]
    assert line.endswith("add an equation `h_next = …`") and "0/2" not in terminal.text
    assert not (tmp_path / "out").exists()


# A shell in the background ignores this signal, and so would what it starts.
WAITING = """
import signal, time
from derive.cli.progress import results
signal.signal(signal.SIGINT, signal.default_int_handler)
try: list(results([("waiting", lambda: time.sleep(60))]))
except KeyboardInterrupt: print("interrupted")
"""


def test_who_interrupts_it_gets_a_clean_terminal():
    terminal = Terminal()
    assert terminal.run(code=WAITING, when_shown=signal.SIGINT)[0] == 0
    assert b"waiting" in terminal.written and terminal.text == "interrupted"


def test_who_kills_it_still_has_a_cursor(tmp_path):
    terminal = Terminal()
    status, _ = terminal.run("generate", "-o", tmp_path / "out", when_shown=signal.SIGTERM)
    assert status == -signal.SIGTERM and not terminal.screen.cursor.hidden
    assert not (tmp_path / "out").exists()


def test_results_come_one_by_one():
    """No task is begun before whoever asked has had the result of the one before."""
    done = []
    tasks = [(name, lambda name=name: done.append(name) or name.upper()) for name in "abc"]
    for result in results(tasks):
        assert done[-1] == result.lower() and len(done) == "abc".index(done[-1]) + 1
    assert done == list("abc")


def test_an_error_of_a_task_comes_through():
    with pytest.raises(ZeroDivisionError):
        list(results([("dividing", lambda: 1 / 0)]))


# --- the tests' own long work --------------------------------------------------------------------


class Stream(io.StringIO):
    """Standard error, a terminal or not."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


def told(terminal, every):
    """What is said of 600 things, of which one is done in so many seconds, after 20 to begin."""
    now, stream = [0.0], Stream(terminal)
    progress = Progress(600, "changes", stream, lambda: now[0])
    now[0] = 20.0
    for done in range(1, 601):
        progress.tell(done, "none survived")
        now[0] += every
    progress.end()
    return stream.getvalue()


def test_a_log_has_a_line_a_minute():
    lines = told(terminal=False, every=1).splitlines()
    assert lines[0] == "41 of 600 changes, none survived; 1:00, 9:19 left"
    assert len(lines) == 10 and lines[-1].startswith(
        "581 of 600 changes, none survived; 10:00, 0:1"
    )


def test_a_terminal_has_one_line():
    text = told(terminal=True, every=0.1)
    assert text.count("\r\x1b[K") > 250 and "\n" not in text and text.endswith("\r\x1b[K")
    assert "299 of 600 changes, none survived; 0:49, 0:30 left" in text


PYTEST = ["-p", "fuzzing", "-n", "1", "-p", "no:cacheprovider"]
FUZZED = """
import time
from fuzzing import tried

def test_right():
    for _ in range(3):
        tried(".")
        time.sleep(0.4)

def test_wrong():
    tried("F")
    time.sleep(0.6)
    assert False
"""


@pytest.mark.parametrize(
    "which, word", first(1, [("wrong", "one fails"), ("right", "no failure so far")])
)
def test_fuzzing_tells_how_many_cells_were_tried(tmp_path, which, word):
    """While they run, in other processes; then pytest has the last word."""
    (tmp_path / "test_fuzzed.py").write_text(FUZZED)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    code = f"import pytest, sys; sys.exit(pytest.main({PYTEST!r} + ['-k', {which!r}]))"
    terminal = Terminal()
    status, _ = terminal.run(
        code=code, cwd=tmp_path, CELLS="4", PYTHONPATH=str(ROOT / "tests"), PYTEST_ADDOPTS=""
    )
    assert status == (which == "wrong")
    count = 3 if which == "right" else 1
    assert f"{count} of 4 random cells, {word}".encode() in terminal.written
    assert "of 4 random cells" not in terminal.text
    assert ("1 passed" if which == "right" else "1 failed") in terminal.text.splitlines()[-1]
