"""Documents: bytes decoded, foreign files refused, markup told by content, submissions taken apart."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_clf.errors import DocumentError
from risk_clf.reading.document import Document, decode_document, line_of, read_document
from risk_clf.reading.folding import Markup
from risk_clf.spans import Span

HTML = "<html><body><p>Costs may rise.</p></body></html>"

ENCODINGS = {
    "utf-8": ("caf\u00e9 \u201cx\u201d".encode(), "caf\u00e9 \u201cx\u201d", "utf-8"),
    "utf-8 with a mark": (b"\xef\xbb\xbfabc", "abc", "utf-8"),
    "utf-16 little-endian": ("\ufeffabc\u2019".encode("utf-16-le"), "abc\u2019", "utf-16"),
    "utf-16 big-endian": ("\ufeffabc\u2019".encode("utf-16-be"), "abc\u2019", "utf-16"),
    "cp1252": (b"\x93caf\xe9\x94 \x95", "\u201ccaf\u00e9\u201d \u2022", "cp1252"),
    "cp1252 with bytes it leaves open": (b"a\x81b\x9d \xff", "a\x81b\x9d \u00ff", "cp1252"),
    "line ends untouched": (b"a\r\nb\rc\n", "a\r\nb\rc\n", "utf-8"),
}


@pytest.mark.parametrize(("data", "source", "encoding"), ENCODINGS.values(), ids=ENCODINGS.keys())
def test_bytes_are_decoded(data: bytes, source: str, encoding: str) -> None:
    document = decode_document(data, "a.txt")
    assert (document.source, document.encoding) == (source, encoding)
    assert document.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 x", "PDF"),
        (b"PK\x03\x04x", "unzip"),
        (b"\x89PNG\r\n", "PNG"),
        (b"GIF89a", "GIF"),
        (b"\x7fELF\x02", "program"),
        (b"ab\x00cd", "binary"),
        (b"\xff\xfea", "UTF-16"),
        (gzip.compress(b"x" * 50)[:-9], "breaks off"),
        (b"\x1f\x8b\x08 no gzip", "damaged"),
        (gzip.compress(b""), "empty"),
        (gzip.compress(b"%PDF-1.7"), "PDF"),
    ],
)
def test_what_is_no_text_is_refused_in_one_line(data: bytes, says: str) -> None:
    with pytest.raises(DocumentError) as caught:
        decode_document(data, "box/a.bin")
    message = str(caught.value)
    assert message.startswith("box/a.bin: ") and says in message and "\n" not in message


def test_a_gzipped_document_is_unpacked_up_to_a_limit() -> None:
    data = gzip.compress(b"Costs may ") + gzip.compress(b"rise.")
    document = decode_document(data, "a.txt.gz")
    assert document.source == "Costs may rise."
    assert document.sha256 == hashlib.sha256(data).hexdigest()
    assert decode_document(data, "a.txt.gz", max_bytes=15).source == "Costs may rise."
    with pytest.raises(DocumentError, match="more than 14 bytes"):
        decode_document(data, "a.txt.gz", max_bytes=14)


@pytest.mark.parametrize(
    ("source", "markup"),
    [
        pytest.param(HTML, Markup.HTML, id="html"),
        pytest.param("<div>One</div><div>Two</div>", Markup.HTML, id="a fragment of html"),
        pytest.param("</a><P STYLE='x'>One</P>\n<P>Two", Markup.HTML, id="html that begins broken"),
        pytest.param("<?xml version='1.0'?><link:a>x</link:a>", Markup.HTML, id="xml"),
        pytest.param("# Ponies\n\nSee [us](https://a.b).", Markup.MARKDOWN, id="markdown"),
        pytest.param("**Ponies**\n\nand **mules** too", Markup.MARKDOWN, id="emphasis"),
        pytest.param("Costs\n<PAGE>\n<TABLE>\n<S> <C>\n</TABLE>\n", Markup.TEXT, id="an ASCII filing"),
        pytest.param("Costs may rise.\n\n      # # #", Markup.TEXT, id="a release's end"),
        pytest.param("[GRAPHIC OMITTED]\nCosts", Markup.TEXT, id="a bracket at the start"),
        pytest.param("{costs may rise}", Markup.TEXT, id="a brace at the start"),
        pytest.param("Costs", Markup.TEXT, id="text"),
    ],
)
def test_markup_is_told_by_content(source: str, markup: Markup) -> None:
    document = decode_document(source.encode(), "a")
    assert [(part.span, part.markup) for part in document.parts] == [(Span(0, len(source)), markup)]


def test_the_long_strings_of_a_json_file_are_its_parts() -> None:
    source = '{\n "id": "x1",\n "item7": "Costs \\"may\\" rise in the winter of every single year.\\n"\n}\n'
    (part,) = decode_document(source.encode(), "a.json").parts
    assert part.markup is Markup.JSON and part.description == "item7"
    assert part.span.of(source).startswith('Costs \\"may') and part.span.of(source).endswith("year.\\n")


SUBMISSION = """-----BEGIN PRIVACY-ENHANCED MESSAGE-----
<SEC-HEADER>0001.hdr.sgml : 19980310
</SEC-HEADER>
<DOCUMENT>
<TYPE>10-K
<SEQUENCE>1
<DESCRIPTION>ANNUAL REPORT
<TEXT>
Costs may rise.
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>EX-99.1
<SEQUENCE>2
<TEXT>
<html><body><p>Rain</p></body></html>
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>GRAPHIC
<SEQUENCE>3
<TEXT>
begin 644 a.gif
M1TE&
end
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>EX-27
<TEXT>
<S> <C>
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>EX-10.1
<SEQUENCE>5
<TEXT>
<PDF>
begin 644 a.pdf
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>EX-10.2
<SEQUENCE>6
<TEXT>
A lease, broken of"""


def test_a_submission_is_read_document_by_document() -> None:
    document = decode_document(SUBMISSION.encode(), "a.txt")
    assert [(p.type, p.sequence, p.markup, p.description) for p in document.parts] == [
        ("10-K", 1, Markup.TEXT, "ANNUAL REPORT"),
        ("EX-99.1", 2, Markup.HTML, None),
        ("EX-10.2", 6, Markup.TEXT, None),
    ]
    assert [part.span.of(SUBMISSION).strip()[:10] for part in document.parts] == [
        "Costs may ",
        "<html><bod",
        "A lease, b",
    ]


@given(st.text(max_size=300))
def test_any_text_is_read_back_as_it_was(source: str) -> None:
    data = source.encode()
    try:
        document = decode_document(data, "a")
    except DocumentError:
        return
    if document.encoding == "utf-8":
        assert document.source == source.removeprefix("\ufeff")
    assert all(part.span.end <= len(document.source) for part in document.parts)


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        assert isinstance(decode_document(data, "a"), Document)
    except DocumentError as error:
        assert str(error).startswith("a: ")


def test_a_file_is_read_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"Costs\r\nrise")
    document = read_document(path)
    assert (document.name, document.source) == (str(path), "Costs\r\nrise")


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no such file"):
        read_document(tmp_path / "none.txt")
    with pytest.raises(DocumentError, match="folder"):
        read_document(tmp_path)
    with pytest.raises(DocumentError, match="cannot be read"):
        read_document(tmp_path / ("long" * 500))


def test_lines_are_counted_from_one() -> None:
    document = decode_document(b"one\r\ntwo\n\nfour", "a")
    assert [line_of(document, offset) for offset in (0, 4, 5, 9, 10, 14)] == [1, 1, 2, 3, 4, 4]
    with pytest.raises(ValueError, match="outside"):
        line_of(document, 15)
