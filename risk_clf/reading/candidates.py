"""A document in, the stretches of it that may hold a cautionary passage out.

A 10-K is megabytes and its cautionary passage a page, so the order of work is what makes it fast: look for rare
fragments of cue phrases in the undecoded source, confirm each by the few characters around it, and fold only there. The
fragments survive tags, entities and line ends between the words of a phrase, since each lies within one word.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from risk_clf.reading.document import Document, Part
from risk_clf.reading.folding import Folded, Markup, fold
from risk_clf.spans import Span

BEFORE = 1_000  # folded characters kept before the first cue of a candidate: a heading and a lead-in
AFTER = 2_500  # folded characters kept after the last cue, and once more for as long as they end inside a list


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
        windows = _windows(source, confirmed, part)
        for index, window in enumerate(windows):
            if window is None:
                continue
            folded = fold(source, window.start, window.end, part.markup)
            while window.end < part.span.end and _ends_in_list(folded.text):
                window = _extended(source, windows, index, window, part)
                folded = fold(source, window.start, window.end, part.markup)
            inside = confirmed[bisect_left(confirmed, window.start) : bisect_left(confirmed, window.end)]
            if cues := tuple(_folded_cues(folded, inside)):
                yield Candidate(folded, part, cues)


# --- Cues -------------------------------------------------------------------------------------------------------------

# Pieces of one word of a cue phrase, each a pass over the source at about 2 GB/s: as few as find every known passage.
_FRAGMENTS = ("ooking", "LOOKING", "aterially")

_COMPANIONS = ("ward", "iffer", "vary", "varie", "eviat", "epart", "iverg")  # one is in every cue phrase
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
    """Confirm a fragment by what stands around it, dearer looks last."""
    near = source[max(part.span.start, hit - 24) : min(part.span.end, hit + 24)]
    if _CUE.search(near):
        return True
    before = source[max(part.span.start, hit - _REACH) : hit]
    after = source[hit : min(part.span.end, hit + _REACH)]
    around = (before + after).lower()
    if not any(word in around for word in _COMPANIONS):
        return False
    if part.markup is Markup.HTML and before.find("<") > before.find(">") >= 0:
        before = before[before.find(">") + 1 :]
    for gap in (" ", ""):  # a tag may part two words or stand inside one
        old, new = (_HYPHENS.sub(" ", _TAGS.sub(gap, text)) for text in (before, after))
        if _CUE.search(old[-_NEAR:] + new[:_NEAR]):
            return True
    return False


def _folded_cues(folded: Folded, hits: list[int]) -> Iterator[Span]:
    """Find the cue phrases in the folded text that the hits in the source are part of."""
    done = 0
    for hit in hits:
        place = folded.from_source(Span(hit, hit + 1)).start
        for match in _CUE.finditer(folded.text, max(done, place - _NEAR), place + _NEAR):
            if match.start() <= place < match.end():
                yield Span(*match.span())
                done = match.end()
                break


# Takes "forward-looking", "differ materially", "materially different from", leaves "looking forward to".
_CUE = re.compile(
    r"forward\W{0,3}looking"
    r"|(?:differ|vary|varied|deviate|depart|diverge)[a-z]{0,4}\W+(?:[a-z]+\W+){0,2}materially"
    r"|materially\W+(?:[a-z]+\W+){0,2}(?:differ(?:ent\W+(?:results\W+)?(?:from|than)|ing)?\b|vary|deviate)",
    re.IGNORECASE,
)


# --- Windows ----------------------------------------------------------------------------------------------------------

# Takes a tag at which a paragraph, list item or table row begins or ends, leaves a cell's.
_BLOCK_TAG = re.compile(r"</?(?:p|div|tr|li|ul|ol|table|h[1-6]|hr|center|blockquote)\b", re.IGNORECASE)
_BLANK_LINE = re.compile(r"\n[ \t\r]*(?=\n)|\r[ \t]*(?=\r)")
_NEWLINE = re.compile(r"[\r\n]")
_JSON_LINE = re.compile(r"\\n")
_SPACE = re.compile(r"\s")
# Where a window may begin and end, best first; what follows the first is for text without it, as in a long <pre>.
_EDGES = {
    Markup.HTML: (_BLOCK_TAG, _BLANK_LINE, _NEWLINE, _SPACE),
    Markup.JSON: (_JSON_LINE, _SPACE),
    Markup.TEXT: (_BLANK_LINE, _NEWLINE, _SPACE),
    Markup.MARKDOWN: (_BLANK_LINE, _NEWLINE, _SPACE),
    Markup.LINES: (_NEWLINE, _SPACE),
}
# Takes the line of a list item that shows it, leaves prose.
_LIST_LINE = re.compile(r"(?:[•·*\-–—]|--|- --|o|\((?:[0-9]{1,3}|[a-z]|[ivx]{1,5})\)|[0-9]{1,2}[.)]) ")
_ALIGN = 20_000  # characters of source in which a paragraph's end is looked for
_MAX_DENSITY = 12.0  # characters of source to a folded one; where there are more, it is tables
_DENSITY_SAMPLE = 6_000  # characters of source
_TAG = re.compile(r"<[^<>]*>")


def _windows(source: str, cues: list[int], part: Part) -> list[Span | None]:
    """Widen each cue to the lines around it and merge what meets."""
    span = part.span
    windows: list[Span | None] = []
    start = first = end = sampled_at = -1
    density = 1.0
    for cue in cues:
        if sampled_at < 0 or cue > sampled_at + _DENSITY_SAMPLE // 2:
            sampled_at, density = cue, _density(source, cue, part)
        from_ = max(span.start, cue - int(BEFORE * density))
        to = min(span.end, cue + int(AFTER * density))
        if start >= 0 and from_ > end:
            _put(windows, _aligned(source, start, first, end, part))
            start = -1
        if start < 0:
            start, first = from_, cue
        end = max(end, to)
    if start >= 0:
        _put(windows, _aligned(source, start, first, end, part))
    return windows


def _put(windows: list[Span | None], window: Span) -> None:
    """Add a window, as part of the last one where the two overlap."""
    last = windows[-1] if windows else None
    if last is not None and window.start < last.end:
        windows[-1] = Span(last.start, max(last.end, window.end))
    else:
        windows.append(window)


def _ends_in_list(text: str) -> bool:
    """Ask whether one of the last lines is a list item, so that more of them may follow."""
    return any(
        _LIST_LINE.match(line) or line.endswith((";", "; and", "; or")) for line in text[-3_000:].split("\n")[-2:]
    )


def _extended(source: str, windows: list[Span | None], index: int, window: Span, part: Part) -> Span:
    """Lengthen a window, and swallow the later ones that it reaches."""
    # By a half of itself at least, so that a list of any length is folded in linear time.
    step = max(int(AFTER * _density(source, window.end, part)), len(window) // 2)
    end = min(part.span.end, window.end + step)
    end = max(_next_edge(source, end, part), window.end + 1)
    for later in range(index + 1, len(windows)):
        other = windows[later]
        if other is not None:
            if other.start >= end:
                break
            end = max(end, other.end)
            windows[later] = None
    return Span(window.start, end)


def _density(source: str, cue: int, part: Part) -> float:
    """Estimate how many characters of source there are to a folded one from `cue` on."""
    if part.markup is not Markup.HTML:
        return 1.2  # white space and escapes
    sample = source[cue : min(part.span.end, cue + _DENSITY_SAMPLE)]
    n_shown = len(_TAG.sub("", sample))
    return min(_MAX_DENSITY, len(sample) / max(1, n_shown))


def _aligned(source: str, start: int, cue: int, end: int, part: Part) -> Span:
    """Move both ends of a window to where a paragraph begins, the start never past the first cue."""
    edge = _next_edge(source, start, part)
    if edge > cue:
        edge = _previous_edge(source, start, part)
    return Span(edge, _next_edge(source, end, part))


def _next_edge(source: str, position: int, part: Part) -> int:
    if position in (part.span.start, part.span.end):
        return position
    limit = min(part.span.end, position + _ALIGN)
    for edge in _EDGES[part.markup]:
        if match := edge.search(source, position, limit):
            return match.start() if edge is _BLOCK_TAG else match.end()
    return limit


def _previous_edge(source: str, position: int, part: Part) -> int:
    lowest = max(part.span.start, position - _ALIGN)
    for edge in _EDGES[part.markup]:
        reach = 1_000  # characters of source, widened until an edge is found
        while True:
            from_ = max(lowest, position - reach)
            if matches := list(edge.finditer(source, from_, position)):
                return matches[-1].start() if edge is _BLOCK_TAG else matches[-1].end()
            if from_ == lowest:
                break
            reach *= 4
    return lowest
