"""Where `dure` begins.

`dure verify --fast` of files in which everything holds is answered here: to load the command line
takes a third as long as the check itself. Whatever else is asked, the command line answers.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

FAST = "--fast"
QUIET = frozenset({"--quiet", "-q"})
INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line of this process."""
    arguments = sys.argv[1:]
    paths = checked_fast(arguments)
    if paths:
        answer_at_once(paths, quiet=not QUIET.isdisjoint(arguments))
        arguments.remove(FAST)  # not everything holds for sure: the plain checker has the word
    importlib.import_module("api.command_line").main(arguments)
    raise AssertionError("A command line ends its process.")


def checked_fast(arguments: Sequence[str]) -> list[str]:
    """Return the files of a `verify --fast` that asks for lines or silence, of all others none."""
    if arguments[:1] != ["verify"] or arguments.count(FAST) != 1:
        return []
    paths = [each for each in arguments[1:] if each not in {FAST, *QUIET}]
    named = all(each and not each.startswith("-") for each in paths)
    return paths if named and len(paths) in {2, 3} else []


def answer_at_once(paths: Sequence[str], *, quiet: bool) -> None:
    """End the process as `dure verify` does if every rule holds, else return.

    Nothing is tidied up at the end: to free what was read takes longer than most rules do.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads of numpy that nobody needs here
    try:
        bulk = importlib.import_module("solver.bulk.verify")
        story = bulk.told(*(Path(path).read_bytes() for path in paths))
        if story is None:
            return
        if not quiet:
            sys.stdout.write(bulk.verdict_text(story.verdict) + "\n")
            sys.stdout.flush()
        os._exit(0)
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)
    except BrokenPipeError:
        os._exit(1)
    except OSError:
        return  # the command line says which file cannot be read


if __name__ == "__main__":
    main()
