"""Numba with its types kept, and machine code kept between runs where that is safe.

Numba's own files are an index and numbered data: damaged bytes stop a program at its first call,
two processes that compile at once may file one signature's code under another's, and code stays in
use when a kernel that it calls in another module has changed. So each signature has a file of its
own here, sealed by a digest, and counts only where everything that went into it is as it was.
"""

import hashlib
import os
import pickle
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba import njit
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.core.serialize import dumps

Kernel = TypeVar("Kernel", bound=Callable[..., Any])
SEAL = hashlib.sha256().digest_size


def kernel(function: Kernel) -> Kernel:
    """Compile a function of arrays and numbers; the machine code is kept between runs.

    It is kept beside the source, else in the user's cache folder, else only while the process runs;
    ``NUMBA_CACHE_DIR`` names another folder.
    """
    compiled = njit(function)
    with suppress(RuntimeError):  # no folder can be written to: each process compiles for itself
        compiled._cache = KernelCache(cast("FunctionType", function))  # noqa: SLF001 - no setter
    return cast("Kernel", compiled)


class KernelCache(FunctionCache):  # type: ignore[misc]  # numba has no types
    """Machine code of one kernel on disk; trouble with files costs a compilation, never more.

    Raises:
        RuntimeError: If no folder can be written to.
    """

    def __init__(self, function: FunctionType) -> None:
        super().__init__(function)
        self._cache_file = Shelf(Path(self.cache_path), self._impl.filename_base, function)

    def load_overload(self, sig: object, target_context: object) -> object:
        """Return what is kept for a signature, None where that is nothing usable."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # noqa: BLE001 - unpickling what is not ours may raise anything
            return None

    def save_overload(self, sig: object, data: object) -> None:
        """Keep what was compiled for a signature, if the folder still takes it."""
        with suppress(OSError):
            super().save_overload(sig, data)


class Shelf:
    """The files of one kernel: a digest, then everything that the code depends on, then the code.

    A file is written under another name and then moved, so readers see all of it or none.

    Args:
        folder: where the files lie.
        stem: what their names begin with.
        function: the kernel.
    """

    def __init__(self, folder: Path, stem: str, function: FunctionType) -> None:
        self._folder, self._stem, self._function = folder, stem, function

    def load(self, key: object) -> object:
        """Return what was saved for a key, None if it is absent, damaged or out of date."""
        try:
            content = self._path(key).read_bytes()
        except OSError:
            return None
        seal, body = content[:SEAL], content[SEAL:]
        if hashlib.sha256(body).digest() != seal:
            return None
        made_of, kept_key, data = pickle.loads(body)  # noqa: S301 - as trusted as the source beside it
        return data if (made_of, kept_key) == (self._made_of(), key) else None

    def save(self, key: object, data: object) -> None:
        """Put data in the place of what is there for a key.

        Raises:
            OSError: If it cannot be written.
        """
        body, path = dumps((self._made_of(), key, data)), self._path(key)
        draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        try:
            draft.write_bytes(hashlib.sha256(body).digest() + body)
            os.replace(draft, path)  # noqa: PTH105 - the same
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def flush(self) -> None:
        """Take everything away."""
        for path in self._folder.glob(f"{self._stem}.*.kernel"):
            path.unlink(missing_ok=True)

    def _path(self, key: object) -> Path:
        """Return a key's file; the key itself is inside."""
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return self._folder / f"{self._stem}.{name}.kernel"

    def _made_of(self) -> tuple[str, ...]:
        """Return the versions and whatever else the machine code was made of."""
        versions = numba.__version__, np.__version__
        return (*versions, *sorted(set(_ingredients(self._function, set()))))


def _ingredients(function: FunctionType, seen: set[FunctionType]) -> Iterator[str]:
    """Yield the code of a kernel and of the kernels it calls, and the constants frozen into it."""
    if function in seen:
        return
    seen.add(function)
    yield f"{function.__module__}.{function.__qualname__}: {_text(function.__code__)}"
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, Dispatcher):
            yield from _ingredients(value.py_func, seen)
        elif isinstance(value, type):
            yield f"{value.__module__}.{value.__qualname__}: {getattr(value, '_fields', ())}"
        elif not isinstance(value, ModuleType):
            yield f"{function.__module__}.{name}: {value!r}"


def _text(code: CodeType) -> str:
    """Return what a function does, without where it stands."""
    constants = [_text(each) if isinstance(each, CodeType) else each for each in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {constants!r}"
