"""Asking a server: rows of what the query language finds (docs/query.md)."""

import json
import os
import warnings

from rankscope import _http


class QueryError(Exception):
    """What the server says is wrong with a query, or why there is no answer."""


class PartialAnswer(UserWarning):
    """The query met a limit of the server: there are more rows than these."""


_COUNTS = {"attempt", "node_rank", "rank", "local_rank", "seq", "step"}


def query(text, *, start=None, end=None, limit=None, server=None, project=None, token=None,
          frame=None):
    """The rows that a query finds: a pandas DataFrame where pandas is installed, else a list of dicts.

    start, end: a half-open range of times (a datetime with a zone, RFC 3339, or a duration back, as "10m").
    limit: the first so many rows. server: "HOST:PORT", else $RANKSCOPE_SERVER, else the local one. project, token:
    else $RANKSCOPE_PROJECT and $RANKSCOPE_TOKEN. frame: True for a DataFrame, False for dicts.

    NaN and infinities are floats, `timestamp` is a text. A DataFrame has datetimes, whole numbers of rank, step and
    their like also where some rows lack them (Int64), and the columns that some row has. Raises QueryError; warns with
    PartialAnswer.
    """
    rows = list(_rows(text, start, end, limit, server or _server(), project, token))
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
    for name in _COUNTS.intersection(table.columns):
        whole = table[name].dtype.kind == "f" and (table[name].dropna() % 1 == 0).all()
        if whole:  # what pandas makes of numbers of which some are missing
            table[name] = table[name].astype("Int64")
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


def _rows(text, start, end, limit, server, project, token):
    parameters = {"query": text, "limit": limit, "project": project}
    for name, time in (("start", start), ("end", end)):
        parameters[name] = time.isoformat() if hasattr(time, "isoformat") else time
    try:
        with _http.request(server, "/api/v1/query", token=token, **parameters) as answer:
            for line in answer:
                yield from _row(json.loads(line))
    except (_http.Refused, _http.Unreachable) as error:
        raise QueryError(str(error)) from None


def _row(row):
    if list(row) == ["_partial"]:
        warnings.warn(row["_partial"]["message"], PartialAnswer, stacklevel=4)
    elif list(row) == ["error"]:
        raise QueryError(row["error"])
    else:
        yield _http.values(row)
