"""Reading policies."""

from fractions import Fraction

import pytest

from scheduler.policy import InvalidPolicy, find_policy, parse_policy, presets
from solver.problem import GroupWeight, Method, Tier, Unit


def test_every_preset_reads_and_bears_its_name():
    """Each shipped policy file is a policy of that name."""
    assert [find_policy(name).name for name in presets()] == list(presets())
    assert {
        "entitlement",
        "whole_server",
        "rank_and_fund",
        "proportional",
        "rac_scaling",
        "merit",
    } <= set(presets())


def test_a_policy_file_is_found_by_path(tmp_path):
    """A path ending in .toml is read."""
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\n[fairness]\nunit = "reference_hours"\n[groups]\nweight = "demand"\n'
    )
    rules = find_policy(str(path)).rules
    assert (Unit.REFERENCE_HOURS, GroupWeight.DEMAND) == (rules.unit, rules.group_weight)


def test_tiers_follow_the_tables_when_unstated():
    """A policy that speaks of fairness has all tiers, one that does not has value alone."""
    assert parse_policy('name = "x"').rules.tiers == (Tier.VALUE,)
    assert parse_policy('name = "x"\n[groups]\n').rules.tiers == (
        Tier.GROUPS,
        Tier.FELLOWS,
        Tier.VALUE,
    )


def test_weights_are_one_where_nothing_is_said():
    """In the weighted form every tier counts, with the weight that is stated or 1."""
    rules = parse_policy(
        'name = "x"\n[groups]\n[select]\nform = "weighted"\n[select.weights]\nfellows = 2.5'
    ).rules
    assert (1_000, 2_500, 1_000) == rules.weights
    assert Fraction(5, 9) == rules.part(Tier.FELLOWS)
    assert () == find_policy("entitlement").rules.weights


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "name"),
        ('name = "x"\ncolour = 1', "colour"),
        ('name = "x"\n[fairness]\nunit = "gpus"', "fairness/unit"),
        ('name = "x"\n[select]\nmethod = "magic"', "select/method"),
        ('name = "x"\n[select]\ntiers = ["value", "value"]', "select/tiers"),
        ('name = "x"\n[select]\ntiers = [["value"], {}]', "select/tiers"),
        ('name = "x"\n[select]\nform = "mixed"', "select/form"),
        ('name = "x"\n[select.weights]\nvalue = 2', "select/weights"),
        ('name = "x"\n[select]\nform = "weighted"\n[select.weights]\nmerit = 1', "weights/merit"),
        ('name = "x"\n[select]\nform = "weighted"\n[select.weights]\nvalue = 0', "weights/value"),
        ('name = "x"\n[fellows]\ncap_share = 1.5', "fellows/cap_share"),
        ('name = "x"\n[fellows]\ncap_share = "much"', "fellows/cap_share"),
        ('name = "x"\n[fellows]\ncap_share = true', "fellows/cap_share"),
        ('name = "x"\n[fellows]\ncap_share = nan', "fellows/cap_share"),
        ('name = "x"\n[fellows]\ncap_share = inf', "fellows/cap_share"),
        ('name = "x"\n[stability]\nmove_cost = inf', "stability/move_cost"),
        ('name = "x"\n[stability]\nmove_cost = nan', "stability/move_cost"),
        ('name = "x"\n[tracks.industry]\nfloor_shares = 0.3', "tracks/industry/floor_shares"),
        ("name = ", "TOML"),
    ],
)
def test_a_broken_rule_is_named_with_its_field(text, field):
    """The refusal says which key stands wrong."""
    with pytest.raises(InvalidPolicy, match=field):
        parse_policy(text)


def test_an_unknown_preset_lists_the_known():
    """A typo is answered with the names that exist."""
    with pytest.raises(InvalidPolicy, match="entitlement"):
        find_policy("entitlemnt")


def test_shares_are_exact_millionths():
    """0.3 of the supply is 300,000 millionths."""
    policy = parse_policy('name = "x"\n[tracks.industry]\nfloor_share = 0.3\n')
    assert policy.tracks["industry"].floor == 300_000
    assert policy.rules.method is Method.OPTIMIZE


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path):
    """The refusal names the file and says what it must be."""
    path = tmp_path / "mine.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(InvalidPolicy, match=r"mine\.toml.*UTF-8"):
        find_policy(str(path))
