"""A document in, its cautionary passages out, each with the way back to the source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk_clf.model.linear import TfidfHead, sigmoid
from risk_clf.reading.candidates import Candidate, candidates
from risk_clf.reading.document import Document, Part
from risk_clf.reading.folding import Folded
from risk_clf.spans import Span

CHANGE = 2.0
"""Cost, in log-odds, of going from cautionary lines to others or back: a weak line between sure ones is one of them."""


SHORTEST_PASSAGE = 100
"""Characters below which a run of cautionary lines is a heading, or its line in a table of contents."""


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """A cautionary passage: its folded text, its place in the source, how sure the locator is, and its part."""

    folded: Folded
    span: Span
    probability: float
    part: Part


def locate(document: Document, locator: TfidfHead) -> tuple[Passage, ...]:
    """Find the cautionary passages of a document, in reading order; none is a result too.

    A passage is a run of lines (paragraphs, list items) of which one at least holds a cue phrase.
    """
    return tuple(passage for candidate in candidates(document) for passage in _passages(candidate, locator))


def _passages(candidate: Candidate, locator: TfidfHead) -> list[Passage]:
    text = candidate.folded.text
    lines = line_spans(text)
    logits = locator.logits([line.of(text) for line in lines])[:, 0]
    cautionary = runs(logits)
    passages = []
    for first, last in cautionary:
        span = Span(lines[first].start, lines[last].end)
        if len(span) >= SHORTEST_PASSAGE and any(span.overlaps(cue) for cue in candidate.cues):
            weights = np.array([len(line) for line in lines[first : last + 1]])
            probability = float(np.average(sigmoid(logits[first : last + 1]), weights=weights))
            folded = candidate.folded.slice(span)
            passages.append(Passage(folded, candidate.folded.to_source(span), probability, candidate.part))
    return passages


def line_spans(text: str) -> list[Span]:
    """Give the lines of a folded text, breaks left out."""
    spans, start = [], 0
    for line in text.split("\n"):
        spans.append(Span(start, start + len(line)))
        start += len(line) + 1
    return spans


def runs(logits: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Find the runs of cautionary lines, first and last of each, with the best sum of log-odds less costs of change."""
    n = len(logits)
    scores = np.array([0.0, -CHANGE])
    back = np.zeros((n, 2), np.intp)
    for row in range(n):
        reached = scores[:, None] - CHANGE * (1 - np.eye(2))
        back[row] = reached.argmax(axis=0)
        scores = reached.max(axis=0) + np.array([0.0, logits[row]])
    state = int(scores[1] - CHANGE > scores[0])
    states = np.zeros(n + 2, np.intp)
    for row in range(n - 1, -1, -1):
        states[row + 1] = state
        state = back[row, state]
    edges = np.diff(states)
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))
