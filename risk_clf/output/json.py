"""Analyses and labellings in, JSON out: one object, or one factor a line.

What a filing holds cannot break what is written: there is no NaN, and what UTF-8 has no bytes for or a terminal would
obey is escaped. Probabilities are rounded to six places, so that the same reading gives the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from risk_clf.model.model import Model
from risk_clf.reading.analysis import AnalysedPassage, Analysis, LabelledFactor
from risk_clf.reading.labels import Labelling
from risk_clf.reading.mix import Share

ANALYSIS_SCHEMA = "risk-clf/analysis@1"
LABELS_SCHEMA = "risk-clf/labels@1"
PLACES = 6
"""Decimals of a probability or share."""

Record = dict[str, Any]

# Takes DEL, C1 controls, line separators, marks that turn the direction of text, lone surrogates; leaves "é" and "\n".
_UNSAFE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def encode(value: Any, *, indent: int | None = None) -> str:
    r"""Write `value` as JSON, of which every code point has its UTF-8.

    Example:
        >>> print(encode({"text": "café \ud800"}))
        {"text": "café \ud800"}
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def analysis_record(analysis: Analysis) -> Record:
    """Give an analysis as plain values; starts and ends are code points of the decoded source, half-open."""
    return {
        "schema": ANALYSIS_SCHEMA,
        "source": analysis.document.name,
        "sha256": analysis.document.sha256,
        "model": {"name": analysis.model_name, "digest": analysis.model_digest},
        "passages": [_passage_record(passage) for passage in analysis.passages],
        "mix": {
            "n_factors": analysis.mix.n_factors,
            "labels": _shares(analysis.mix.labels),
            "groups": _shares(analysis.mix.groups),
        },
    }


def factor_records(analysis: Analysis) -> Iterator[Record]:
    """Give a record for each factor of an analysis; `passage` counts from 1."""
    for number, passage in enumerate(analysis.passages, 1):
        for factor in passage.factors:
            yield {"source": analysis.document.name, "passage": number, **_factor_record(factor)}


def labels_record(texts: Sequence[str], labellings: Sequence[Labelling], model: Model) -> Record:
    """Give labelled factors as plain values."""
    return {
        "schema": LABELS_SCHEMA,
        "model": {"name": model.name, "digest": model.digest},
        "factors": list(labelling_records(texts, labellings)),
    }


def labelling_records(texts: Sequence[str], labellings: Sequence[Labelling]) -> Iterator[Record]:
    """Give a record for each labelled text."""
    for text, labelling in zip(texts, labellings, strict=True):
        yield {"text": text, **_labelling_record(labelling)}


def _passage_record(passage: AnalysedPassage) -> Record:
    return {
        "start": passage.span.start,
        "end": passage.span.end,
        "probability": _rounded(passage.probability),
        "factors": [_factor_record(factor) for factor in passage.factors],
        "pieces": [
            {"role": piece.role.value, "start": piece.span.start, "end": piece.span.end} for piece in passage.pieces
        ],
    }


def _factor_record(factor: LabelledFactor) -> Record:
    return {
        "start": factor.span.start,
        "end": factor.span.end,
        "lines": list(factor.lines),
        "text": factor.text,
        **_labelling_record(factor.labelling),
    }


def _labelling_record(labelling: Labelling) -> Record:
    return {
        "labels": [{"label": given.label, "probability": _rounded(given.probability)} for given in labelling.labels],
        "status": labelling.status,
        "group": labelling.group,
    }


def _shares(shares: Sequence[Share]) -> Record:
    return {
        share.key: {"share": _rounded(share.share), "low": _rounded(share.low), "high": _rounded(share.high)}
        for share in shares
    }


def _rounded(value: float) -> float:
    return round(float(value), PLACES)
