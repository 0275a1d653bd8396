"""Writes the checker down as one file that needs nothing but Python.

The file is the checker's own source: the modules that `solver/verify.py` rests on, one after the
other, so that nobody has to believe that two programs agree. What is left out are the imports
between them, which one file does not need.
"""

import ast
import builtins
import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = "solver.verify"
FOLDER = Path(__file__).parent
RULE = "# " + "=" * 96
HEADER = '''\
#!/usr/bin/env python3
"""Checks a published allocation of GPU-hours, with nothing but the standard library of Python.

    python dure-verify.py ROUND PLAN [CERTIFICATE]

ROUND, PLAN and CERTIFICATE are the files of a publication (JSON, gzipped or not; - is standard
input). Every rule is printed with its count of checks. The exit code is 0 when every rule holds,
7 when one is broken (each with a witness), 2 when a file cannot be read. Python 3.9 or newer.

Nothing in here solves anything, and nothing is believed that can be computed: the plan is added up
anew and held against the round; entitlements and bounds are proved by weak duality in exact
rationals. "evidence" in the last table says whose word a bound is: "dual" and "arithmetic" were
proved here, "solver" is the word of a branch-and-bound code.

The sections are the files of the checker in Dure's own source, in the order in which they rest on
each other. To read it in an evening, begin with the last one, which tells the whole story.

{contents}
"""
'''
OLDER = '''\
if sys.version_info >= (3, 10):
    from dataclasses import dataclass
    from itertools import pairwise
else:
    import builtins
    import dataclasses

    def dataclass(**options):
        """Make a dataclass without the options that came with Python 3.10; both only guard."""
        return dataclasses.dataclass(frozen=options.get("frozen", False))

    def pairwise(items):
        """Return each element with the next one."""
        listed = list(items)
        return zip(listed, listed[1:], strict=False)

    def zip(*columns, strict=False):
        """Return elements side by side; in strict mode of columns equally long."""
        listed = [list(column) for column in columns]
        if strict and len({len(column) for column in listed}) > 1:
            raise ValueError("The columns differ in length.")
        return builtins.zip(*listed)
'''
PROVIDED = frozenset({("dataclasses", "dataclass"), ("itertools", "pairwise")})
"""What `OLDER` imports or stands in for."""
OLD = "For older Pythons"
UNNEEDED = frozenset({("typing", "TypeAlias")})


@dataclass(frozen=True, slots=True)
class Part:
    """One module of the checker.

    Attributes:
        name: with its package.
        doc: its docstring.
        body: its source without docstring, imports and start.
        imports: (module, name) of the standard library; the name is empty for a whole module.
        needs: modules of the checker that it imports, in the order of its imports.
    """

    name: str
    doc: str
    body: str
    imports: frozenset[tuple[str, str]]
    needs: tuple[str, ...]


@dataclass(slots=True)
class _Merge:
    """What the file has so far: the words that it defines, where, and as what."""

    defined: dict[str, tuple[str, str]]

    def text(self, part: Part) -> str:
        """Return a module's source without the constants that an earlier one states alike.

        Raises:
            ValueError: If a word of it means something else in an earlier module.
        """
        tree = ast.parse(part.body)
        gone: set[int] = set()
        for node in tree.body:
            for name in _names(node):
                meaning = ast.dump(node)
                where, earlier = self.defined.setdefault(name, (part.name, meaning))
                if where == part.name:
                    continue
                if earlier != meaning:
                    raise ValueError(f"{name} means one thing in {where}, another in {part.name}.")
                gone.update(_lines(node))
        return _kept(part.body, gone)


@cache
def program() -> str:
    """Return the source of the standalone checker; the same at every call and on every machine.

    Raises:
        ValueError: If two modules of the checker give one name two meanings.
    """
    parts = list(_ordered(ROOT, {}))
    imports = frozenset(each for part in parts for each in part.imports)
    taken = {name or module: ("Python", "") for module, name in imports}
    merge = _Merge(taken | dict.fromkeys(dir(builtins), ("Python", "")))
    sections = [
        _section(number, _title(part), part.doc, merge.text(part))
        for number, part in enumerate(parts, start=1)
    ]
    return "\n\n".join(
        (
            HEADER.format(contents=_contents(parts))
            + "\nfrom __future__ import annotations\n\n"
            + _imports(imports),
            _section(0, OLD, "What Python 3.9 lacks.", OLDER),
            *sections,
            'if __name__ == "__main__":\n    sys.exit(main(sys.argv[0], sys.argv[1:]))\n',
        )
    )


def program_digest() -> str:
    """Return the SHA-256 of the file, as ``sha256sum`` prints it."""
    return hashlib.sha256(program().encode()).hexdigest()


def _ordered(name: str, seen: dict[str, Part]) -> Iterator[Part]:
    """Yield a module after those that it rests on."""
    part = seen[name] = _part(name)
    for each in part.needs:
        if each not in seen:
            yield from _ordered(each, seen)
    yield part


def _part(name: str) -> Part:
    """Read one module."""
    path = FOLDER.joinpath(*name.split(".")[1:]).with_suffix(".py")
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    gone: set[int] = set(_lines(tree.body[0]))
    imports: set[tuple[str, str]] = set()
    needs: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            imports.update((each.name, "") for each in node.names)
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("solver"):
            needs.append(str(node.module))
        elif isinstance(node, ast.ImportFrom):
            imports.update((str(node.module), each.name) for each in node.names)
        elif not isinstance(node, ast.If):
            continue
        gone.update(_lines(node))
    body = _as_text(tree, source)
    return Part(
        name=name,
        doc=ast.get_docstring(tree) or "",
        body=_kept(body, gone),
        imports=frozenset(imports),
        needs=tuple(needs),
    )


def _as_text(tree: ast.Module, source: str) -> str:
    """Write type aliases as texts, which no Python has to evaluate, and drop notes to linters."""
    lines = source.splitlines()
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.dump(node.annotation):
            assert node.value is not None, "an alias stands for something"
            lines[node.lineno - 1] = f'{ast.unparse(node.target)} = "{ast.unparse(node.value)}"'
            for at in range(node.lineno, node.end_lineno or node.lineno):
                lines[at] = ""
    return "\n".join(re.sub(r"  # (noqa|type: ignore)\b.*", "", line) for line in lines)


def _kept(source: str, gone: set[int]) -> str:
    """Return a source without some lines, and nowhere more than two empty ones in a row."""
    lines = [line for at, line in enumerate(source.splitlines(), start=1) if at not in gone]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip("\n") + "\n"


def _lines(node: ast.stmt) -> range:
    """Return the line numbers of a statement."""
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _names(node: ast.stmt) -> list[str]:
    """Return the words that a statement defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    return [each.id for each in targets if isinstance(each, ast.Name)]


def _imports(imports: frozenset[tuple[str, str]]) -> str:
    """Return the imports of the standard library."""
    wanted = imports - PROVIDED - UNNEEDED
    foreign = {module.partition(".")[0] for module, _ in wanted} - sys.stdlib_module_names
    if foreign:
        raise ValueError(f"The checker imports {', '.join(sorted(foreign))}.")
    whole = sorted(f"import {module}" for module, name in wanted if not name)
    modules = sorted({module for module, name in wanted if name})
    named = [
        f"from {module} import {', '.join(sorted(n for m, n in wanted if m == module and n))}"
        for module in modules
    ]
    return "\n".join([*whole, *named]) + "\n"


def _section(number: int, title: str, doc: str, text: str) -> str:
    """Return a part under its heading."""
    about = "\n".join(f"# {line}".rstrip() for line in doc.splitlines())
    return f"{RULE}\n# {number}. {title}\n#\n{about}\n{RULE}\n\n\n{text}"


def _title(part: Part) -> str:
    """Return what a section is called: its file."""
    return part.name.replace(".", "/") + ".py"


def _contents(parts: list[Part]) -> str:
    """Return the table of contents."""
    return "\n".join(
        f"{number:>4}. {_title(part):<28}{re.split('[.:;]', part.doc)[0]}"
        for number, part in enumerate(parts, start=1)
    )
