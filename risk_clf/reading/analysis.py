"""The whole reading of one disclosure: bytes to passages, factors, labels and mix. Everything else calls this."""

from __future__ import annotations

from dataclasses import dataclass

from risk_clf.model.model import Model
from risk_clf.reading.document import Document, line_of
from risk_clf.reading.factors import Piece, Role, segment
from risk_clf.reading.folding import fold, one_line
from risk_clf.reading.labels import Labelling, label
from risk_clf.reading.mix import RiskMix, mix
from risk_clf.reading.passages import Passage, locate
from risk_clf.spans import Span


@dataclass(frozen=True, slots=True)
class LabelledFactor:
    """A risk factor: its place in the source, its first and last line there (from 1), its folded text on one line,
    and its labels."""

    span: Span
    lines: tuple[int, int]
    text: str
    labelling: Labelling


@dataclass(frozen=True, slots=True)
class AnalysedPassage:
    """A passage, its pieces and its labelled factors; all spans in characters of the source, in reading order."""

    span: Span
    probability: float
    pieces: tuple[Piece, ...]
    factors: tuple[LabelledFactor, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a model reads in a disclosure."""

    document: Document
    model_name: str
    model_digest: str
    passages: tuple[AnalysedPassage, ...]
    mix: RiskMix

    @property
    def factors(self) -> tuple[LabelledFactor, ...]:
        """All factors of all passages."""
        return tuple(factor for passage in self.passages for factor in passage.factors)


def analyze(document: Document, model: Model, *, as_passage: bool = False) -> Analysis:
    """Read a disclosure.

    Args:
        document: as decoded.
        model: as loaded.
        as_passage: take the whole document as one passage instead of locating them.
    """
    passages = _whole(document) if as_passage else locate(document, model.locator)
    texts = [passage.folded.text for passage in passages]
    analysed = tuple(
        _analysed(document, model, passage, pieces)
        for passage, pieces in zip(passages, segment(texts, model.segmenter), strict=True)
    )
    labellings = [factor.labelling for passage in analysed for factor in passage.factors]
    return Analysis(document, model.name, model.digest, analysed, mix(labellings, model.taxonomy))


def _whole(document: Document) -> tuple[Passage, ...]:
    passages = []
    for part in document.parts:
        folded = fold(document.source, part.span.start, part.span.end, part.markup)
        if folded.text:
            passages.append(Passage(folded, folded.to_source(Span(0, len(folded.text))), 1.0, part))
    return tuple(passages)


def _analysed(document: Document, model: Model, passage: Passage, pieces: tuple[Piece, ...]) -> AnalysedPassage:
    folded = passage.folded
    spans = [piece.span for piece in pieces if piece.role is Role.FACTOR]
    texts = [one_line(span.of(folded.text)) for span in spans]
    factors = []
    for span, text, labelling in zip(spans, texts, label(texts, model), strict=True):
        place = folded.to_source(span)
        lines = (line_of(document, place.start), line_of(document, place.end - 1))
        factors.append(LabelledFactor(place, lines, text, labelling))
    placed = tuple(Piece(piece.role, folded.to_source(piece.span)) for piece in pieces)
    return AnalysedPassage(passage.span, passage.probability, placed, tuple(factors))
