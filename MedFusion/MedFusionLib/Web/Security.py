"""Who may talk to the page's server: a browser on this machine that knows the token, and no page of others."""

import hmac
import secrets
from collections.abc import Awaitable, Callable

COOKIE = "medfusion"
TOKEN = "token"
# The framework compiles its templates in the browser, hence 'unsafe-eval'; nothing is fetched from elsewhere.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws://127.0.0.1:* ws://localhost:*; "
        "worker-src 'self' blob:; frame-ancestors 'none'; form-action 'self'; base-uri 'self'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def newToken() -> str:
    """Return a fresh secret for one run of the server."""
    return secrets.token_urlsafe(32)


def isKnown(given: str | None, token: str) -> bool:
    """Return whether somebody knows the token, compared in a time that does not tell how much of it is right."""
    return given is not None and hmac.compare_digest(given.encode(), token.encode())


def refusal(host: str | None, origin: str | None, given: str | None, token: str, port: int) -> str:
    """Return why a request is refused, empty if it is not.

    A foreign name for this machine (DNS rebinding) shows in the host, a page of somebody else in the origin.

    :param host: the request's Host header.
    :param origin: its Origin header, None where there is none, as for a page that the user opens.
    """
    hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
    if host not in hosts:
        return "The page answers only under 127.0.0.1 and localhost."
    if origin is not None and origin not in [f"http://{name}" for name in hosts]:
        return "The page does not answer other pages."
    if not isKnown(given, token):
        return "The address lacks the right token; open the address that medfusion web prints."
    return ""


def guard(token: str, port: Callable[[], int]) -> Callable[..., Awaitable[object]]:
    """Return the middleware that refuses strangers and sets the headers of every answer.

    :param port: returns the server's own port, which is known only once it listens.
    """
    from aiohttp import web

    @web.middleware
    async def middleware(request: web.Request, handler: Callable[..., Awaitable[web.StreamResponse]]) -> object:
        inAddress = request.query.get(TOKEN)
        given = inAddress or request.cookies.get(_cookieName(port()))
        reason = refusal(request.headers.get("Host"), request.headers.get("Origin"), given, token, port())
        if reason:
            response: web.StreamResponse = web.Response(status=403, text=reason)
        elif inAddress is not None:  # from now on the cookie tells, and the token is in no address that is kept
            response = web.HTTPFound("/index.html")
            response.set_cookie(_cookieName(port()), token, httponly=True, samesite="Strict", path="/")
        else:
            try:
                response = await handler(request)
            except web.HTTPException as exception:
                response = exception
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    return middleware


def _cookieName(port: int) -> str:
    """Return a name of its own for each server, for cookies do not tell ports apart."""
    return f"{COOKIE}-{port}"
