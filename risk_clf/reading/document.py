"""Bytes of a disclosure in, a `Document` out: its text as it lay on disk, and the parts of it that are to be read.

The source is decoded whole and never altered, so that every place found later is a place in it. What a document is, is
told by its content and not by its name; what it holds besides prose (the header, pictures, spreadsheets and data of a
full submission) is no part of it.
"""

from __future__ import annotations

import bisect
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice
from pathlib import Path

from risk_clf.errors import DocumentError
from risk_clf.reading.folding import Markup
from risk_clf.spans import Span

MAX_UNPACKED_BYTES = 512 * 2**20  # the largest full submissions on EDGAR are below 300 MB; more is a bomb


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the source to be read: the whole of it, one document of a submission, or one string of a JSON file.

    `type`, `sequence` and `description` are those of the submission; of a JSON string its key is the description.
    """

    span: Span
    markup: Markup
    type: str | None = None
    sequence: int | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One disclosure, decoded; `sha256` is of the bytes on disk, a byte-order mark is not in `source`."""

    name: str
    sha256: str
    source: str
    encoding: str
    parts: tuple[Part, ...]


def read_document(path: Path | str, max_bytes: int = MAX_UNPACKED_BYTES) -> Document:
    """Read a disclosure from disk.

    Raises:
        DocumentError: there is no such file, it may not be read, or it holds no text.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise DocumentError(f"{path}: no such file; check the path") from error
    except IsADirectoryError as error:
        raise DocumentError(f"{path}: this is a folder; name the files in it") from error
    except PermissionError as error:
        raise DocumentError(f"{path}: may not be read; change its permissions") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DocumentError(f"{path}: cannot be read ({reason}); copy it to a disk you can read") from error
    return decode_document(data, str(path), max_bytes)


def decode_document(data: bytes, name: str, max_bytes: int = MAX_UNPACKED_BYTES) -> Document:
    """Decode the bytes of a disclosure, gzipped or not; `max_bytes` bounds what a gzipped one may unpack to.

    Raises:
        DocumentError: the bytes are empty, no text, or unpack to more than `max_bytes`.

    Example:
        >>> decode_document(b"Rates may rise.", "note.txt").parts[0].markup
        <Markup.TEXT: 'text'>
    """
    sha256 = hashlib.sha256(data).hexdigest()
    if data.startswith(b"\x1f\x8b"):
        data = _unpack(data, name, max_bytes)
    if not data:
        raise DocumentError(f"{name}: the file is empty; fetch it again or leave it out")
    source, encoding = _decode(data, name)
    return Document(name, sha256, source, encoding, tuple(_parts(source)))


# --- Bytes ------------------------------------------------------------------------------------------------------------

_FOREIGN = (
    (b"%PDF-", "a PDF", "save its text first"),
    (b"PK\x03\x04", "a zip archive (or an Office file)", "unzip it, or save it as text, first"),
    (b"PK\x05\x06", "an empty zip archive", "fetch it again"),
    (b"\x89PNG", "a PNG picture", "leave it out"),
    (b"GIF8", "a GIF picture", "leave it out"),
    (b"\xff\xd8\xff", "a JPEG picture", "leave it out"),
    (b"\x7fELF", "a program", "leave it out"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file", "save it as text first"),
    (b"{\\rtf", "an RTF file", "save it as text first"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it first"),
)
_CONTROLS = bytes([*range(0x01, 0x09), *range(0x0E, 0x20)])
_MOST_CONTROLS = 0.05  # share of a file's bytes; bytes at random hold 0.10, text in a one-byte encoding next to none
_SAMPLE_BYTES = 1 << 16
# cp1252 with the five bytes it leaves open read as latin-1
_CP1252 = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256))


def _unpack(data: bytes, name: str, max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    room = max_bytes
    while data.startswith(b"\x1f\x8b"):
        unpacker = zlib.decompressobj(wbits=31)
        try:
            piece = unpacker.decompress(data, room + 1)
        except zlib.error as error:
            raise DocumentError(f"{name}: a damaged gzip file ({error}); fetch it again") from error
        room -= len(piece)
        if room < 0:
            raise DocumentError(f"{name}: unpacks to more than {max_bytes:,} bytes; unpack it first or raise the limit")
        if not unpacker.eof:
            raise DocumentError(f"{name}: a gzip file that breaks off; fetch it again")
        pieces.append(piece)
        data = unpacker.unused_data
    return b"".join(pieces)


def _decode(data: bytes, name: str) -> tuple[str, str]:
    for magic, what, way_out in _FOREIGN:
        if data.startswith(magic):
            raise DocumentError(f"{name}: seems to be {what} and no text; {way_out}")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), "utf-16"
        except UnicodeDecodeError as error:
            raise DocumentError(f"{name}: begins as UTF-16 and is not ({error.reason}); save it as UTF-8") from error
    if b"\x00" in data:
        at = data.index(b"\x00")
        raise DocumentError(
            f"{name}: holds binary data (a NUL at byte {at:,}) and no text; leave it out or save it as UTF-8"
        )
    try:
        if data.startswith(b"\xef\xbb\xbf"):
            return data[3:].decode("utf-8"), "utf-8"
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        sample = data[:_SAMPLE_BYTES]
        if len(sample) - len(sample.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(sample):
            raise DocumentError(
                f"{name}: holds binary data (many control characters) and no text; leave it out or save it as UTF-8"
            ) from None
        import codecs

        return codecs.charmap_decode(data, "strict", _CP1252)[0], "cp1252"


# --- Parts ------------------------------------------------------------------------------------------------------------

# Takes "<TYPE>10-K", leaves "<TYPES>".
_FIELD = re.compile(r"^<(TYPE|SEQUENCE|DESCRIPTION)>[ \t]*([^\r\n<]*)", re.MULTILINE | re.IGNORECASE)
# Takes the types whose body is no prose, leaves "10-K", "EX-99.1" and "EX-10.1".
_NO_PROSE = re.compile(
    r"(?:GRAPHIC|ZIP|EXCEL|XML|JSON|PDF|COVER|EX-10[0-4](?:\.[A-Z]+)|EX-27(?:\.[0-9]+)?)$", re.IGNORECASE
)
# Takes "begin 644 logo.gif", "<PDF>" and an XML instance, leaves "<XBRL><html>".
_NO_PROSE_BODY = re.compile(r"\s*(?:begin [0-7]{3} |<PDF>|<XML>)", re.IGNORECASE)
_PREAMBLE_LENGTH = 200_000  # characters; the header of a submission with a thousand co-filers
_HEADER_LENGTH = 2_000  # characters; the fields before <TEXT> are five short lines


def _parts(source: str) -> Iterator[Part]:
    if source.startswith("<DOCUMENT>") or source.find("\n<DOCUMENT>", 0, _PREAMBLE_LENGTH) >= 0:
        yield from _submission_parts(source)
    elif source.lstrip()[:1] in ("{", "[") and (found := tuple(_json_parts(source))):
        yield from found
    else:
        yield Part(Span(0, len(source)), _recognise(source, 0, len(source)))


def _submission_parts(source: str) -> Iterator[Part]:
    position = source.find("<DOCUMENT>")
    while position >= 0:
        following = source.find("\n<DOCUMENT>", position + 1)
        limit = following if following >= 0 else len(source)
        text_at = source.find("<TEXT>", position, min(limit, position + _HEADER_LENGTH))
        header = source[position : text_at if text_at >= 0 else min(limit, position + _HEADER_LENGTH)]
        fields = {match[1].upper(): match[2].strip() for match in _FIELD.finditer(header)}
        start = text_at + len("<TEXT>") if text_at >= 0 else position
        closing = source.rfind("</TEXT>", start, limit)
        end = closing if closing >= 0 else limit
        kind = fields.get("TYPE") or None
        sequence = fields.get("SEQUENCE", "")
        if not (kind and _NO_PROSE.match(kind)) and not _NO_PROSE_BODY.match(source, start, end):
            yield Part(
                Span(start, end),
                _recognise(source, start, end),
                kind,
                int(sequence) if sequence.isdecimal() else None,
                fields.get("DESCRIPTION") or None,
            )
        position = following + 1 if following >= 0 else -1


# Takes a JSON string that is a key or a value, leaves a lone quote.
_JSON_STRING = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?', re.DOTALL)
# Takes '{ "item1": "', leaves "{rtf" and "[GRAPHIC OMITTED]".
_JSON_START = re.compile(r'\s*(?:\[\s*)*(?:\{\s*)?"(?:[^"\\]|\\.){0,200}"\s*[:,\]]|\s*\{\s*\}|\s*\[\s*\]')
_MIN_JSON_TEXT = 40  # characters; what is shorter is a name, a date or a number


def _json_parts(source: str) -> Iterator[Part]:
    if not _JSON_START.match(source) or source.rstrip()[-1:] not in ("}", "]"):
        return
    key = None
    for match in _JSON_STRING.finditer(source):
        if match[2]:
            key = match[1]
        elif match.end(1) - match.start(1) >= _MIN_JSON_TEXT:
            yield Part(Span(*match.span(1)), Markup.JSON, description=key)


# Takes tags that ASCII filings do not have, leaves "<PAGE>", "<TABLE>" and "<S>".
_HTML_TAG = re.compile(
    r"</?(?:html|head|body|div|p|font|span|br|tr|td|li|h[1-6]|center|strong)(?:\s[^<>]{0,2000})?/?>|<!doctype html",
    re.IGNORECASE,
)
# Takes "# Outlook", "[text](http://...)", "**bold**", leaves "# # #" and "[1]".
_MARKDOWN_SIGN = re.compile(
    r"^#{1,6} +\w|\[[^\[\]\n]{1,300}\]\((?:https?:|mailto:|/|#)|\*\*[^*\s][^*\n]{0,300}\*\*", re.MULTILINE
)
_SAMPLE = 20_000  # characters looked at, at the beginning, the middle and the end


def _recognise(source: str, start: int, end: int) -> Markup:
    """Tell the markup of a stretch from samples of it."""
    middle = max(start, (start + end) // 2 - _SAMPLE // 2)
    samples = [(start, min(end, start + _SAMPLE))]
    if end - start > _SAMPLE:
        samples += [(middle, min(end, middle + _SAMPLE)), (end - _SAMPLE, end)]
    n_tags = n_signs = 0
    for from_, to in samples:
        n_tags += sum(1 for _ in islice(_HTML_TAG.finditer(source, from_, to), 3))
        if n_tags >= 3:
            return Markup.HTML
        n_signs += sum(1 for _ in _MARKDOWN_SIGN.finditer(source, from_, to))
    if source.startswith(("<?xml", "<!DOCTYPE", "<xbrl", "<link:"), start) or (n_tags and end - start < 500):
        return Markup.HTML
    return Markup.MARKDOWN if n_signs >= 2 or (source.startswith("# ", start) and n_signs) else Markup.TEXT


# --- Lines ------------------------------------------------------------------------------------------------------------


def line_of(document: Document, offset: int) -> int:
    """Give the line of the source, counted from 1, on which `offset` lies."""
    if not 0 <= offset <= len(document.source):
        raise ValueError(f"{offset} lies outside a source of {len(document.source)} characters")
    return bisect.bisect_right(_line_starts(document.source), offset)


@lru_cache(maxsize=4)
def _line_starts(source: str) -> list[int]:
    newline = "\n" if "\n" in source else "\r"
    return [0, *accumulate(len(line) + 1 for line in source.split(newline))][:-1]
