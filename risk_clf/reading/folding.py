"""Marked-up source in, plain lines with a map back to the source out.

A fold is what a reader sees of a stretch of a document: tags stripped, entities decoded, quotes and spaces made plain,
hard-wrapped lines joined, page furniture inside a sentence left out, one paragraph or list item a line. The decision
that shaped it: every folded character keeps the half-open range of the source it stands for, so a place found in the
folded text is a place in the source and nothing is ever searched for again. Training passages and documents pass
through the same `fold`, so that a head sees at prediction what it saw in training.

Work is done on code points in numpy, and in Python only once per tag and per line.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from risk_clf.spans import Span


class Markup(StrEnum):
    """How a source is written; `LINES` is clean text in which every line break is one."""

    TEXT = "text"
    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"
    LINES = "lines"


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """Folded text and where each of its characters lies in the source.

    `starts` and `ends`, of shape `(len(text),)`, are the half-open source range of each character; both never fall.
    """

    text: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not len(self.text) == len(self.starts) == len(self.ends):
            raise ValueError("text, starts and ends differ in length")

    def to_source(self, span: Span) -> Span:
        """Give the source from the first to the last character of `span`; an empty span gives an empty one."""
        if span.end > len(self.text):
            raise ValueError(f"{span} reaches past the folded text of {len(self.text)} characters")
        if span.start < span.end:
            return Span(int(self.starts[span.start]), int(self.ends[span.end - 1]))
        if not self.text:
            return Span(0, 0)
        place = int(self.starts[span.start]) if span.start < len(self.text) else int(self.ends[-1])
        return Span(place, place)

    def from_source(self, span: Span) -> Span:
        """Give the folded characters that share a character with the source `span`."""
        start = int(np.searchsorted(self.ends, span.start, side="right"))
        end = int(np.searchsorted(self.starts, span.end, side="left"))
        return Span(start, max(start, end))

    def slice(self, span: Span) -> Folded:
        """Cut out the folded characters of `span`."""
        cut = np.s_[span.start : span.end]
        return Folded(self.text[cut], self.starts[cut], self.ends[cut])


def fold(source: str, start: int, end: int, markup: Markup) -> Folded:
    r"""Fold `source[start:end]` to plain lines; nothing stands before the first or after the last visible character.

    Left out, apart from markup: scripts, styles, heads, comments, hidden parts, page marks, and the page numbers and
    running heads beside a page mark. A stretch with nothing to see folds to an empty text.

    Example:
        >>> source = "<p>Cost&nbsp;of <b>f</b>uel</p><li>rain"
        >>> fold(source, 0, len(source), Markup.HTML).text
        'Cost of fuel\n• rain'
    """
    if not 0 <= start <= end <= len(source):
        raise ValueError(f"{start} to {end} is not a stretch of a text of {len(source)} characters")
    stream = _Stream()
    _TOKENIZERS[markup](source, start, end, stream)
    codes = _encode(stream.text())
    if markup is not Markup.HTML:
        codes = _plain_newlines(codes)
    codes = _folded_codes(codes)
    seen = None
    if not codes.all():
        seen = np.flatnonzero(codes)
        codes = codes[seen]
    rows = _rows(_decode(codes), markup)
    rows = _without_page_furniture(rows, markup, _RunningHeads(source, start, end, markup))
    while rows and rows[-1].text in ("•", "·"):
        rows.pop()
    return _assemble(rows, codes, _Places(stream, seen), markup)


def one_line(text: str) -> str:
    """Put a folded text on one line, as factors are labelled and shown."""
    return text.replace("\n", " ")


# --- Characters -------------------------------------------------------------------------------------------------------

# Marks put into the stream by the tokenizers: noncharacters of Unicode, which no text holds.
_BREAK, _PAGE, _WRAP, _SOFT = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3"

_TABLE_SIZE = 0x10000  # the basic plane; above it stand letters and signs that are kept as they are
_SPACES = "\t\x0b\x1c\x1d\x1e\x1f\x00\u1680\u3000\u00a0\u202f\u205f" + "".join(map(chr, range(0x2000, 0x200B)))
_FOLDED_TO = {
    " ": _SPACES + "".join(map(chr, [*range(0x01, 0x09), *range(0x0E, 0x1C), *range(0x7F, 0xA0)])),
    "'": "\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4\u0060",
    '"': "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb",
    "-": "\u2010\u2011",
    "•": "●▪■◦‣⁃∙◆❖➢►✓\uf0b7\uf0a7\uf0d8\uf0fc\uf06e\uf0a8",
    "\n": "\u2028\u2029",
    _PAGE: "\x0c",
}
_ZERO_WIDTH = [0xAD, 0xFEFF, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]


def _character_table() -> NDArray[np.uint32]:
    """Map code points of the basic plane to the folded ones, what is dropped to 0."""
    table = np.arange(_TABLE_SIZE, dtype=np.uint32)
    for plain, fancy in _FOLDED_TO.items():
        table[[ord(character) for character in fancy]] = ord(plain)
    table[_ZERO_WIDTH] = 0
    return table


_TABLE = _character_table()


def _folded_codes(codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    if not codes.size or codes.max() < _TABLE_SIZE:
        return _TABLE[codes]
    return np.where(codes < _TABLE_SIZE, _TABLE[np.minimum(codes, _TABLE_SIZE - 1)], codes)


def _encode(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _decode(codes: NDArray[np.uint32]) -> str:
    return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def _plain_newlines(codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Turn a carriage return into a line feed where it stands alone, into a space before a line feed."""
    returns = codes == 13
    if not returns.any():
        return codes
    before_feed = np.zeros_like(returns)
    before_feed[:-1] = codes[1:] == 10
    return np.where(returns, np.where(before_feed, 32, 10), codes).astype(np.uint32)


class _Stream:
    """Pieces of decoded text in source order, each a copy of the source or standing for a stretch of it."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces: list[tuple[str, int, int, bool]] = []  # text, start and end in the source, whether it is a copy

    def copy(self, source: str, start: int, end: int) -> None:
        if start < end:
            self.pieces.append((source[start:end], start, end, True))

    def put(self, text: str, start: int, end: int) -> None:
        self.pieces.append((text, start, end, False))

    def text(self) -> str:
        return "".join([piece[0] for piece in self.pieces])


class _Places:
    """Where the characters of a stream lie in the source, told for those that are asked for."""

    __slots__ = ("copied", "ends", "offsets", "seen", "starts")

    def __init__(self, stream: _Stream, seen: NDArray[np.int64] | None) -> None:
        """Read the pieces; `seen` are the characters that were kept, None where all were."""
        texts, starts, ends, copied = zip(*stream.pieces, strict=True) if stream.pieces else ((), (), (), ())
        self.offsets = np.cumsum([0, *map(len, texts)], dtype=np.int64)
        self.starts = np.array(starts, dtype=np.int64)
        self.ends = np.array(ends, dtype=np.int64)
        self.copied = np.array(copied, dtype=bool)
        self.seen = seen

    def of(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the start and end in the source of each of the characters, which are in stream order."""
        if self.seen is not None:
            indices = self.seen[indices]
        bounds = np.searchsorted(indices, self.offsets)  # far fewer pieces than characters
        n_each = np.diff(bounds)
        starts = np.repeat(np.where(self.copied, self.starts - self.offsets[:-1], self.starts), n_each)
        if self.copied.all():
            starts += indices
            return starts, starts + 1
        copied = np.repeat(self.copied, n_each)
        starts += np.where(copied, indices, 0)
        return starts, np.where(copied, starts + 1, np.repeat(self.ends, n_each))


# --- Markup -----------------------------------------------------------------------------------------------------------

# Takes "&nbsp;" and "&#8226;", leaves "AT&T" to the look-up, which knows no such name.
_ENTITY = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
# Takes "<td class='a'>", "</td>", "<!--" and "<?xml ?>", leaves "a < b".
_TAG = re.compile(r"<(?:(/?)([A-Za-z][A-Za-z0-9:_.-]*)([^<>]*)>|!--|[!?][^<>]*>)")
# Takes "display: none", leaves "display: block".
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
# Takes "page-break-before: always", leaves "page-break-inside: avoid".
_PAGE_BREAK = re.compile(r"break-(?:before|after)\s*:\s*(?:always|page|left|right)", re.IGNORECASE)
# Takes "<PAGE>" and "<S>" as an ASCII filing has them, leaves "<b>".
_TEXT_TAG = re.compile(r"</?(PAGE|TABLE|CAPTION|FN|S|C|R|F[0-9]{1,2}|TEXT|DOCUMENT)(?: [0-9]+)?>", re.IGNORECASE)
# Takes "&amp;", leaves "&copy" (plain text decodes only what SGML makes one write).
_TEXT_TOKEN = re.compile(
    rf"{_TEXT_TAG.pattern}|&(?:amp|lt|gt|quot|nbsp|#[0-9]{{1,6}}|#x[0-9a-f]{{1,6}});", re.IGNORECASE
)
# Takes r"\n", r"\u2019" and a surrogate pair, leaves "n".
_JSON_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[\"\\/bfnrt])"
)
# Takes r"\*", "[text](url)", "![alt](url)", "**", "<br>" and "&amp;", leaves "a * b", "snake_case" and "[1]".
_MARKDOWN_SIGN = re.compile(r"[\\!\[*_<&]")
_MARKDOWN_TOKEN = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<image>!\[[^\[\]\n]{0,500}\]\([^()\s]{0,2000}(?: \"[^\"\n]{0,500}\")?\))"
    r"|\[(?P<link>[^\[\]\n]{0,2000})\]\([^()\s]{0,2000}(?: \"[^\"\n]{0,500}\")?\)"
    r"|(?P<stars>\*{1,3}(?=[^\s*])|(?<=[^\s*])\*{1,3}(?!\*))"
    r"|(?P<lines>(?<![\w_])_{1,2}(?=[^\W_])|(?<=[^\s_])_{1,2}(?![\w]))"
    r"|(?P<tag></?(?:br|p|b|i|u|em|strong|span|div|sup|sub|a)\b[^<>\n]{0,300}>)"
    r"|(?P<entity>&(?:[A-Za-z]{2,8}|#[0-9]{1,6}|#[xX][0-9a-fA-F]{1,6});)"
)

_INLINE_TAGS = frozenset(
    {
        "a",
        "abbr",
        "acronym",
        "b",
        "bdo",
        "big",
        "cite",
        "code",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "label",
        "mark",
        "nobr",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "tt",
        "u",
        "var",
        "ix:nonnumeric",
        "ix:nonfraction",
        "ix:continuation",
        "ix:footnote",
        "ix:exclude",
        "ix:fraction",
        "wbr",
        "img",
        "input",
        "o:p",
    }
)
_SKIPPED_TAGS = frozenset({"script", "style", "head", "ix:header", "ix:hidden", "title", "noframes"})
_VOID_TAGS = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)


@lru_cache(maxsize=4096)
def _unescape(entity: str) -> str:
    return html.unescape(entity)


# What a tag does to the text around it.
_NOTHING, _PARTS, _ITEMIZES, _ENDS_LINE, _ENDS_PAGE, _HIDES, _PREFORMATS, _ENDS_PREFORMAT, _OPENS_COMMENT = range(9)


@lru_cache(maxsize=65536)
def _tag_effect(tag: str) -> tuple[int, str]:
    """Tell what a tag does, and its name; a filing repeats its tags to the letter, so that few are looked at."""
    match = _TAG.match(tag)
    name = match[2].lower() if match and match[2] else ""
    if match is None or not name:
        return (_OPENS_COMMENT if tag == "<!--" else _NOTHING), name
    attributes = match[3]
    is_closing = bool(match[1])
    may_hide = not is_closing and not attributes.endswith("/") and name not in _VOID_TAGS
    if may_hide and (name in _SKIPPED_TAGS or _HIDDEN.search(attributes)):
        return _HIDES, name
    if name in _INLINE_TAGS:
        return _NOTHING, name
    if name == "li" and not is_closing and len(tag) >= 4:
        return _ITEMIZES, name
    if name == "br":
        return _ENDS_LINE, name
    if name in ("hr", "page") or _PAGE_BREAK.search(attributes):
        return _ENDS_PAGE, name
    if name == "pre":
        return (_ENDS_PREFORMAT if is_closing else _PREFORMATS), name
    return _PARTS, name


def _tokenize_html(source: str, start: int, end: int, stream: _Stream) -> None:
    position = start
    pieces = stream.pieces
    newline = _WRAP if _opens_preformatted(source, start) else " "
    for match in _TAG.finditer(source, start, end):
        tag_start, tag_end = match.span()
        if tag_start < position:
            continue
        if position < tag_start:
            _copy_running(source, position, tag_start, stream, newline)
        position = tag_end
        effect, name = _tag_effect(match[0])
        if effect == _NOTHING:
            continue
        if effect == _PARTS:
            if not pieces or pieces[-1][0] != _BREAK:  # tags that part come in rows, and one break is as good as many
                pieces.append((_BREAK, tag_start, tag_end, False))
        elif effect == _ITEMIZES:
            stream.put(_BREAK, tag_start, tag_start + 1)
            stream.put("•", tag_start, tag_end - 1)
            stream.put(" ", tag_end - 1, tag_end)
        elif effect == _ENDS_LINE:
            stream.put(_SOFT, tag_start, tag_end)
        elif effect == _ENDS_PAGE:
            stream.put(_PAGE, tag_start, tag_end)
        elif effect == _HIDES:
            if name not in _INLINE_TAGS:
                stream.put(_BREAK, tag_start, tag_end)
            position = _end_of_element(source, tag_end, end, name)
        elif effect == _OPENS_COMMENT:
            closing = source.find("-->", tag_end, end)
            if closing < 0:  # then no later comment closes either, and each is left out by its opening alone
                _tokenize_unclosed(source, tag_end, end, stream, newline)
                return
            position = closing + 3
            if source[tag_end:closing].strip(" -").upper() in ("PAGEBREAK", "PAGE BREAK"):
                stream.put(_PAGE, tag_start, position)
        else:
            newline = _WRAP if effect == _PREFORMATS else " "
            stream.put(_BREAK, tag_start, tag_end)
    if position < end:
        _copy_running(source, position, end, stream, newline)


def _tokenize_unclosed(source: str, start: int, end: int, stream: _Stream, newline: str) -> None:
    """Fold what follows a comment that never closes: its words, line by line."""
    position = start
    for match in _TAG.finditer(source, start, end):
        _copy_running(source, position, match.start(), stream, newline)
        if _tag_effect(match[0])[0] not in (_NOTHING, _OPENS_COMMENT):
            stream.put(_BREAK, *match.span())
        position = match.end()
    _copy_running(source, position, end, stream, newline)


def _copy_running(source: str, start: int, end: int, stream: _Stream, newline: str) -> None:
    """Copy a stretch without tags, its entities decoded and its line ends turned into `newline`."""
    text = source[start:end]
    if "\n" in text or "\r" in text:
        text = text.replace("\r\n", " " + newline).replace("\n", newline).replace("\r", newline)
    at = 0
    if "&" in text:
        for match in _ENTITY.finditer(text):
            decoded = _unescape(match[0])
            if decoded != match[0]:
                if at < match.start():
                    stream.pieces.append((text[at : match.start()], start + at, start + match.start(), True))
                at = match.end()
                stream.put(decoded, start + match.start(), start + at)
    if at < len(text):
        stream.pieces.append((text[at:] if at else text, start + at, end, True))


def _end_of_element(source: str, start: int, end: int, name: str) -> int:
    """Find where an element opened just before `start` closes; at `end` if it does not."""
    depth = 1
    for match in _element_tags(name).finditer(source, start, end):
        if not match[0].endswith("/>"):
            depth += -1 if match[1] else 1
        if depth == 0:
            return match.end()
    return end


@lru_cache(maxsize=64)
def _element_tags(name: str) -> re.Pattern[str]:
    return re.compile(rf"<(/?){re.escape(name)}(?=[\s/>])[^<>]*>", re.IGNORECASE)


def _opens_preformatted(source: str, start: int) -> bool:
    """Ask whether `start` lies inside a `<pre>` that began not too far before it."""
    from_ = max(0, start - 200_000)  # characters; a longer <pre> is folded as running text
    opened = max(source.rfind("<PRE>", from_, start), source.rfind("<pre", from_, start))
    return opened >= 0 and max(source.rfind("</PRE>", opened, start), source.rfind("</pre>", opened, start)) < 0


def _tokenize_text(source: str, start: int, end: int, stream: _Stream) -> None:
    for match in _TEXT_TOKEN.finditer(source, start, end):
        stream.copy(source, start, match.start())
        name = match[1]
        if name is None:
            stream.put(_unescape(match[0]), *match.span())
        elif name.upper() == "PAGE":
            stream.put(_PAGE, *match.span())
        elif name.upper() in ("TABLE", "TEXT", "DOCUMENT"):
            stream.put(_BREAK, *match.span())
        start = match.end()
    stream.copy(source, start, end)


def _tokenize_markdown(source: str, start: int, end: int, stream: _Stream, in_link: bool = False) -> None:
    for sign in _MARKDOWN_SIGN.finditer(source, start, end):
        at = sign.start()
        match = _MARKDOWN_TOKEN.match(source, at, end) if at >= start else None
        if match is None or (in_link and match.lastgroup not in ("stars", "lines")):
            continue
        stream.copy(source, start, at)
        start = match.end()
        kind = match.lastgroup
        if kind == "escaped":
            stream.put(match["escaped"], *match.span())
        elif kind == "link":
            _tokenize_markdown(source, match.start("link"), match.end("link"), stream, in_link=True)
        elif kind == "tag":
            name = match["tag"].strip("</>").split(" ")[0].lower()
            if name in ("br", "p", "div"):
                stream.put(_SOFT if name == "br" else _BREAK, *match.span())
        elif kind == "entity":
            text = _unescape(match[0])
            if text == match[0]:
                stream.copy(source, *match.span())
            else:
                stream.put(text, *match.span())
    stream.copy(source, start, end)


def _tokenize_json(source: str, start: int, end: int, stream: _Stream) -> None:
    for match in _JSON_ESCAPE.finditer(source, start, end):
        stream.copy(source, start, match.start())
        stream.put(_json_character(match[0]), *match.span())
        start = match.end()
    stream.copy(source, start, end)


@lru_cache(maxsize=4096)
def _json_character(escape: str) -> str:
    if escape[1] != "u":
        return {"b": " ", "f": _PAGE, "n": "\n", "r": " ", "t": " "}.get(escape[1], escape[1])
    units = [int(escape[at : at + 4], 16) for at in range(2, len(escape), 6)]
    if len(units) == 2:
        return chr(0x10000 + ((units[0] - 0xD800) << 10) + (units[1] - 0xDC00))
    return "\ufffd" if 0xD800 <= units[0] < 0xE000 else chr(units[0])


def _tokenize_lines(source: str, start: int, end: int, stream: _Stream) -> None:
    stream.copy(source, start, end)


_TOKENIZERS: dict[Markup, Callable[[str, int, int, _Stream], None]] = {
    Markup.TEXT: _tokenize_text,
    Markup.HTML: _tokenize_html,
    Markup.MARKDOWN: _tokenize_markdown,
    Markup.JSON: _tokenize_json,
    Markup.LINES: _tokenize_lines,
}


# --- Rows -------------------------------------------------------------------------------------------------------------

# What lies before a row, weakest first: a wrapped line's end, what may be a wrap, a paragraph's end, a page's.
_WRAPPED, _SOFTLY, _BROKEN, _PAGED = range(4)


@dataclass(slots=True)
class _Row:
    """A stretch between line breaks, in characters of the stream, white space at its ends left off."""

    start: int
    end: int
    text: str
    indent: int
    gap: int
    runs_on: bool = False  # the sentence of the row before goes on here, whatever lies between
    width: int = 0  # columns of the longest line of its wrapped paragraph


_ROW = re.compile(f"[^ \n{_BREAK}{_PAGE}{_WRAP}{_SOFT}][^\n{_BREAK}{_PAGE}{_WRAP}{_SOFT}]*")
# Takes "•", "--", "- --", "(iv)", "a)", "12.", leaves "12" and "the".
_BULLET = r"[•·*+¨§ØŸ○\-–—]|--|- --?|o"
_ENUMERATOR = r"\((?:[0-9]{1,3}|[A-Za-z]|[ivxIVX]{1,5})\)|(?:[0-9]{1,2}|[A-Za-z]|[ivx]{1,5})[.)]"
_ALONE = re.compile(rf"(?:{_BULLET}|{_ENUMERATOR})")
_MAX_ALONE = 7  # characters, as in "(xviii)"
# Takes "• cost", "o cost", "(1) cost", "1. cost", leaves "-cost", "1.5 cost" and "of cost".
_ITEM = re.compile(rf"(?:(?P<bullet>{_BULLET})|(?P<enumerator>{_ENUMERATOR}))[ \t]+(?=\S)")
# Takes "12", "- 12 -", "Page 3 of 9", "F-12", "iv", "Table of Contents", leaves "12 million".
_FURNITURE = re.compile(
    r"[-–—\[ ]*(?:page )?(?:[A-Z]-)?[0-9]{1,3}(?: of [0-9]{1,4})?[-–—\] ]*|[ivxl]{1,6}"
    r"|(?:back to )?(?:table of )?contents|index|\(continued\)|\(?continued on (?:the )?(?:next|following) page\)?",
    re.IGNORECASE,
)
_CONTENTS = re.compile(r"(?:back to )?table of contents", re.IGNORECASE)
# Takes "----", "- ------", "* * *" and "# # #", leaves "- 12 -".
_RULE = re.compile(r"[-=_*~#.\s]{3,}|_+|=+|\|")
# Takes "Revenue      12", leaves "Revenue. The".
_COLUMNS = re.compile(r"\S {4,}\S")
# Takes "of", "the", "and" at the end of a line: words a sentence does not end on.
_OPEN_WORD = re.compile(
    r"\b(?:a|an|and|as|at|by|for|from|in|into|its|of|on|or|our|that|the|their|these|this|to|which|with|we)$",
    re.IGNORECASE,
)
# Takes "•Costs" and "(1)Costs", whose space is a style's, leaves "• Costs", "(s)he" and "-5".
_TIGHT_MARK = re.compile(r"(?:[•·]|\((?:[0-9]{1,3}|[ivx]{1,5}(?=\)[A-Z])|[a-z](?=\)[A-Z]))\))(?=[^\s•·)(,;.])")
# Takes "Acme Ponies Inc.", leaves "the end."
_NAME_END = re.compile(r"\b(?:Inc|INC|Corp|CORP|Co|Ltd|LTD|L\.P|N\.A|S\.A|N\.V)\.$")
_HEADING = re.compile(r"#{1,6}[ \t]+(?=\S)")
_SENTENCE_END = (".", ";", ":", "!", "?")
_CLOSING_MARKS = "\"')]* "


def _rows(text: str, markup: Markup) -> list[_Row]:
    """Cut the stream into rows; blank ones only widen the gap before the next."""
    rows: list[_Row] = []
    position, gap = 0, _BROKEN
    newline_gap = {Markup.JSON: _SOFTLY, Markup.LINES: _BROKEN}.get(markup, _WRAPPED)
    for match in _ROW.finditer(text):
        start = match.start()
        between = text[position:start]
        body = match[0].rstrip(" ")
        position = end = start + len(body)
        indent = len(between) - len(between.rstrip(" "))
        gap = max(gap, _gap(between, newline_gap))
        if not body[0].isalnum():
            if markup is not Markup.LINES and _RULE.fullmatch(body) and not _ALONE.fullmatch(body):
                gap = max(gap, _BROKEN)
                continue
            if markup is Markup.MARKDOWN and body.startswith("> "):
                start, body = end - len(body[2:].lstrip()), body[2:].lstrip()
            elif markup is Markup.HTML and body.startswith("• ") and _ITEM.match(body, 2):
                start, body = end - len(body[2:].lstrip()), body[2:].lstrip()  # a bullet typed inside a list item
        elif len(body) < 40 and _CONTENTS.fullmatch(body):
            gap = _PAGED
        heading = _HEADING.match(body) if markup is Markup.MARKDOWN else None
        if heading:
            start, body, gap = start + heading.end(), body[heading.end() :], max(gap, _BROKEN)
        if tight := _TIGHT_MARK.match(body):
            rows.append(_Row(start, start + tight.end(), tight[0], indent, gap))
            start, body, gap = start + tight.end(), body[tight.end() :], _WRAPPED
        if body:
            rows.append(_Row(start, end, body, indent, gap))
        gap = _BROKEN if heading else _WRAPPED
    if markup in (Markup.TEXT, Markup.MARKDOWN) or _WRAP in text:
        _measure(rows)
    return rows


def _gap(between: str, newline_gap: int) -> int:
    """Tell what the spaces and marks between two rows amount to."""
    if _PAGE in between:
        return _PAGED
    if _BREAK in between:
        return _BROKEN
    n_soft = between.count(_SOFT)
    n_ends = between.count("\n") + between.count(_WRAP)
    if n_soft:
        return _BROKEN if n_soft + n_ends > 1 else _SOFTLY
    if n_ends > 1 and newline_gap == _WRAPPED:
        return _BROKEN
    return newline_gap if n_ends else _WRAPPED


def _measure(rows: list[_Row]) -> None:
    """Give each row the width of the wrapped paragraph that it stands in."""
    first = 0
    for index in range(1, len(rows) + 1):
        if index == len(rows) or rows[index].gap != _WRAPPED:
            width = max(row.indent + len(row.text) for row in rows[first:index])
            for row in rows[first:index]:
                row.width = width
            first = index


def _is_open(text: str) -> bool:
    """Ask whether a line leaves its sentence unfinished."""
    return not text.rstrip(_CLOSING_MARKS).endswith(_SENTENCE_END) and text[-1:] not in "*"


def _goes_on(before: str, after: str) -> bool:
    """Ask whether `after` continues the unfinished sentence of `before`, as its letters tell."""
    if not _is_open(before) or _ITEM.match(after):
        return False
    first = after.lstrip("\"'(")[:1]
    return first.islower() or (first.isalnum() and _OPEN_WORD.search(before[-12:]) is not None)


def _is_head(text: str) -> bool:
    """Ask whether a line could be a running head or foot: short, and no sentence."""
    if _ALONE.fullmatch(text):
        return False
    if _FURNITURE.fullmatch(text):
        return True
    is_open = _is_open(text) or _NAME_END.search(text) is not None
    return len(text) <= 100 and is_open and text[-1] != "," and not text[0].islower() and not _ITEM.match(text)


_MIN_SENTENCE = 30  # characters; a shorter line may itself be a running foot
_MAX_HEADS = 4  # lines of head, or of foot, that a page may carry


_HEAD_REACH = 150_000  # characters of source around a fold in which its running heads are looked for
_MAX_LOOKED_FOR = 16  # different lines; each costs a pass over that reach
_MIN_REPEATS = 4  # of a running head in that reach; a heading of the text itself recurs less


class _RunningHeads:
    """Tells which lines an HTML source repeats, alone in their tags, more often than a text does its headings."""

    __slots__ = ("known", "source", "span")

    def __init__(self, source: str, start: int, end: int, markup: Markup) -> None:
        self.source = source if markup is Markup.HTML else ""
        self.span = (max(0, start - _HEAD_REACH), end + _HEAD_REACH)
        self.known: dict[str, bool] = {}

    def __contains__(self, line: str) -> bool:
        if line not in self.known:
            if not self.source or len(self.known) >= _MAX_LOOKED_FOR:
                return False
            self.known[line] = self.source.count(f">{line}<", *self.span) >= _MIN_REPEATS
        return self.known[line]


def _without_page_furniture(rows: list[_Row], markup: Markup, running_heads: _RunningHeads) -> list[_Row]:
    """Drop what a page's end puts between the lines of a text, and mark the sentences that run on across it."""
    if markup is Markup.LINES or not rows:
        return rows
    dropped: set[int] = set()
    heads: dict[str, list[int]] = {}
    for page in range(1, len(rows)):
        if rows[page].gap != _PAGED:
            if markup is not Markup.HTML and page + 1 < len(rows) and _FURNITURE.fullmatch(rows[page].text):
                is_apart = rows[page].gap != _WRAPPED and rows[page + 1].gap != _WRAPPED
                is_apart &= len(rows[page - 1].text) >= _MIN_SENTENCE
                if is_apart and _goes_on(rows[page - 1].text, rows[page + 1].text):
                    dropped.add(page)
                    rows[page + 1].runs_on = True
            continue
        _join_over_page(rows, page, dropped)
        for step in (-1, 1):
            index = page - 1 if step < 0 else page
            for _ in range(_MAX_HEADS):
                if not 0 <= index < len(rows):
                    break
                if _FURNITURE.fullmatch(rows[index].text):
                    if not _ALONE.fullmatch(rows[index].text):
                        dropped.add(index)
                elif index in dropped:
                    pass
                elif _is_head(rows[index].text) and rows[index].text[0] != "•":
                    if rows[index].text not in running_heads:
                        heads.setdefault(re.sub("[0-9]+", "", rows[index].text), []).append(index)
                        break
                    dropped.add(index)
                else:
                    break
                index += step
    for indices in heads.values():
        if len(set(indices)) > 2:
            dropped.update(indices)
    if not dropped:
        return rows
    kept: list[_Row] = []
    gap = _WRAPPED
    for index, row in enumerate(rows):
        gap = max(gap, row.gap)
        if index not in dropped:
            row.gap = gap
            kept.append(row)
            gap = _WRAPPED
    return kept


def _join_over_page(rows: list[_Row], page: int, dropped: set[int]) -> None:
    """Find the sentence that the page's end before row `page` cuts in two, past the fewest heads and feet."""
    n_feet = n_heads = 0
    while n_feet < _MAX_HEADS and page - n_feet > 1 and _is_head(rows[page - n_feet - 1].text):
        n_feet += 1
    while n_heads < _MAX_HEADS and page + n_heads + 1 < len(rows) and _is_head(rows[page + n_heads].text):
        n_heads += 1
    for feet, after in sorted(
        ((feet, after) for feet in range(n_feet + 1) for after in range(n_heads + 1)), key=lambda pair: sum(pair)
    ):
        before, following = rows[page - feet - 1], rows[page + after]
        if feet + after and len(before.text) < _MIN_SENTENCE:
            continue
        if _FURNITURE.fullmatch(before.text) or _FURNITURE.fullmatch(following.text):
            continue
        if any(index in dropped for index in (page - feet - 1, page + after)):
            continue
        is_lower = following.text.lstrip("\"'(")[:1].islower()
        if _goes_on(before.text, following.text) and (is_lower or feet + after == 0):
            dropped.update(range(page - feet, page + after))
            following.runs_on = True
            return


def _joiner(before: _Row, row: _Row, paragraph_marks: frozenset[str], markup: Markup) -> str:
    """Tell what joins two rows: nothing, a space or a line break."""
    old, new = before.text, row.text
    if len(old) <= _MAX_ALONE and _ALONE.fullmatch(old):
        return "\n" if new[0] in "•·" else " "
    if row.runs_on:
        return _seam(old, new)
    if row.gap >= _BROKEN or markup is Markup.LINES:
        return "\n"
    if row.gap == _SOFTLY:
        if new[0] in ",;.)" and not _ITEM.match(new):
            return ""
        if _is_open(old) and old[-1] != "," and new[0].islower() and not _ITEM.match(new) and not _ALONE.fullmatch(new):
            return _seam(old, new)
        return "\n"
    if _begins_item(before, row, paragraph_marks):
        return "\n"
    is_short = before.indent + len(old) + 1 + len(new.split(" ", 1)[0]) <= before.width - 8
    is_heading = old.isupper() and len(old) > 4 and old[-1] != "," and (is_short or " " in old)
    if is_heading and not new.isupper() and not new[0].islower():
        return "\n"
    if _COLUMNS.search(old[8:]) or _COLUMNS.search(new[8:]):
        return "\n"
    ends_sentence = old.rstrip(_CLOSING_MARKS).endswith((".", ":", "!", "?"))
    is_indented = row.indent > before.indent + 1 and not _ITEM.match(old)
    if ends_sentence and new[0].isupper() and (is_indented or is_short):
        return "\n"
    return _seam(old, new)


def _begins_item(before: _Row, row: _Row, paragraph_marks: frozenset[str]) -> bool:
    """Ask whether a line that begins with a bullet or enumerator is a list item, and no wrapped line."""
    if _ALONE.fullmatch(row.text):
        return row.text[0] in "•·*"
    item = _ITEM.match(row.text)
    if item is None:
        return False
    old = before.text.rstrip("\"' ")
    ends = old.endswith((".", ";", ":", "!", "?")) or old.endswith((", and", "; and", ", or", "; or"))
    is_short = before.indent + len(old) + 1 + len(item[0].strip()) <= before.width - 8
    if bullet := item["bullet"]:
        if bullet in "•·*+o":
            return True
        after = row.text[item.end()]
        is_listed = bullet == "-" and old.endswith((",", ")"))
        return ends or is_listed or after.isupper() or is_short or bullet in paragraph_marks
    if item["enumerator"][0] != "(" and item["enumerator"][-1] == ".":
        return ends
    return ends or is_short


def _seam(old: str, new: str) -> str:
    """Join two halves of a sentence: with nothing after a hyphen that cuts a word, else with a space."""
    return "" if old[-1] == "-" and old[-2:-1].isalpha() and new[0].isalpha() else " "


def _assemble(rows: list[_Row], codes: NDArray[np.uint32], places: _Places, markup: Markup) -> Folded:
    """Write the rows one after the other, what joins them between, and collapse runs of spaces."""
    if not rows:
        return Folded("", np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    marks: frozenset[str] = frozenset()
    firsts, lengths = [rows[0].start], [rows[0].end - rows[0].start]  # of the stretches to copy
    joiners: list[int] = []
    for before, row in pairwise(rows):
        if row.gap > _WRAPPED:
            marks = frozenset()
        elif (item := _ITEM.match(before.text)) and item["bullet"]:
            marks |= {item["bullet"]}
        if joiner := _joiner(before, row, marks, markup):
            joiners.append(ord(joiner))
            firsts.append(before.end - 1)  # stands in for the joiner, which lies right after it
            lengths.append(1)
        firsts.append(row.start)
        lengths.append(row.end - row.start)
    n_each = np.array(lengths, dtype=np.int64)
    offsets = np.cumsum(n_each) - n_each
    picked = np.arange(int(n_each.sum()), dtype=np.int64) + np.repeat(np.array(firsts) - offsets, n_each)
    is_joiner = np.zeros(len(picked), dtype=bool)
    is_joiner[1:] = picked[1:] <= picked[:-1]
    at = np.flatnonzero(is_joiner)
    codes = codes[picked]
    codes[at] = joiners
    starts, ends = places.of(picked)
    # A joiner stands for what lies between its rows; where nothing does, for the first of the next row.
    from_, to = ends[at - 1], starts[at + 1]
    starts[at], ends[at] = np.where(from_ < to, from_, to), np.where(from_ < to, to, to + 1)
    is_space = codes == 32
    if (is_space[1:] & is_space[:-1]).any():
        is_space[1:] &= is_space[:-1]  # now: follows a space, and is one
        is_space[0] = False
        kept = np.flatnonzero(~is_space)
        ends = ends[np.concatenate([kept[1:], [len(codes)]]) - 1]
        codes, starts = codes[kept], starts[kept]
    return Folded(_decode(codes), starts, ends)
