"""Analyses and labellings in, CSV (RFC 4180) out, a row a factor.

A filing is a stranger's text and a spreadsheet runs what looks like a formula: a cell that begins with `=`, `+`, `-`,
`@`, a tab or a carriage return gets an apostrophe before it, which spreadsheets take as "this is text". Programs that
need the text to the character read the JSON.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from risk_clf.output.json import PLACES
from risk_clf.reading.analysis import Analysis
from risk_clf.reading.labels import Labelling

LABELLING_COLUMNS = ("text", "label", "probability", "labels", "status", "group")
ANALYSIS_COLUMNS = ("source", "passage", "start", "end", "first_line", "last_line", *LABELLING_COLUMNS)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | float | None


def analysis_rows(analysis: Analysis) -> Iterator[tuple[Cell, ...]]:
    """Give a row for each factor, of the cells of `ANALYSIS_COLUMNS`; passages and lines count from 1."""
    for number, passage in enumerate(analysis.passages, 1):
        for factor in passage.factors:
            place = (analysis.document.name, number, factor.span.start, factor.span.end, *factor.lines)
            yield (*place, *_labelling_cells(factor.text, factor.labelling))


def labelling_rows(texts: Sequence[str], labellings: Sequence[Labelling]) -> Iterator[tuple[Cell, ...]]:
    """Give a row for each labelled text, of the cells of `LABELLING_COLUMNS`."""
    for text, labelling in zip(texts, labellings, strict=True):
        yield _labelling_cells(text, labelling)


def encode(rows: Iterable[Sequence[Cell]]) -> str:
    r"""Write rows as CSV, lines ended by CR LF; None is an empty cell.

    Example:
        >>> encode([("=1+1", 2, 'a "b", c')])
        '\'=1+1,2,"a ""b"", c"\r\n'
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue()


def _labelling_cells(text: str, labelling: Labelling) -> tuple[Cell, ...]:
    main = labelling.labels[0] if labelling.labels else None
    return (
        text,
        main.label if main else None,
        round(main.probability, PLACES) if main else None,
        ";".join(given.label for given in labelling.labels),
        labelling.status,
        labelling.group,
    )


def _safe(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
