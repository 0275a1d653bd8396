"""Spreading tasks: order, losses, failures; whoever does them, the bytes are the same."""

import os
import pickle
import signal
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from solver.spread import Crew, WorkersLost, chunks, here, processes, spread


def squared(number):
    """Return the square, later ones sooner."""
    time.sleep(max(0, 6 - number) / 100)
    return number * number


def dies_once(path):
    """Die by SIGKILL the first time, then answer."""
    mark = Path(path)
    if mark.suffix == ".die" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return mark.name


def sleeps_at_first(path):
    """Say who works on it and wait to be killed; answer at once the second time."""
    mark = Path(path)
    if mark.suffix == ".slow" and not mark.exists():
        mark.write_text(str(os.getpid()), encoding="utf-8")
        time.sleep(20)
    return mark.name


def fails(number):
    """Fail on odd numbers."""
    if number % 2:
        raise ArithmeticError(number)
    return number


def kills_its_worker(_):
    """Die whenever a worker, and only a worker, tries."""
    os.kill(os.getpid(), signal.SIGKILL)


class Backwards(Executor):
    """An executor that finishes the last task first."""

    def __init__(self):
        self.waiting = []

    def submit(self, fn, /, *args, **kwargs):
        """Keep the task; the eighth sets off all of them, backwards."""
        future = Future()
        self.waiting.append((future, fn, args, kwargs))
        if len(self.waiting) == 8:
            for each, call, given, named in reversed(self.waiting):
                each.set_result(call(*given, **named))
        return future


@pytest.mark.parametrize("crew", [here(), Crew(open=Backwards), Crew(open=ThreadPoolExecutor)])
def test_results_stand_in_the_order_of_the_tasks(crew):
    """Whoever is done first, the results come in the order of the tasks."""
    assert [each * each for each in range(8)] == spread(squared, range(8), crew)


def test_one_and_several_workers_give_the_same_bytes():
    """The number of workers leaves no trace in the result."""
    alone, several = (spread(squared, range(8), processes(count)) for count in (1, 3))
    assert pickle.dumps(alone) == pickle.dumps(several)


def test_a_worker_that_dies_changes_nothing(tmp_path):
    """Tasks of a worker that died are done again; the others keep what they reached."""
    tasks = [str(tmp_path / name) for name in ("a", "b.die", "c", "d.die", "e")]
    assert [Path(each).name for each in tasks] == spread(dies_once, tasks, processes(2))


def test_a_worker_killed_from_outside_changes_nothing(tmp_path):
    """`kill -9` on a worker in mid-run costs time, not a result."""
    tasks = [str(tmp_path / name) for name in ("a", "b.slow", "c")]
    mark = tmp_path / "b.slow"

    def kill():
        for _ in range(2_000):
            if mark.exists() and mark.read_text(encoding="utf-8"):
                break
            time.sleep(0.01)
        os.kill(int(mark.read_text(encoding="utf-8")), signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    found = spread(sleeps_at_first, tasks, processes(2))
    killer.join()
    assert ["a", "b.slow", "c"] == found


def test_it_gives_up_on_what_kills_every_worker():
    """A task that no worker survives ends in an error, not in an endless loop."""
    with pytest.raises(WorkersLost, match="2 tasks"):
        spread(kills_its_worker, range(2), processes(1), tries=2)


@pytest.mark.parametrize("crew", [here(), Crew(open=ThreadPoolExecutor)])
def test_the_first_failure_is_raised(crew):
    """Of several failures the first in the order of the tasks is told."""
    with pytest.raises(ArithmeticError, match="1"):
        spread(fails, range(6), crew)


def test_it_tells_how_far_it_is():
    """The caller hears of every finished task."""
    told = []
    spread(squared, range(3), here(), done=told.append)
    assert [1, 2, 3] == told


@pytest.mark.parametrize(("count", "workers"), [(0, 1), (1, 3), (10, 1), (10, 2), (694, 2)])
def test_chunks_cover_everything_once(count, workers):
    """Ranges follow one another without a gap, none of them empty."""
    parts = chunks(count, workers)
    assert list(range(count)) == [each for part in parts for each in part]
    assert all(len(part) for part in parts)


def test_there_has_to_be_a_worker():
    """No worker does no work."""
    with pytest.raises(ValueError, match="0 workers"):
        processes(0)
