"""A document in, the stretches of it that may hold a cautionary passage out.

A 10-K is megabytes and its cautionary passage a page, so the order of work is what makes it fast: look for rare fragments
of cue phrases in the undecoded source, confirm each by the few characters around it, and fold only there. The fragments
are chosen to survive tags, entities and line ends between the words of a phrase, since none of them holds two words.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from risk_clf.reading.document import Document, Part
from risk_clf.reading.folding import Folded, Markup, fold
from risk_clf.spans import Span

BEFORE = 2_000  # folded characters kept before the first cue of a candidate: a heading and a lead-in
AFTER = 8_000  # folded characters kept after the last cue: the longest list known without one is 6,000


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A stretch of a part, folded; `cues` lie in the folded text, whose first and last lines are whole."""

    folded: Folded
    part: Part
    cues: tuple[Span, ...]


def candidates(document: Document) -> Iterator[Candidate]:
    """Give the stretches of a document that hold a cue phrase, in reading order; none overlaps another.

    Offsets of the folded text are those of `document.source`. A document without a cue gives nothing.
    """
    source = document.source
    if not document.parts:
        return
    hits = _hits(source, document.parts[0].span.start, document.parts[-1].span.end)
    for part in document.parts:
        within = hits[bisect_left(hits, part.span.start) : bisect_right(hits, part.span.end)]
        confirmed = [hit for hit in within if _is_cue(source, hit, part)]
        for window in _windows(source, confirmed, part):
            folded = fold(source, window.start, window.end, part.markup)
            if cues := tuple(Span(*match.span()) for match in _CUE.finditer(folded.text)):
                yield Candidate(folded, part, cues)


# --- Cues -------------------------------------------------------------------------------------------------------------

# Pieces of one word of a cue phrase, each a pass over the source at about 2 GB/s: as few as find every known passage.
_FRAGMENTS = ("ooking", "LOOKING", "aterially", "autionary")

# Takes "forward-looking", "differ materially", "risks and uncertainties", leaves "looking forward" and "materially lower".
_CUE = re.compile(
    r"forward\s?[-–—]?\s?looking|safe[\s-]harbou?r|litigation reform act"
    r"|cautionary\s(?:statement|note|language|factor|disclosure|information|advice|remark|comment)"
    r"|(?:differ|vary|deviate|depart|diverge)\w{0,4}(?:\s(?:from|significantly|and|or|substantially|adversely|possibly|perhaps))*"
    r",?\smaterially|materially(?:\s(?:and|or|adversely|substantially))*,?\s(?:differ|vary|deviate)"
    r"|risks?(?:,|\sand|\sor)\s(?:\w+\s){0,2}uncertaint"
    r"|cause\s(?:\w+[\s-]){0,4}(?:results|events|outcomes)",
    re.IGNORECASE,
)
_NEAR = 60  # folded characters around a fragment that its cue phrase fits in
_REACH = 400  # characters of source that _NEAR may take up, tags between its words included
_TAGS = re.compile(r"<[^<>]*>|\\[nrt]|\\u00a0|&(?:nbsp|#160|shy|#173|#xA0);|[\r\n\t\xa0]")
_HYPHENS = re.compile(r"&#(?:8208|8209|45|x2010|x2011|150|151|8211);|\\u201[0134]|&[nm]dash;|[\xad\u2010\u2011]|\s+")


def _hits(source: str, start: int, end: int) -> list[int]:
    found: list[int] = []
    for fragment in _FRAGMENTS:
        position = source.find(fragment, start, end)
        while position >= 0:
            found.append(position)
            position = source.find(fragment, position + len(fragment), end)
    found.sort()
    return found


def _is_cue(source: str, hit: int, part: Part) -> bool:
    """Confirm a fragment by what stands around it."""
    near = source[max(part.span.start, hit - 24) : min(part.span.end, hit + 24)]
    if _STRONG.search(near):
        return True
    return _STRONG.search(_around(source, hit, part)) is not None


def _around(source: str, hit: int, part: Part) -> str:
    before = source[max(part.span.start, hit - _REACH) : hit]
    after = source[hit : min(part.span.end, hit + _REACH)]
    if part.markup is Markup.HTML:
        before = before[before.find(">") + 1 :] if before.find("<") > before.find(">") >= 0 else before
    before, after = (_HYPHENS.sub(" ", _TAGS.sub(" ", text)) for text in (before, after))
    return before[-_NEAR:] + after[:_NEAR]


# Takes the phrases that open a candidate, between leftovers of markup; leaves "looking forward to".
_STRONG = re.compile(
    r"forward\W{0,3}looking"
    r"|(?:differ|vary|varied|deviate|depart|diverge)[a-z]{0,4}\W+(?:[a-z]+\W+){0,2}materially"
    r"|materially\W+(?:[a-z]+\W+){0,2}(?:differ|vary|deviate)"
    r"|cautionary\W+(?:statement|note|language|factor|disclosure|information|advice|remark|comment)",
    re.IGNORECASE,
)


# --- Windows ----------------------------------------------------------------------------------------------------------

# Takes a tag at which a paragraph, list item or table row begins or ends, leaves a cell's.
_BLOCK_TAG = re.compile(r"</?(?:p|div|tr|li|ul|ol|table|h[1-6]|hr|center|blockquote)\b", re.IGNORECASE)
_BLANK_LINE = re.compile(r"\n[ \t\r]*(?=\n)|\r[ \t]*(?=\r)")
_NEWLINE = re.compile(r"[\r\n]")
_JSON_LINE = re.compile(r"\\n")
_ALIGN = 20_000  # characters of source in which a paragraph's end is looked for
_MAX_DENSITY = 12.0  # characters of source to a folded one; where there are more, it is tables
_DENSITY_SAMPLE = 6_000  # characters of source
_TAG = re.compile(r"<[^<>]*>")


def _windows(source: str, cues: list[int], part: Part) -> Iterator[Span]:
    """Widen each cue to the lines around it and merge what meets."""
    if not cues:
        return
    span, markup = part.span, part.markup
    start = end = -1
    for cue in cues:
        density = _density(source, cue, part) if markup is Markup.HTML else 1.2
        from_ = max(span.start, cue - int(BEFORE * density))
        to = min(span.end, cue + int(AFTER * density))
        if start < 0:
            start, end = from_, to
        elif from_ <= end:
            end = max(end, to)
        else:
            yield _aligned(source, start, end, part)
            start, end = max(from_, end), to
    yield _aligned(source, start, end, part)


def _density(source: str, cue: int, part: Part) -> float:
    sample = source[cue : min(part.span.end, cue + _DENSITY_SAMPLE)]
    n_shown = len(_TAG.sub("", sample))
    return min(_MAX_DENSITY, len(sample) / max(1, n_shown))


def _aligned(source: str, start: int, end: int, part: Part) -> Span:
    """Move both ends of a window forward to where a paragraph begins."""
    return Span(_next_edge(source, start, part), _next_edge(source, end, part))


def _next_edge(source: str, position: int, part: Part) -> int:
    if position in (part.span.start, part.span.end):
        return position
    limit = min(part.span.end, position + _ALIGN)
    edges = {Markup.HTML: (_BLOCK_TAG,), Markup.JSON: (_JSON_LINE,)}.get(part.markup, (_BLANK_LINE, _NEWLINE))
    for edge in edges:
        if match := edge.search(source, position, limit):
            return match.start() if part.markup is Markup.HTML else match.end()
    return limit if limit == part.span.end else position
