"""The top of the command line: light, complete, honest."""

import importlib
import subprocess
import sys

import pytest

from api.cli import checked_fast
from api.command_line import HELP, load

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


def test_only_plain_fast_checks_of_files_are_answered_at_once():
    """Whatever asks for more than lines or silence about files is left to the command line."""
    assert ["r", "p"] == checked_fast(["verify", "r", "--fast", "p"])
    assert ["r", "p", "c"] == checked_fast(["verify", "--fast", "-q", "r", "p", "c"])
    for arguments in (
        [],
        ["--fast", "r", "p"],
        ["verify", "r", "p"],
        ["verify", "--fast", "r"],
        ["verify", "--fast", "r", "p", "c", "d"],
        ["verify", "--fast", "r", "p", ""],
        ["verify", "--fast", "r", "-"],
        ["verify", "--fast", "--fast", "r", "p"],
        ["verify", "--fast", "--json", "r", "p"],
        ["verify", "--fast", "--help", "r", "p"],
        ["solve", "--fast", "r", "p"],
    ):
        assert [] == checked_fast(arguments)
