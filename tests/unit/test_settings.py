"""Settings come from one file and the environment, and a typo is refused with its place."""

from pathlib import Path

import pytest

from scheduler.settings import InvalidSettings, Settings, read_settings


def test_defaults_need_nothing():
    """Without a file and variables the center runs on its embedded store."""
    assert Settings() == read_settings(environment={"HOME": "/root"})


def test_environment_goes_before_the_file(tmp_path: Path):
    """A variable wins over the same key of the file; the rest of the file stays."""
    file = tmp_path / "dure.toml"
    file.write_text('port = 9000\nhost = "dure.kr"\n')
    settings = read_settings(file, {"DURE_PORT": "9001", "DURE_HOSTS": "a.kr, b.kr"})
    assert (9001, "dure.kr", ("a.kr", "b.kr")) == (settings.port, settings.host, settings.hosts)


def test_file_is_named_by_a_variable(tmp_path: Path):
    """``DURE_SETTINGS`` names the file."""
    file = tmp_path / "dure.toml"
    file.write_text("port = 9000\n")
    assert 9000 == read_settings(environment={"DURE_SETTINGS": str(file)}).port


@pytest.mark.parametrize(
    ("content", "variables", "said"),
    [
        ("prot = 1", {}, "dure.toml: prot: "),
        ("port = 70000", {}, "dure.toml: port: "),
        ("port = ", {}, "dure.toml: "),
        ("", {"DURE_PROT": "1"}, "environment: DURE_PROT: "),
        ("", {"DURE_PORT": "many"}, "environment: DURE_PORT: "),
        ("port = 1\nprot = 1", {"DURE_PORT": "many"}, "environment: DURE_PORT: "),
    ],
    ids=["typo", "range", "syntax", "variable", "value", "both"],
)
def test_mistake_is_named(tmp_path: Path, content: str, variables: dict[str, str], said: str):
    """A mistake is refused with file or variable, and key."""
    file = tmp_path / "dure.toml"
    file.write_text(content)
    with pytest.raises(InvalidSettings) as refusal:
        read_settings(file, variables)
    assert said in str(refusal.value)


def test_missing_file_is_named(tmp_path: Path):
    """A file that is not there is refused by its path."""
    with pytest.raises(InvalidSettings, match=r"absent\.toml"):
        read_settings(tmp_path / "absent.toml", {})


def test_command_line_variables_are_not_settings():
    """What the command line reads from the environment does not stop the center."""
    assert Settings() == read_settings(environment={"DURE_SERVER": "x", "DURE_LANG": "ko"})
