"""Settings come from one file and the environment, and a typo is refused with its place."""

from pathlib import Path

import pytest

from scheduler.settings import InvalidSettings, Settings, read_settings

MAIL = """
mail_host = "mx.kr"
mail_from = "dure@center.kr"
mail_user = "dure"
mail_password_file = "password"
"""


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
        ('mail_host = "mx.kr"', {}, "dure.toml: Value error, mail_from must be an address"),
        ("", {"DURE_MAIL_USER": "dure"}, "mail_user and mail_password_file belong together"),
        (f"{MAIL}mail_security = 'none'", {}, "mail_security must not be none"),
        ("webhooks = ['http://portal.kr/in']", {}, "dure.toml: webhooks: "),
        ("webhooks = ['https://kim:pw@portal.kr/in']", {}, "no https address"),
    ],
    ids=[
        *("typo", "range", "syntax", "variable", "value", "both"),
        *("sender", "password", "clear", "http", "login"),
    ],
)
def test_mistake_is_named(tmp_path: Path, content: str, variables: dict[str, str], said: str):
    """A mistake is refused with file or variable, and key."""
    file = tmp_path / "dure.toml"
    file.write_text(content)
    with pytest.raises(InvalidSettings) as refusal:
        read_settings(file, variables)
    assert said in str(refusal.value)


def test_several_webhooks_come_from_one_variable():
    """Only https is called, but on this machine."""
    said = {"DURE_WEBHOOKS": "https://portal.kr/in, http://localhost:9000/in"}
    assert ("https://portal.kr/in", "http://localhost:9000/in") == read_settings(
        environment=said
    ).webhooks


def test_missing_file_is_named(tmp_path: Path):
    """A file that is not there is refused by its path."""
    with pytest.raises(InvalidSettings, match=r"absent\.toml"):
        read_settings(tmp_path / "absent.toml", {})


def test_command_line_variables_are_not_settings():
    """What the command line reads from the environment does not stop the center."""
    assert Settings() == read_settings(environment={"DURE_SERVER": "x", "DURE_LANG": "ko"})
