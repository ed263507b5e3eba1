r"""Analyses and labellings in, a page for people out.

Text is wrapped and never cut. A filing's own escape and control characters are shown (`\x1b`) and never sent: a
terminal would obey them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence

from risk_clf.reading.analysis import AnalysedPassage, Analysis
from risk_clf.reading.document import Document, line_of
from risk_clf.reading.factors import Piece, Role
from risk_clf.reading.folding import fold, one_line
from risk_clf.reading.labels import Labelling
from risk_clf.reading.mix import RiskMix, Share
from risk_clf.spans import Span

LEAST_WIDTH = 40
"""Columns below which the page would be all margin."""

LEAST_SHARE = 0.02
"""Labels and groups with less of the risk mix are counted, not listed."""

BAR_WIDTH = 30
"""Columns of the longest bar of the risk mix."""

Style = Callable[[str], str]


def shown(text: str) -> str:
    r"""Give `text` with every character that does not print written as its escape.

    Example:
        >>> print(shown("tariffs\x1b[2J and\ttaxes"))
        tariffs\x1b[2J and\ttaxes
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def analysis_text(analysis: Analysis, *, width: int, is_styled: bool = False) -> str:
    """Write an analysis: passages, their factors with labels, and the risk mix.

    Places are lines of the file, from 1; in a passage that is all on one line, characters of the source, from 0 and
    half-open.

    Args:
        analysis: one without a passage says so in one line.
        width: columns of the page; no less than `LEAST_WIDTH` is used.
        is_styled: whether to use bold and dim type by ANSI codes, for a terminal.
    """
    page = _Page(width, is_styled)
    name, n_passages = shown(analysis.document.name), len(analysis.passages)
    if not n_passages:
        return f"{page.bold(name)}: no cautionary passage found\n"
    counts = f"{_counted(n_passages, 'cautionary passage')}, {_counted(len(analysis.factors), 'risk factor')}"
    lines = [f"{page.bold(name)}: {counts} (model {shown(analysis.model_name)} {analysis.model_digest[:12]})"]
    for number, passage in enumerate(analysis.passages, 1):
        lines += ["", *_passage_lines(number, passage, analysis.document, page)]
    if analysis.mix.n_factors:
        lines += ["", *_mix_lines(analysis.mix, page)]
    return "\n".join(lines) + "\n"


def labellings_text(
    texts: Sequence[str], labellings: Sequence[Labelling], *, width: int, is_styled: bool = False
) -> str:
    """Write labelled factors, numbered from 1; none is an empty text."""
    page = _Page(width, is_styled)
    lines: list[str] = []
    for number, (text, labelling) in enumerate(zip(texts, labellings, strict=True), 1):
        lines += page.entry("", f"{number}. ", text)
        lines += page.entry("", " " * len(f"{number}. "), _labels(labelling), page.bold)
    return "".join(f"{line}\n" for line in lines)


class _Page:
    """Width and type of the page."""

    def __init__(self, width: int, is_styled: bool) -> None:
        self._width = max(width, LEAST_WIDTH)
        self._is_styled = is_styled

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._is_styled else text

    def dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._is_styled else text

    def entry(self, margin: str, head: str, text: str, style: Style = str) -> Iterator[str]:
        """Give the lines of `text`, wrapped to the right of `head`, with `margin` before the first of them."""
        room = max(self._width - len(margin) - len(head), LEAST_WIDTH // 2)
        for row, line in enumerate(textwrap.wrap(shown(text), room) or [""]):
            left = self.dim(margin) + head if row == 0 else " " * (len(margin) + len(head))
            yield (left + style(line)).rstrip()


def _passage_lines(number: int, passage: AnalysedPassage, document: Document, page: _Page) -> Iterator[str]:
    title = f"Passage {number}, {_lines(document, passage.span)}"
    place_of = _lines
    if line_of(document, passage.span.start) == line_of(document, passage.span.end):
        title += f", {_characters(document, passage.span)}"
        place_of = _characters  # HTML is often one line, which places nothing
    yield f"{page.bold(title)}, probability {passage.probability:.2f}"
    if not passage.factors:
        yield "  no risk factor in it"
    places = [place_of(document, piece.span) for piece in passage.pieces]
    margin = max(map(len, places), default=0) + 4
    factors = iter(passage.factors)
    n_seen = 0
    for piece, place in zip(passage.pieces, places, strict=True):
        left = f"  {place}".ljust(margin)
        if piece.role is Role.FACTOR:
            factor = next(factors)
            n_seen += 1
            head = f"{n_seen}. "
            yield from page.entry(left, head, factor.text)
            yield from page.entry(" " * margin, " " * len(head), _labels(factor.labelling), page.bold)
        else:
            yield from page.entry(left, "", _aside(piece, document), page.dim)


def _aside(piece: Piece, document: Document) -> str:
    """Name a piece that is no factor, with its words where they carry weight of their own."""
    name = piece.role.value.replace("_", "-")
    if piece.role not in (Role.LEAD_IN, Role.CATCH_ALL):
        return f"({name})"
    markup = next(part.markup for part in document.parts if part.span.contains(piece.span))
    words = one_line(fold(document.source, piece.span.start, piece.span.end, markup).text)
    return f"({name}) {words}"


def _labels(labelling: Labelling) -> str:
    if labelling.labels:
        return ", ".join(f"{given.label} {given.probability:.2f}" for given in labelling.labels)
    return f"uncertain, of group {labelling.group}" if labelling.group else "uncertain"


def _lines(document: Document, span: Span) -> str:
    first, last = line_of(document, span.start), line_of(document, max(span.start, span.end - 1))
    return f"l. {first}" if first == last else f"l. {first}-{last}"


def _characters(document: Document, span: Span) -> str:
    return f"ch. {span.start}-{span.end}"


def _mix_lines(mix: RiskMix, page: _Page) -> Iterator[str]:
    yield page.bold(f"Risk mix of {_counted(mix.n_factors, 'factor')}") + ": share and 95 % interval"
    key_width = max(len(share.key) for share in (*mix.labels, *mix.groups))
    for name, shares in (("label", mix.labels), ("group", mix.groups)):
        yield ""
        ordered = sorted(shares, key=lambda share: -share.share)
        listed = [share for share in ordered if share.share >= LEAST_SHARE]
        largest = max(ordered[0].share, LEAST_SHARE)
        yield from (_bar(share, key_width, largest) for share in listed)
        if rest := len(shares) - len(listed):
            yield f"  {_counted(rest, name)} below {LEAST_SHARE:.0%}"


def _bar(share: Share, key_width: int, largest: float) -> str:
    bar = "#" * max(1, round(BAR_WIDTH * share.share / largest))
    interval = f"{100 * share.low:.0f}-{100 * share.high:.0f}"
    return f"  {share.key:<{key_width}} {share.share:>4.0%}  {interval:>7}  {bar}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
