"""Asking a server: rows of what the query language finds (docs/query.md)."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
import warnings

_NOT_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_TEXTS = {"timestamp", "project", "job_id", "host", "stream", "level", "msg"}


class QueryError(Exception):
    """What the server says is wrong with a query, or why there is no answer."""


class PartialAnswer(UserWarning):
    """The query met a limit of the server: there are more rows than these."""


def query(text, *, start=None, end=None, limit=None, server=None, frame=None):
    """The rows that a query finds: a pandas DataFrame where pandas is installed, else a list of dicts.

    start, end: a half-open range of times (a datetime with a zone, RFC 3339, or a duration back, as "10m").
    limit: the first so many rows. server: "HOST:PORT", else $RANKSCOPE_SERVER, else the local one; $RANKSCOPE_TOKEN and
    $RANKSCOPE_PROJECT go along. frame: True for a DataFrame, False for dicts.

    NaN and infinities are floats, `timestamp` is a text (a DataFrame has datetimes). Raises QueryError; warns with
    PartialAnswer.
    """
    rows = list(_rows(text, start, end, limit, server or _server()))
    if frame is False:
        return rows
    try:
        import pandas
    except ImportError:
        if frame:
            raise
        return rows
    table = pandas.DataFrame(rows)
    if "timestamp" in table:
        table["timestamp"] = pandas.to_datetime(table["timestamp"], utc=True)
    return table


def _server():
    address = os.environ.get("RANKSCOPE_SERVER")
    if address:
        return address
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    try:
        with open(os.path.join(home, "rankscope", "server.json")) as file:
            return json.load(file)["http"]
    except (OSError, ValueError, KeyError):
        raise QueryError("no server: start one with `rankscope serve`, or name it with server= or "
                         "$RANKSCOPE_SERVER") from None


def _rows(text, start, end, limit, server):
    parameters = {"query": text, "limit": limit}
    for name, time in (("start", start), ("end", end)):
        parameters[name] = time.isoformat() if hasattr(time, "isoformat") else time
    parameters["project"] = os.environ.get("RANKSCOPE_PROJECT") or None
    parameters = {name: value for name, value in parameters.items() if value is not None}
    request = urllib.request.Request(f"http://{server}/api/v1/query?{urllib.parse.urlencode(parameters)}")
    if os.environ.get("RANKSCOPE_TOKEN"):
        request.add_header("Authorization", "Bearer " + os.environ["RANKSCOPE_TOKEN"])
    # Servers are asked directly: a proxy for the internet knows nothing of them.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as answer:
            for line in answer:
                yield from _row(json.loads(line))
    except urllib.error.HTTPError as error:
        with error:
            raise QueryError(_message(error)) from None
    except urllib.error.URLError as error:
        raise QueryError(f"no answer from the server at {server}: {error.reason}") from None


def _row(row):
    if list(row) == ["_partial"]:
        warnings.warn(row["_partial"]["message"], PartialAnswer, stacklevel=4)
    elif list(row) == ["error"]:
        raise QueryError(row["error"])
    else:
        yield {name: _value(name, value) for name, value in row.items()}


def _value(name, value):
    if isinstance(value, str) and name not in _TEXTS:
        return _NOT_NUMBERS.get(value, value)
    return value


def _message(error):
    try:
        return json.load(error)["error"]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}"
