"""Turns a statement that is run once for each row of values into one for all rows.

`INSERT … VALUES (?, ?)` becomes `INSERT … SELECT v.p1, v.p2 FROM unnest($1, $2) AS v (p1, p2)`,
and the others are joined with such rows in the same way: one statement for a batch, whose values
are sent as one array for each column. Rows of one call concern different rows of the table, as
everywhere in this package. What updates on a conflict, or returns something, stays as it is.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import count
from typing import Any

_MARK = re.compile(r"\?(\d*)")
_INSERT = re.compile(r"(INSERT INTO \w+ \([^()]*\)) VALUES \(([^()]*)\)(?P<rest>.*)", re.DOTALL)
_WHERE = re.compile(
    r"(?P<head>(?P<verb>UPDATE|DELETE FROM|INSERT INTO) (?:(?! WHERE ).)*?)"
    r" WHERE (?P<rest>.*)",
    re.DOTALL,
)
_JOINS = {"UPDATE": " FROM", "DELETE FROM": " USING", "INSERT INTO": ","}
_ONE_BY_ONE = ("DO UPDATE", "RETURNING")


def for_all(sql: str, rows: Sequence[Sequence[object]]) -> tuple[str, list[object]] | None:
    """Return the statement for all `rows` and its values, one array for each column that has any.

    None when there is no such statement.
    """
    made = _made(sql)
    if made is None:
        return None
    columns = [_column(values) for values in zip(*rows, strict=True)]
    arrays = [column for column in columns if column is not None]
    return made(tuple(column is not None for column in columns)), [*arrays, len(rows)]


@cache
def _made(sql: str) -> Callable[[tuple[bool, ...]], str] | None:
    """Return what makes the statement, given which columns have values."""
    if any(word in sql for word in _ONE_BY_ONE):
        return None
    number = count(1)
    named = _MARK.sub(lambda found: f"<{found[1] or next(number)}>", sql)
    if inserted := _INSERT.fullmatch(named):
        head, marks, rest = inserted.groups()
        template = f"{head} SELECT {marks} FROM {{rows}}{rest}"
    elif joined := _WHERE.fullmatch(named):
        head, verb, rest = joined["head"], joined["verb"], joined["rest"]
        template = f"{head}{_JOINS[verb]} {{rows}} WHERE {rest}"
    else:
        return None
    return cache(lambda given: _filled(template, given))


def _filled(template: str, given: tuple[bool, ...]) -> str:
    """Name each value of a row; a column without values is NULL, whatever its type."""
    positions = [number for number, has_values in enumerate(given, start=1) if has_values]
    names = [f"p{number}" for number in positions]
    arrays = [f"${index}" for index, _ in enumerate(positions, start=1)]
    # they are counted, so that there are as many rows when no column has values
    functions = [
        *(f"unnest({each})" for each in arrays),
        f"generate_series(1, ${len(arrays) + 1})",
    ]
    source = f"ROWS FROM ({', '.join(functions)}) AS v ({', '.join((*names, 'number'))})"
    return re.sub(
        r"<(\d+)>",
        lambda found: f"v.p{found[1]}" if given[int(found[1]) - 1] else "NULL",
        template.replace("{rows}", source),
    )


def _column(values: Iterable[Any]) -> list[Any] | None:
    """Return values of one type, None if there are none."""
    column = list(values)
    kinds = {type(value) for value in column if value is not None}
    if not kinds:
        return None
    if len(kinds) == 1 and kinds <= {int, float, str, bytes}:
        return column
    one: Callable[[Any], Any] = str if all(issubclass(kind, str) for kind in kinds) else float
    return [None if value is None else one(value) for value in column]
