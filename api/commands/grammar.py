"""How commands are declared: plain help with examples, and the options that many share."""

from typing import Annotated

import typer
from typer.core import TyperGroup

PLAIN = None
"""Help without the rich renderer: it costs 0.35 s, more than all the rest of ``dure --help``."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No messages, no progress.")]
SeedOption = Annotated[int, typer.Option(help="Chance, where a policy draws lots.")]
RoundArgument = Annotated[
    str, typer.Argument(metavar="ROUND", help="A dure-round/1 file (.json, .json.gz) or -.")
]
PolicyOption = Annotated[
    str, typer.Option(metavar="NAME|FILE.toml", help="A preset, or a policy file.")
]


def commands(
    text: str, *examples: str, cls: type[TyperGroup] = TyperGroup, add_completion: bool = False
) -> typer.Typer:
    """Return a new group of commands."""
    return typer.Typer(
        cls=cls,
        help=with_examples(text, *examples),
        rich_markup_mode=PLAIN,
        add_completion=add_completion,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
    )


def single() -> typer.Typer:
    """Return the holder of one command that stands alone."""
    return typer.Typer(rich_markup_mode=PLAIN, add_completion=False, pretty_exceptions_enable=False)


def with_examples(text: str, *examples: str) -> str:
    """Return a help text with its examples kept line by line."""
    if not examples:
        return text
    lines = "\n".join(f"  {example}" for example in examples)
    return f"{text}\n\n\b\nExamples:\n{lines}"
