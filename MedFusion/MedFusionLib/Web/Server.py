"""The server of the page: on this machine only, for one user, until Ctrl-C or nobody has been there for a while."""

import asyncio
import os
import tempfile
import webbrowser
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..Core.Results import FileNames
from .Folder import WorkFolder
from .Security import TOKEN, guard, newToken

if TYPE_CHECKING:
    from aiohttp import web

    from .Page import Page

_HOST = "127.0.0.1"
_IDLE_SECONDS = 3600
_CHUNK = 1 << 20


def serve(
    folder: Path,
    volumes: tuple[str, str] | None = None,
    isUploadAllowed: bool = False,
    port: int = 0,
    opensBrowser: bool = True,
    idleSeconds: int = _IDLE_SECONDS,
    ready: Callable[[str], None] = print,
) -> None:
    """Serve the page until it is ended.

    :param folder: outside of which the page reads and writes nothing.
    :param volumes: CT and MRI in it to open at once, by name.
    :param ready: is told the address, which holds the token.
    """
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkOSOpenGLRenderWindow")
    os.environ["WSLINK_READY_MSG"] = ""
    from trame.app import get_server

    from .Cards import buildPage
    from .Page import Page
    from .Views import Views

    server = get_server(client_type="vue3")
    token = newToken()
    page = Page(server, Views(server), WorkFolder(folder.resolve()))
    buildPage(server, page, isUploadAllowed)

    def bind(wslinkServer: object) -> None:
        app = wslinkServer.app
        app.middlewares.append(guard(token, lambda: server.port))
        app.router.add_get("/report.html", lambda _: _report(page))
        app.router.add_get("/results.zip", lambda request: _zip(request, page))
        if isUploadAllowed:
            app.router.add_post("/upload", lambda request: _upload(request, page))

    def started(**_state: object) -> None:
        address = f"http://{_HOST}:{server.port}/?{TOKEN}={token}"
        ready(address)
        if opensBrowser:
            webbrowser.open(address)
        if volumes is not None:
            asyncio.get_event_loop().create_task(page.openVolumes(*volumes))

    server.controller.on_server_bind.add(bind)
    server.controller.on_server_ready.add(started)
    server.start(
        host=_HOST,
        port=port,
        open_browser=False,
        show_connection_info=False,
        disable_logging=True,
        timeout=idleSeconds,
        exec_mode="main",
    )


async def _report(page: "Page") -> "web.StreamResponse":
    from aiohttp import web

    folder = page.savedFolder
    if folder is None:
        return web.Response(status=404, text="Save the results first.")
    return web.FileResponse(folder / FileNames.REPORT)


async def _zip(request: "web.Request", page: "Page") -> "web.StreamResponse":
    """Send the saved folder as one file."""
    from aiohttp import web

    folder = page.savedFolder
    if folder is None:
        return web.Response(status=404, text="Save the results first.")
    headers = {"Content-Type": "application/zip", "Content-Disposition": f'attachment; filename="{folder.name}.zip"'}
    response = web.StreamResponse(headers=headers)
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # the files are compressed themselves
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
        file.seek(0)
        await response.prepare(request)
        while chunk := file.read(_CHUNK):
            await response.write(chunk)
    await response.write_eof()
    return response


async def _upload(request: "web.Request", page: "Page") -> "web.StreamResponse":
    """Take one file into the folder, whole or not at all."""
    from aiohttp import web

    reader = await request.multipart()
    part = await reader.next()
    if part is None or part.filename is None:
        return web.Response(status=400, text="Choose a file.")
    try:
        path = page.folder.forUpload(part.filename, request.content_length or 0)
        with tempfile.NamedTemporaryFile(dir=page.folder.path, prefix=".upload-", delete=False) as partial:
            size = 0
            try:
                while chunk := await part.read_chunk(_CHUNK):
                    size += len(chunk)
                    page.folder.forUpload(part.filename, size)
                    partial.write(chunk)
                os.link(partial.name, path)  # never over a file that came to exist
            finally:
                os.unlink(partial.name)
    except ValueError as error:
        return web.Response(status=400, text=str(error))
    except OSError as error:
        return web.Response(status=400, text=f"{part.filename} could not be stored ({error.strerror}).")
    page.refresh()
    return web.Response(text=f"{path.name} is there.")
