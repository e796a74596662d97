"""Requests to a server: $RANKSCOPE_TOKEN and $RANKSCOPE_PROJECT go along."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

_NOT_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_TEXTS = {"timestamp", "project", "job_id", "host", "stream", "level", "msg"}


class Refused(Exception):
    """The server's own word for what is wrong: `status` is the HTTP status."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Unreachable(Exception):
    """There was no answer; whether the request arrived is not known."""


def request(server, path, body=None, accept=None, timeout=None, token=None, **parameters):
    """The answer to GET, or with a body (bytes) POST: a file of lines, to be closed. Parameters that are None are left
    out. token: else $RANKSCOPE_TOKEN. Raises Refused and Unreachable."""
    parameters = {name: value for name, value in parameters.items() if value is not None}
    if os.environ.get("RANKSCOPE_PROJECT"):
        parameters.setdefault("project", os.environ["RANKSCOPE_PROJECT"])
    address = server.removeprefix("http://").rstrip("/")
    asked = urllib.request.Request(f"http://{address}{path}?{urllib.parse.urlencode(parameters)}", body)
    token = token or os.environ.get("RANKSCOPE_TOKEN")
    if token:
        asked.add_header("Authorization", "Bearer " + token)
    if accept:
        asked.add_header("Accept", accept)
    # Servers are asked directly: a proxy for the internet knows nothing of them.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(asked, timeout=timeout)
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(error.code, _message(error)) from None
    except (OSError, urllib.error.URLError) as error:
        raise Unreachable(f"no answer from the server at {server}: {getattr(error, 'reason', error)}") from None


class Incomplete(Exception):
    """The rows before are not all: a limit of the server, or damage."""


def check(row):
    """Raises Incomplete for a row of an answer that is none but says so."""
    if list(row) == ["_partial"]:
        raise Incomplete(row["_partial"]["message"])
    if list(row) == ["error"]:
        raise Incomplete(row["error"])


def values(row):
    """The row of JSON with NaN and infinities as floats."""
    return {name: value if name in _TEXTS or not isinstance(value, str) else _NOT_NUMBERS.get(value, value)
            for name, value in row.items()}


def quote(name):
    """As a part of a path."""
    return urllib.parse.quote(name, safe="")


def _message(error):
    try:
        return json.load(error)["error"]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}"
