"""Where a token is kept and to whom it is sent."""

import stat
from datetime import UTC, datetime

import pytest

from api.commands.profiles import (
    DEFAULT_SERVER,
    Profile,
    forget_profile,
    keep_profile,
    profile_path,
    read_profile,
)
from api.commands.terminal import CommandRefused, Terminal


@pytest.fixture
def terminal(tmp_path):
    """A terminal with a home of its own."""
    return Terminal(
        environ={"XDG_CONFIG_HOME": str(tmp_path)},
        now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        seconds=lambda: 0.0,
    )


def test_token_file_is_for_its_owner_only(terminal):
    """The kept file can be read and written by its owner and by nobody else."""
    path = keep_profile(terminal, Profile(name="default", server="http://a", token="t"))

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_token_goes_only_to_the_server_that_gave_it(terminal):
    """Naming another server leaves the token at home."""
    keep_profile(terminal, Profile(name="default", server="http://a", token="t"))

    assert "t" == read_profile(terminal, "default", "").token
    assert "" == read_profile(terminal, "default", "http://b").token


def test_environment_gives_server_and_token_file(terminal, tmp_path):
    """DURE_SERVER and DURE_TOKEN_FILE go before what was kept."""
    (tmp_path / "token").write_text("from-file\n", encoding="utf-8")
    environ = {
        **terminal.environ,
        "DURE_SERVER": "http://c",
        "DURE_TOKEN_FILE": str(tmp_path / "token"),
    }
    elsewhere = Terminal(environ=environ, now=terminal.now, seconds=terminal.seconds)

    profile = read_profile(elsewhere, "default", "")

    assert ("http://c", "from-file") == (profile.server, profile.token)


def test_without_login_there_is_a_default_server_and_nobody(terminal):
    """A first command goes to this machine as nobody."""
    assert Profile(name="default", server=DEFAULT_SERVER) == read_profile(terminal, "default", "")


def test_logout_forgets(terminal):
    """Forgetting removes the file once."""
    keep_profile(terminal, Profile(name="work", server="http://a", token="t"))

    assert forget_profile(terminal, "work")
    assert not forget_profile(terminal, "work")


@pytest.mark.parametrize("name", ["../etc", "", "a b", ".hidden"])
def test_profile_name_cannot_leave_its_directory(terminal, name):
    """A name with a slash, a space or a leading dot is refused."""
    with pytest.raises(CommandRefused, match="Profile"):
        profile_path(terminal, name)


def test_broken_profile_says_what_to_do(terminal):
    """A damaged file asks to log in again."""
    path = profile_path(terminal, "default")
    path.parent.mkdir(parents=True)
    path.write_text("{", encoding="utf-8")

    with pytest.raises(CommandRefused, match="dure login"):
        read_profile(terminal, "default", "")
