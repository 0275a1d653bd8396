"""`dure explain`: why one request got what it got."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from api.commands.documents import STANDARD, malformed, read_document
from api.commands.grammar import JsonOption, RoundArgument, single, with_examples
from api.commands.rounds import read_policy, read_snapshot
from api.commands.terminal import CommandRefused, ExitCode, terminal_of
from api.plain_json import encode
from api.solving import explained, explorer_of, with_counterfactuals
from scheduler.document import Document, InvalidRound
from scheduler.domain.messages import Language
from scheduler.formulate import Formulation, formulate
from scheduler.plan_file import SCHEMA
from scheduler.plan_reading import read_plan
from scheduler.policy import Policy, presets
from scheduler.snapshot import Snapshot
from solver.canonical import digest
from solver.counterfactuals import counterfactuals
from solver.explain import explain as explain_plan
from solver.plan import Plan
from solver.spread import Crew, here, processes

app = single()


@app.command(
    help=with_examples(
        "Say why one request got what it got: the rules that decided, with their numbers, and what "
        "would have changed it. Every such change is shown by a plan that has been checked.",
        "dure explain round.json plan.json q0042 --lang ko",
        "dure explain round.json plan.json --workers 2 --json > everyone.json",
    )
)
def explain(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    round_: RoundArgument,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="A dure-plan/1 file, or -.")],
    request: Annotated[
        str, typer.Argument(metavar="REQUEST", help="Id of a request; without it, every one.")
    ] = "",
    *,
    lang: Annotated[str, typer.Option(metavar="ko|en", help="Else as the locale says.")] = "",
    policy: Annotated[
        str,
        typer.Option(metavar="FILE.toml", help="The plan's policy, when it is not a preset."),
    ] = "",
    only_reasons: Annotated[
        bool, typer.Option("--only-reasons", help="Leave out what would have changed it.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes that share the work.", min=1)] = 1,
    as_json: JsonOption = False,
) -> None:
    """Rebuild the question and its answer and explain one request, or every one."""
    terminal = terminal_of(context)
    if [round_, plan].count(STANDARD) > 1:
        raise CommandRefused("Only one file can come from standard input.", ExitCode.USAGE)
    language = _language(lang or terminal.language)
    snapshot, document = read_snapshot(round_), read_document(plan)
    try:
        _refuse_other_round(snapshot, document)
        formulation = formulate(snapshot, policy_of(document, policy))
        answer = read_plan(formulation, document)
    except InvalidRound as error:
        raise malformed(plan, error) from error
    asked = _asked(formulation, request)
    crew = processes(workers) if workers > 1 else here()
    told = _told(formulation, answer, asked, None if only_reasons else crew)
    if as_json:
        found = told[0] if request else {each["request"]: each for each in told}
        terminal.data(encode(found, indent=2))
    else:
        terminal.data("\n\n".join(each["text"][language.value] for each in told))


def _asked(formulation: Formulation, request: str) -> list[int]:
    """Return which requests to explain."""
    names = formulation.names.requests
    if not request:
        return sorted(range(len(names)), key=names.__getitem__)
    if request not in names:
        raise CommandRefused(f"The round has no request {request!r}.", ExitCode.USAGE)
    return [names.index(request)]


def _told(
    formulation: Formulation, plan: Plan, asked: Sequence[int], crew: Crew | None
) -> list[Document]:
    """Return explanations, with counterfactuals if there is a crew to look for them."""
    reasons = explain_plan(formulation.problem, plan)
    told = [explained(formulation, reasons[each]) for each in asked]
    if crew is None:
        return told
    every = counterfactuals(explorer_of(formulation, plan), asked, crew)
    return [
        with_counterfactuals(formulation, each, request, found, delta=True)
        for each, request, found in zip(told, asked, every, strict=True)
    ]


def policy_of(document: Document, path: str) -> Policy:
    """Return the policy that a plan was made under.

    Raises:
        CommandRefused: If the file or the presets hold another policy than the plan names.
    """
    wanted = _part(document, "policy")
    for name in [path] if path else presets():
        policy = read_policy(name)
        if digest(policy.document) == wanted.get("digest"):
            return policy
    hint = "" if path else "Name its file: --policy FILE.toml"
    raise CommandRefused(
        f"The plan was made under another policy: {wanted.get('name')}.", ExitCode.USAGE, hint=hint
    )


def _part(document: Document, name: str) -> Mapping[str, Any]:
    """Return an object of the plan file."""
    part = document.get(name)
    if not isinstance(part, dict):
        raise InvalidRound(f"#/{name}", part, "Must be an object.")
    return part


def _refuse_other_round(snapshot: Snapshot, document: Document) -> None:
    """Refuse what is no plan, and a plan of another round."""
    if document.get("schema") != SCHEMA:
        raise InvalidRound("#/schema", document.get("schema"), f"Must be {SCHEMA!r}.")
    if _part(document, "round").get("digest") != digest(snapshot.document):
        raise InvalidRound("#/round/digest", snapshot.id, "Must be the digest of this round.")


def _language(name: str) -> Language:
    """Return a language by its name.

    Raises:
        CommandRefused: If it is neither.
    """
    try:
        return Language(name)
    except ValueError as error:
        raise CommandRefused(f"--lang {name}: must be ko or en.", ExitCode.USAGE) from error
