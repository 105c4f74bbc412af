"""Long steps of the page: in a thread of their own, with progress, canceling and errors as sentences."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from trame_server import Server

from ..Core.Progress import Canceled, Progress
from .Views import Views

T = TypeVar("T")
_REFUSED = (ValueError, RuntimeError, OSError, MemoryError)


class Work:
    """Run one step at a time.

    While it runs the page takes no other command and the views draw nothing, so that the scene is changed by one
    thread only.
    """

    def __init__(self, server: Server, views: Views) -> None:
        self._state, self._views = server.state, views
        self._cancel = threading.Event()
        self._state.update({"busy": "", "progress": 0, "progressText": "", "error": "", "note": ""})

    @property
    def isBusy(self) -> bool:
        """Return whether a step is running."""
        return bool(self._state.busy)

    def cancel(self) -> None:
        """Ask the running step to stop."""
        self._cancel.set()

    def say(self, note: str) -> None:
        """Show a sentence."""
        with self._state:
            self._state.note = note

    def quick(self, work: Callable[[], T]) -> T | None:
        """Do something short, and show in a sentence why it could not be done."""
        if self.isBusy:
            return None
        try:
            with self._state:
                self._state.error = ""
                return work()
        except _REFUSED as error:
            self._show(error)
            return None

    async def run(self, title: str, work: Callable[[Progress], T]) -> T | None:
        """Run a step and return what it gives, None if it was refused or canceled."""
        if self.isBusy:
            return None
        self._cancel.clear()
        with self._state:
            self._state.update({"busy": title, "progress": 0, "progressText": "", "error": "", "note": ""})
        loop = asyncio.get_running_loop()

        def progress(fraction: float, message: str) -> bool:
            loop.call_soon_threadsafe(self._showProgress, fraction, message)
            return not self._cancel.is_set()

        self._views.freeze(True)
        try:
            return await loop.run_in_executor(None, work, progress)
        except Canceled:
            self.say(f"{title}: canceled; nothing was changed.")
        except _REFUSED as error:
            self._show(error)
        finally:
            self._views.freeze(False)
            with self._state:
                self._state.busy = ""
        return None

    def _showProgress(self, fraction: float, message: str) -> None:
        with self._state:
            self._state.update({"progress": round(100 * fraction), "progressText": message})

    def _show(self, error: Exception) -> None:
        logging.debug("The step was refused.", exc_info=error)
        with self._state:
            lines = str(error).strip().splitlines()
            self._state.error = lines[0] if lines else f"{type(error).__name__}; the step could not be finished."
