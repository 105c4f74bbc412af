"""What is to happen after the present event of the page."""

import asyncio
from collections.abc import Callable


def later(call: Callable[[], None]) -> None:
    """Run something after the present event."""
    try:
        asyncio.get_running_loop().call_soon(call)
    except RuntimeError:  # before the server runs
        call()
