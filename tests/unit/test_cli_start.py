"""The top of the command line: light, complete, honest."""

import importlib
import subprocess
import sys

import pytest

from api.cli import HELP, load

HEAVY = (
    "ortools",
    "numba",
    "numpy",
    "fastapi",
    "sqlalchemy",
    "pydantic_core",
    "httpx",
    "rich.table",
)


def run_python(code):
    """Run a fresh interpreter and return its output."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_help_imports_nothing_heavy():
    """`dure --help` loads no solver, no web framework, no database, no HTTP client."""
    code = (
        "import sys, api.cli\n"
        "sys.argv = ['dure', '--help']\n"
        "try:\n    api.cli.main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert "[]" == run_python(code).splitlines()[-1]


def test_help_names_every_command():
    """Each command stands in the help with a line of its own."""
    code = "import sys, api.cli; sys.argv = ['dure', '--help']; api.cli.main()"
    shown = run_python(code)
    assert [] == [name for name in HELP if f"\n  {name} " not in shown]


def test_version_is_told():
    """`dure --version` names the program."""
    code = "import sys, api.cli; sys.argv = ['dure', '--version']; api.cli.main()"
    assert run_python(code).startswith("dure ")


@pytest.mark.parametrize("name", sorted(HELP))
def test_every_named_command_loads(name):
    """No line of the help leads nowhere."""
    assert load(name) is not None
    assert importlib.import_module(f"api.commands.{name}").__doc__
