"""A passage's folded text in, its pieces out: what is a risk factor, a catch-all, and what stands around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from risk_clf.model.atoms import cut_atoms
from risk_clf.model.tagger import CATCH_ALL, FACTOR, OUTSIDE, Tagger, best_path, layout_features, list_places
from risk_clf.spans import Span


class Role(StrEnum):
    """What a stretch of a passage is."""

    LEAD_IN = "lead_in"
    FACTOR = "factor"
    CATCH_ALL = "catch_all"
    BETWEEN = "between"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a passage and its role; `span` in characters of the passage's folded text."""

    role: Role
    span: Span


def segment(texts: Sequence[str], tagger: Tagger) -> tuple[tuple[Piece, ...], ...]:
    """Cut folded passage texts into pieces, in reading order, first to last word of each.

    Pieces never overlap, and what lies between two of them is delimiters: pieces and gaps give the text back. What is
        neither factor nor catch-all is the lead-in before the first of them, the closing after the last, and
        `between` elsewhere; where there is neither, the whole is lead-in. A text without words has no pieces.
    """
    atoms = cut_atoms(texts)
    if not len(atoms):
        return tuple(() for _ in texts)
    proba = tagger.probabilities(layout_features(atoms))
    places = list_places(atoms)
    bounds = np.searchsorted(atoms.passage, np.arange(len(texts) + 1))
    return tuple(
        _pieces(
            best_path(proba[first:last], places[first:last]),
            atoms.starts[first:last].tolist(),
            atoms.ends[first:last].tolist(),
        )
        for first, last in pairwise(bounds)
    )


def _pieces(tags: Sequence[int], starts: Sequence[int], ends: Sequence[int]) -> tuple[Piece, ...]:
    """Join atoms into pieces: a piece goes on while the tag says so, or while atoms stay outside."""
    roles = {FACTOR: Role.FACTOR, CATCH_ALL: Role.CATCH_ALL}
    named = [number for number, tag in enumerate(tags) if tag in roles]
    pieces: list[Piece] = []
    for number, (tag, start, end) in enumerate(zip(tags, starts, ends, strict=True)):
        if tag in roles:
            pieces.append(Piece(roles[tag], Span(start, end)))
        elif tag == OUTSIDE and (number == 0 or tags[number - 1] != OUTSIDE):
            role = (
                Role.LEAD_IN if not named or number < named[0] else Role.CLOSING if number > named[-1] else Role.BETWEEN
            )
            pieces.append(Piece(role, Span(start, end)))
        else:
            pieces[-1] = Piece(pieces[-1].role, Span(pieces[-1].span.start, end))
    return tuple(pieces)
