"""`derive build`: what it writes, what it says, and what it does where something is missing."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from derive import build, compiler
from derive.cli import main
from derive.library import load

ROOT = Path(__file__).parent.parent
needs_compiler = pytest.mark.compiler
FILES = {
    f"rnn{end}" for end in (".c", ".h", ".py", *(f"_float{n}{build.SUFFIX}" for n in (32, 64)))
}


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    """These tests are not about speed: no compiler makes an effort, or is asked what it knows."""
    monkeypatch.setattr(build, "WISHES", ())
    monkeypatch.setattr(build, "_compiler", build._compiler.__wrapped__)
    monkeypatch.setenv("CFLAGS", "-O0")


def derive(*arguments):
    return CliRunner().invoke(main, ["build", *map(str, arguments)])


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@needs_compiler
def test_it_writes_a_module_and_what_that_needs(tmp_path):
    result = derive("rnn", "-o", tmp_path, "-q")
    assert (result.exit_code, result.output) == (0, "")
    assert files(tmp_path).keys() == FILES


@needs_compiler
def test_one_import_by_another_is_all_it_takes(tmp_path):
    """In a process of its own, which has nothing of the toolkit."""
    assert derive("rnn", "-o", tmp_path).exit_code == 0
    program = (
        "import sys, numpy as np\nsys.path.insert(0, sys.argv[1])\nimport rnn\n"
        "params = rnn.init(np.random.default_rng(0), 2, 3)\n"
        "ys, state, tape = rnn.forward(params, np.ones((4, 1, 2)))\n"
        "print(*ys[-1, 0], *rnn.backward(params, tape, np.ones_like(ys))[0].flat)\n"
        "assert 'sympy' not in sys.modules and 'derive' not in sys.modules\n"
    )
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    told = [
        subprocess.run(
            [sys.executable, "-c", program, folder],
            capture_output=True,
            text=True,
            check=True,
            env=env,
            cwd=tmp_path,
        ).stdout
        for folder in (tmp_path, ROOT / "generated")
    ]
    one, other = (np.array(text.split(), float) for text in told)
    np.testing.assert_allclose(one, other, rtol=1e-12)


@needs_compiler
def test_it_names_what_it_wrote(tmp_path):
    told = derive("rnn", "-o", tmp_path)
    assert {
        Path(line.removeprefix("wrote ")).name for line in told.output.split("\n") if line
    } == FILES
    answer = json.loads(derive("rnn", "-o", tmp_path, "--json").output)
    assert {(f["cell"], Path(f["path"]).name) for f in answer["files"]} == {
        ("rnn", f) for f in FILES
    }


@needs_compiler
def test_the_module_may_be_a_layer_for_pytorch(tmp_path):
    result = derive("rnn", "--torch", "-o", tmp_path, "-q")
    assert (result.exit_code, result.output) == (0, "")
    assert files(tmp_path).keys() == FILES
    assert "class RNN(nn.Module)" in (tmp_path / "rnn.py").read_text(encoding="utf-8")


def test_the_layer_has_no_checkpoints(tmp_path):
    result = derive("rnn", "--torch", "--store", "checkpoints", "-o", tmp_path)
    assert result.exit_code == 2 and not list(tmp_path.iterdir())
    assert result.output == (
        "derive: the layer for PyTorch does not keep 'checkpoints'; it may be all or states\n"
    )


@needs_compiler
def test_it_shows_every_command(tmp_path):
    result = derive("rnn", "-o", tmp_path, "-v", "-q")
    commands = [shlex.split(line) for line in result.stderr.splitlines()]
    assert len(commands) == 2 and result.stdout == ""
    for command in commands:
        assert command[0] == build.compiler().command[0] and "-std=c99" in command
        assert command.index("-O0") > command.index("-O3"), "CFLAGS come last, and count"
    assert [c for c in commands if "-DRNN_DOUBLE" in c] == commands[1:]


@needs_compiler
def test_the_same_is_compiled_once(monkeypatch):
    """And told each time. Other flags, or another text, are for the compiler again."""
    ran, told, run = [], [], build.run
    monkeypatch.setattr(build, "run", lambda line, name: [ran.append(line), run(line, name)])
    build._library.cache_clear()
    rnn = load("rnn")
    once = build.built(rnn, tell=told.append)
    assert build.built(load("rnn"), tell=told.append) == once
    assert len(ran) == 2 and len(told) == 4 and told[:2] == told[2:]
    monkeypatch.setenv("CFLAGS", "-O0 -DANOTHER")
    build.built(rnn)
    assert len(ran) == 4
    build.built(rnn, "checkpoints")
    assert len(ran) == 6


@needs_compiler
def test_a_portable_library_is_for_no_machine_in_particular(monkeypatch):
    monkeypatch.undo()
    own, portable = (" ".join(build.compiler(portable=p).flags) for p in (False, True))
    assert ("=native" in own, "=native" in portable) == (True, False)


@needs_compiler
def test_options_and_a_reader_s_own_file(tmp_path):
    source = tmp_path / "own.py"
    text = (ROOT / "derive/cells/rnn.py").read_text(encoding="utf-8")
    source.write_text(text, encoding="utf-8")
    result = derive(source, "--set", "activation=relu", "-o", tmp_path / "out", "-q")
    assert result.exit_code == 0, result.output
    m = build.imported(tmp_path / "out" / "own.py")
    params = m.Params(2, 3)
    params["W"][...], params["b"][...] = 1, -1
    ys, _, _ = m.forward(params, np.ones((1, 1, 2)) * 5)
    np.testing.assert_array_equal(ys, np.full((1, 1, 3), 9.0))


@needs_compiler
def test_it_writes_over_its_own_files_alone(tmp_path):
    for _ in range(2):
        assert derive("rnn", "-o", tmp_path).exit_code == 0
    mine = tmp_path / f"rnn_float64{build.SUFFIX}"
    mine.write_bytes(b"\x7fELF somebody else's\n")
    before = files(tmp_path)
    result = derive("rnn", "-o", tmp_path)
    assert result.exit_code == 2 and files(tmp_path) == before
    assert result.output == (
        f"derive: {mine} is there, and we did not write it; name another folder, or say --force\n"
    )
    assert derive("rnn", "-o", tmp_path, "--force").exit_code == 0
    assert mine.read_bytes() != before[mine.name]


@needs_compiler
def test_the_cell_s_own_file_is_never_written_over(tmp_path):
    source = tmp_path / "rnn.py"
    source.write_text((ROOT / "derive/cells/rnn.py").read_text(encoding="utf-8"), encoding="utf-8")
    before = source.read_bytes()
    result = derive(source, "-o", tmp_path, "--force")
    assert result.exit_code == 2 and "is the cell's own file" in result.output
    assert files(tmp_path) == {"rnn.py": before}


@needs_compiler
@pytest.mark.parametrize("name", ["double", "string", "math", "main"])
def test_a_cell_may_be_called_like_a_word_or_a_header_of_c(tmp_path, name):
    source = tmp_path / f"{name}.py"
    source.write_text((ROOT / "derive/cells/rnn.py").read_text(encoding="utf-8"), encoding="utf-8")
    result = derive(source, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    found = []
    for module in (build.imported(tmp_path / "out" / f"{name}.py"), compiler.module(load("rnn"))):
        params = module.init(np.random.default_rng(0), 2, 3)
        found.append(module.forward(params, np.ones((3, 2, 2)))[0])
    np.testing.assert_allclose(*found, rtol=1e-12)


@needs_compiler
def test_without_its_library_a_module_says_so(tmp_path):
    assert derive("rnn", "-o", tmp_path).exit_code == 0
    (tmp_path / f"rnn_float64{build.SUFFIX}").unlink()
    with pytest.raises(
        ImportError, match=r"the library rnn_float64 is not beside .*rnn\.py"
    ) as error:
        build.imported(tmp_path / "rnn.py")
    assert "\n" not in str(error.value)


# --- without a compiler --------------------------------------------------------------------------

INSTALL = "install one, for instance gcc (Debian: gcc and libc6-dev; macOS: xcode-select --install)"


def test_a_compiler_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "nonsense -O2")
    result = derive("rnn", "-o", tmp_path / "out")
    assert result.exit_code == 2 and not (tmp_path / "out").exists()
    assert result.output == (
        f"derive: CC names 'nonsense -O2', which is not there: {INSTALL}, or name it in CC\n"
    )


def test_no_compiler_at_all(tmp_path, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = derive("rnn", "-o", tmp_path / "out")
    assert result.exit_code == 2 and not (tmp_path / "out").exists()
    assert result.output == f"derive: no C compiler: {INSTALL}, or name it in CC\n"


@pytest.mark.parametrize("text", ["'", "gcc '"])
def test_a_compiler_that_cannot_be_read(tmp_path, monkeypatch, text):
    monkeypatch.setenv("CC", text)
    result = derive("rnn", "-o", tmp_path)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert result.output.startswith("derive: ") and "CC" in result.output


def test_a_blank_name_is_none(monkeypatch):
    monkeypatch.setenv("CC", " ")
    assert build.spoken("CC") == ()


@needs_compiler
@pytest.mark.parametrize("flags", ["--no-such-flag", "'"])
def test_what_the_compiler_refuses_is_one_sentence(tmp_path, monkeypatch, flags):
    monkeypatch.setenv("CFLAGS", flags)
    result = derive("rnn", "-o", tmp_path / "out")
    assert result.exit_code == 2 and not (tmp_path / "out").exists()
    assert result.output.startswith("derive: ") and result.output.count("\n") == 1
