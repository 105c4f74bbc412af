"""Run tasks side by side, on this machine or on a cluster, as many at once as there is memory for."""

import logging
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from ..Core.Inputs.Memory import freeMemory
from .SubjectRun import Ending, Outcome, Task, runTask

_MEMORY = "memory"
_AHEAD = 2  # tasks handed out per worker, so that none waits for the driver and the driver holds few
_LOST = "Its worker was lost, and so was the one that tried again."


class Scheduler(Enum):
    """Who hands out machines on an institute's cluster, by the name of its class in dask-jobqueue."""

    slurm = "SLURMCluster"
    pbs = "PBSCluster"
    sge = "SGECluster"


@dataclass(frozen=True)
class Place:
    """Where a cohort runs: this machine, a running Dask scheduler, or jobs of a cluster's queue.

    :param workers: how many subjects at once, None for one per core of this machine.
    :param address: of a running Dask scheduler.
    :param queue: of a cluster, with the options of its jobs by name.
    """

    workers: int | None = None
    address: str | None = None
    queue: Scheduler | None = None
    queueOptions: tuple[tuple[str, str], ...] = ()


class Pool(Protocol):
    """What runs tasks."""

    slots: int

    def submit(self, task: Task) -> futures.Future:
        """Return a future of the task's outcome; it never raises for what the task itself does."""


def runAll(tasks: Iterable[Task], pool: Pool, started: Callable[[Task], None] | None = None) -> Iterator[Outcome]:
    """Yield the outcome of every task as it ends, keeping only a few tasks in flight."""
    waiting = iter(tasks)
    flying: dict[futures.Future, Task] = {}
    finished = threading.Semaphore(0)
    done: list[futures.Future] = []

    def hasEnded(future: futures.Future) -> None:
        done.append(future)
        finished.release()

    def handOut() -> None:
        task = next(waiting, None)
        if task is not None:
            future = pool.submit(task)
            flying[future] = task
            if started is not None:
                started(task)
            future.add_done_callback(hasEnded)

    for _ in range(_AHEAD * pool.slots):
        handOut()
    while flying:
        finished.acquire()
        future = done.pop()
        task = flying.pop(future)
        handOut()
        yield _outcome(future, task)


def _outcome(future: futures.Future, task: Task) -> Outcome:
    try:
        return future.result()
    except OSError as error:
        return Outcome(task.name, Ending.failed, "", f"{error.filename or task.name}: {error.strerror or error}.")
    except Exception as error:  # what a lost worker raises is the cluster's own; one subject is all that it may cost
        lost = type(error).__name__ in ("KilledWorker", "CancelledError", "FutureCancelledError")
        return Outcome(task.name, Ending.failed, "", _LOST if lost else f"{type(error).__name__}: {error}")


class ThreadedPool:
    """Run tasks, each of which starts a process of its own, in threads, as many as fit into memory."""

    def __init__(self, workers: int, run: Callable[[Task], Outcome] = runTask) -> None:
        self.slots = workers
        self._run = run
        self._threads = futures.ThreadPoolExecutor(workers)
        self._free = freeMemory()
        self._changed = threading.Condition()
        self._held = 0

    def submit(self, task: Task) -> futures.Future:
        """Return a future of the task's outcome."""
        return self._threads.submit(self._whenItFits, task)

    def _whenItFits(self, task: Task) -> Outcome:
        with self._changed:
            # A task that never fits is tried alone: the run itself says how much it lacks.
            self._changed.wait_for(
                lambda: not self._held or self._free is None or self._held + task.bytes <= self._free
            )
            self._held += task.bytes
        try:
            return self._run(task)
        finally:
            with self._changed:
                self._held -= task.bytes
                self._changed.notify_all()

    def close(self) -> None:
        """Let go of what has not begun."""
        self._threads.shutdown(wait=True, cancel_futures=True)


class DaskPool:
    """Run tasks on the workers of a Dask scheduler.

    :param client: connected to it.
    :param run: what a worker does with a task.
    """

    def __init__(self, client: object, slots: int, run: Callable[[Task], Outcome] = runTask) -> None:
        self.slots = slots
        self._client = client
        self._run = run
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        # Workers that offer no memory as a resource would never be given a task that asks for it.
        offered = [worker.get("resources", {}).get(_MEMORY, 0) for worker in workers]
        self._least = min(offered, default=0)

    def submit(self, task: Task) -> futures.Future:
        """Return a future of the task's outcome."""
        resources = {_MEMORY: min(task.bytes, self._least)} if self._least else {}
        found = self._client.submit(self._run, task, pure=False, retries=1, resources=resources, key=None)
        future: futures.Future = futures.Future()
        found.add_done_callback(lambda done: _handOver(done, future))
        return future


def _handOver(found: object, future: futures.Future) -> None:
    """Give a plain future what a Dask future has come to."""
    error = found.exception() if found.status == "error" else None
    if error is not None:
        future.set_exception(error)
    elif found.status == "finished":
        future.set_result(found.result())
    else:
        future.set_exception(futures.CancelledError())
    found.release()


def hasDask() -> bool:
    """Return whether the engine of clusters is installed."""
    from importlib.util import find_spec

    return find_spec("distributed") is not None


@contextmanager
def openPool(place: Place, paths: Iterable[Path] = (), run: Callable[[Task], Outcome] = runTask) -> Iterator[Pool]:
    """Yield what runs tasks at a place.

    :param paths: that every worker must see.
    :param run: what is done with a task.
    :raises ValueError: where the place cannot be reached or does not see a path.
    """
    workers = place.workers or os.cpu_count() or 1
    if place.address is None and place.queue is None and not hasDask():
        pool = ThreadedPool(workers, run)
        try:
            yield pool
        finally:
            pool.close()
        return
    if not hasDask():
        raise ValueError('A cluster needs dask.distributed; install it by pip install "medfusion[cohort]".')
    with _client(place, workers) as client:
        client.wait_for_workers(1)
        _checkPaths(client, paths)
        threads = sum(client.nthreads().values())
        yield DaskPool(client, max(workers, threads), run)


@contextmanager
def _client(place: Place, workers: int) -> Iterator[object]:
    import dask
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.ERROR)
    # What takes down two workers is not tried on a third.
    settings = {"distributed.scheduler.allowed-failures": 1, "distributed.scheduler.http.routes": []}
    with tempfile.TemporaryDirectory() as scratch, dask.config.set(settings | {"temporary-directory": scratch}):
        if place.address is not None:
            try:
                client = Client(place.address, timeout=10, set_as_default=False)
            except (OSError, ValueError) as error:
                raise ValueError(f"There is no Dask scheduler at {place.address} ({error}).") from error
            with client:
                yield client
            return
        if place.queue is not None:
            cluster = _queueCluster(place)
            cluster.scale(workers)
        else:
            cluster = LocalCluster(
                n_workers=1,
                threads_per_worker=workers,
                processes=False,
                dashboard_address=None,
                worker_dashboard_address=None,
                silence_logs=logging.ERROR,
                memory_limit=0,
                resources={_MEMORY: freeMemory() or 0},
            )
        with cluster, Client(cluster, set_as_default=False) as client:
            yield client


def _queueCluster(place: Place) -> object:
    try:
        import dask_jobqueue
    except ImportError as error:
        raise ValueError('A queue needs dask-jobqueue; install it by pip install "medfusion[cohort]".') from error
    options: dict[str, object] = {"cores": 1, "processes": 1, "memory": "4GB"} | dict(place.queueOptions)
    try:
        return getattr(dask_jobqueue, place.queue.value)(**options)
    except (TypeError, ValueError, FileNotFoundError) as error:
        given = ", ".join(f"{name}={value}" for name, value in place.queueOptions) or "none"
        raise ValueError(f"The queue cannot be used with the options {given} ({error}).") from error


def _checkPaths(client: object, paths: Iterable[Path]) -> None:
    """Raise ValueError where a worker does not see a path."""
    for worker, unseen in client.run(_unseen, [str(path) for path in paths]).items():
        if unseen:
            raise ValueError(
                f"The worker {worker} does not see {unseen[0]}"
                + (f" and {len(unseen) - 1} more" if len(unseen) > 1 else "")
                + "; put inputs and results where all machines see them under one path."
            )


def _unseen(paths: list[str]) -> list[str]:
    return [path for path in paths if not Path(path).exists()]
