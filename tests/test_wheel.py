"""The wheel, as somebody gets it from an index: installed alone in an environment of its own, and
used from a folder where nothing of the repository is."""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import derive
from derive.compiler import BACKENDS

pytestmark = pytest.mark.wheel
ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(*line, cwd, **more):
    done = subprocess.run(
        [*map(str, line)], cwd=cwd, capture_output=True, text=True, env=alone(), **more
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alone():
    """The environment without what would let one Python see another's packages."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in hidden}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check"]
    run(*pip, "--no-deps", "--no-build-isolation", "-w", folder, ROOT, cwd=folder)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The Python of an environment that has the wheel, and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    found = next(folder.glob("bin/python")) if os.name != "nt" else folder / "Scripts/python.exe"
    pip = [found, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run(*pip, "--constraint", ROOT / "requirements.lock", wheel, cwd=folder)
    return found


@pytest.fixture
def command(python, tmp_path):
    """The command as it was installed, in an empty folder."""
    return lambda *arguments: run(python.with_name("derive"), *arguments, cwd=tmp_path)


def test_what_it_holds(wheel):
    """The package, its types and its templates; none of the tests, and no second copy."""
    names = zipfile.ZipFile(wheel).namelist()
    assert "derive/py.typed" in names and "derive/cells/lstm.py" in names
    templates = {
        f"derive/templates/{path.relative_to(ROOT / 'templates').as_posix()}"
        for path in (ROOT / "templates").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert templates <= {*names}
    assert {name.split("/")[0].split("-")[0] for name in names} == {"derive", "cellwright"}


def test_what_it_says_of_itself(wheel):
    archive = zipfile.ZipFile(wheel)
    (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    said = email.message_from_bytes(archive.read(path))
    assert (said["Name"], said["Version"]) == ("cellwright", derive.VERSION)
    assert {*said.get_all("Provides-Extra")} == {*PROJECT["optional-dependencies"]}


def test_nothing_else_is_installed(python, tmp_path):
    """The few libraries that the core needs, and theirs."""
    listed = run(python, "-m", "pip", "list", "--format", "json", cwd=tmp_path)
    theirs = {"markdown-it-py", "markupsafe", "mdurl", "mpmath", "pip", "setuptools", "colorama"}
    ours = {requirement.split(">")[0] for requirement in PROJECT["dependencies"]}
    assert {package["name"].lower() for package in json.loads(listed)} - theirs == {
        *ours,
        "cellwright",
    }


def test_the_command(command):
    assert derive.VERSION in command("--version")
    assert "lstm_peephole" in command("list")
    assert r"\begin{align*}" in command("latex", "gru")
    assert "identity" in command("check", "antisymmetric_rnn")


def test_every_target(command, tmp_path):
    """The text that this repository's own code gives; only a model of ONNX needs an extra."""
    cell = derive.load("lstm")
    for backend in sorted({*BACKENDS} - {"onnx"}):
        command("generate", "lstm", "--backend", backend, "-o", backend)
        for name, text in derive.generate(cell, backend).items():
            assert (tmp_path / backend / name).read_text(encoding="utf-8") == text


def test_what_an_extra_is_for_is_said(python, tmp_path):
    line = [python.with_name("derive"), "generate", "lstm", "--backend", "onnx"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, env=alone())
    assert done.returncode == 2 and "pip install 'cellwright[onnx]'" in done.stderr


def test_from_python(python, tmp_path):
    code = """
        import derive, numpy as np
        module = derive.module(derive.load("gru", reset="after"))
        params = module.init(np.random.default_rng(0), 3, 4)
        ys, state, tape = module.forward(params, np.ones((5, 2, 3)))
        print(module.backward(params, tape, ys)[0].flat.shape, derive.__file__)
    """
    said = run(python, "-c", "\n".join(map(str.strip, code.splitlines())), cwd=tmp_path)
    assert said.startswith("(100,)") and str(ROOT) not in said
