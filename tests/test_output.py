"""What analyses and labellings look like as text, JSON and CSV; all of them hand-made, no model is asked."""

from __future__ import annotations

import csv
import io
import json as stdlib_json
from dataclasses import replace

import numpy as np
import pytest

from risk_clf.output import json, table, text
from risk_clf.reading.analysis import AnalysedPassage, Analysis, LabelledFactor
from risk_clf.reading.document import decode_document, line_of
from risk_clf.reading.factors import Piece, Role
from risk_clf.reading.labels import Labelling, LabelProbability
from risk_clf.reading.mix import RiskMix, Share, mix
from risk_clf.spans import Span
from risk_clf.taxonomy import Group, Label, Taxonomy

TAXONOMY = Taxonomy(
    version=1,
    groups=(Group("market", "Market"), Group("operations", "Operations")),
    labels=tuple(
        Label(key, group, key.title(), "", "")
        for key, group in (("demand", "market"), ("competition", "market"), ("supply", "operations"))
    ),
)

SOURCE = """\
Acme Corp. reports.

Results may differ because of
weak demand and new rivals; a
shortage of tin; things, and
other risks we do not know. No update.
"""

WEAK = Labelling(
    (LabelProbability("demand", 0.912345678), LabelProbability("competition", 0.5)),
    "labelled",
    "market",
    np.array([0.912345678, 0.5, 0.0]),
)
TIN = Labelling((), "uncertain", "operations", np.array([0.0, 0.0, 0.55]))
THINGS = Labelling((), "uncertain", None, np.array([0.2, 0.1, 0.1]))
NO_MIX = RiskMix(0, tuple(Share(key, 0.0, 0.0, 0.0) for key in TAXONOMY.keys), (Share("market", 0.0, 0.0, 0.0),))


def place(words: str, source: str = SOURCE) -> Span:
    start = source.index(words)
    return Span(start, start + len(words))


def an_analysis(name: str = "acme.txt") -> Analysis:
    document = decode_document(SOURCE.encode(), name)
    pieces = (
        Piece(Role.LEAD_IN, place("Results may differ because of")),
        Piece(Role.FACTOR, place("weak demand and new rivals")),
        Piece(Role.FACTOR, place("a\nshortage of tin")),
        Piece(Role.FACTOR, place("things")),
        Piece(Role.CATCH_ALL, place("other risks we do not know")),
        Piece(Role.CLOSING, place("No update.")),
    )
    factors = tuple(
        LabelledFactor(
            piece.span,
            (line_of(document, piece.span.start), line_of(document, piece.span.end - 1)),
            piece.span.of(SOURCE).replace("\n", " "),
            labelling,
        )
        for piece, labelling in zip(pieces[1:4], (WEAK, TIN, THINGS), strict=True)
    )
    passage = AnalysedPassage(Span(pieces[0].span.start, pieces[-1].span.end), 0.987654321, pieces, factors)
    return Analysis(document, "tiny", "ab" * 32, (passage,), mix([WEAK, TIN, THINGS], TAXONOMY))


def an_empty_analysis() -> Analysis:
    return Analysis(decode_document(b"Nothing here.", "plain.txt"), "tiny", "ab" * 32, (), NO_MIX)


def an_analysis_without_factors() -> Analysis:
    analysis = an_analysis()
    whole = analysis.passages[0].span
    passage = AnalysedPassage(whole, 0.9, (Piece(Role.LEAD_IN, whole),), ())
    return replace(analysis, passages=(passage,), mix=NO_MIX)


# ---- JSON ---------------------------------------------------------------------------------------


def test_the_json_of_an_analysis_has_exactly_the_fields_of_its_schema() -> None:
    record = stdlib_json.loads(json.encode(json.analysis_record(an_analysis())))
    assert list(record) == ["schema", "source", "sha256", "model", "passages", "mix"]
    assert record["schema"] == "risk-clf/analysis@1"
    assert record["model"] == {"name": "tiny", "digest": "ab" * 32}
    (passage,) = record["passages"]
    assert list(passage) == ["start", "end", "probability", "factors", "pieces"]
    assert list(passage["factors"][0]) == ["start", "end", "lines", "text", "labels", "status", "group"]
    assert passage["factors"][0]["labels"][0] == {"label": "demand", "probability": 0.912346}
    assert passage["factors"][1]["labels"] == []
    assert passage["factors"][2]["group"] is None
    assert passage["pieces"][-1] == {"role": "closing", "start": SOURCE.index("No up"), "end": len(SOURCE) - 1}
    assert list(record["mix"]) == ["n_factors", "labels", "groups"]
    assert list(record["mix"]["labels"]) == list(TAXONOMY.keys)
    assert set(record["mix"]["groups"]["market"]) == {"share", "low", "high"}


def test_the_starts_and_ends_of_the_json_cut_the_factor_out_of_the_source() -> None:
    factor = json.analysis_record(an_analysis())["passages"][0]["factors"][1]
    assert SOURCE[factor["start"] : factor["end"]].replace("\n", " ") == factor["text"]
    assert factor["lines"] == [4, 5]


def test_the_json_of_an_analysis_without_a_passage_has_its_form() -> None:
    record = json.analysis_record(an_empty_analysis())
    assert record["passages"] == []
    assert record["mix"]["n_factors"] == 0


def test_a_factor_record_names_its_source_and_passage() -> None:
    records = list(json.factor_records(an_analysis()))
    assert [record["passage"] for record in records] == [1, 1, 1]
    assert list(records[0]) == ["source", "passage", "start", "end", "lines", "text", "labels", "status", "group"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ud800 alone", id="lone surrogate"),
        pytest.param("\x1b[2J\x7f\x9b31m", id="terminal controls"),
        pytest.param("\u2028\u202e", id="line separator and direction mark"),
        pytest.param("caf\u00e9 \U0001f600", id="letters and pictures"),
    ],
)
def test_json_is_utf8_keeps_every_code_point_and_commands_no_terminal(text: str) -> None:
    encoded = json.encode({"text": text})
    assert stdlib_json.loads(encoded.encode("utf-8"))["text"] == text
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in encoded)


def test_json_refuses_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="JSON"):
        json.encode(float("nan"))


# ---- CSV ----------------------------------------------------------------------------------------


def test_a_row_of_the_table_has_a_cell_for_each_column() -> None:
    encoded = table.encode([table.ANALYSIS_COLUMNS, *table.analysis_rows(an_analysis())])
    rows = list(csv.DictReader(io.StringIO(encoded, newline="")))
    assert [row["labels"] for row in rows] == ["demand;competition", "", ""]
    assert [row["label"] for row in rows] == ["demand", "", ""]
    assert [row["group"] for row in rows] == ["market", "operations", ""]
    assert (rows[1]["first_line"], rows[1]["last_line"]) == ("4", "5")
    assert rows[0]["probability"] == "0.912346"
    assert all(None not in row and None not in row.values() for row in rows)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    encoded = table.encode(table.labelling_rows([f"{start}HYPERLINK()"], [THINGS]))
    assert next(csv.reader(io.StringIO(encoded, newline="")))[0] == f"'{start}HYPERLINK()"


def test_quotes_commas_and_line_breaks_survive_the_table() -> None:
    cell = 'a "b", c\nd'
    assert next(csv.reader(io.StringIO(table.encode([(cell,)]), newline=""))) == [cell]


# ---- text ---------------------------------------------------------------------------------------


def test_the_text_names_places_labels_roles_and_mix() -> None:
    page = text.analysis_text(an_analysis(), width=100)
    assert "acme.txt: 1 cautionary passage, 3 risk factors (model tiny abababababab)" in page
    assert "Passage 1, l. 3-6, probability 0.99" in page
    assert "l. 4    1. weak demand and new rivals" in page
    assert "demand 0.91, competition 0.50" in page
    assert "l. 4-5  2. a shortage of tin" in page
    assert "uncertain, of group operations" in page
    assert "(lead-in) Results may differ because of" in page
    assert "(catch-all) other risks we do not know" in page
    assert "(closing)" in page
    assert "Risk mix of 3 factors" in page
    assert "###" in page


@pytest.mark.parametrize("width", [1, 40, 41, 60, 100, 1000])
def test_text_is_wrapped_to_the_width_and_never_cut(width: int) -> None:
    words = " ".join(f"word{number}" for number in range(80)) + " " + "x" * 300
    page = text.labellings_text([words], [WEAK], width=width)
    assert max(map(len, page.splitlines())) <= max(width, text.LEAST_WIDTH)
    assert "".join(words.split()) in "".join(page.split())


def test_a_document_without_a_passage_says_so() -> None:
    assert text.analysis_text(an_empty_analysis(), width=80) == "plain.txt: no cautionary passage found\n"


def test_a_passage_without_a_factor_says_so_and_shows_no_mix() -> None:
    page = text.analysis_text(an_analysis_without_factors(), width=80)
    assert "1 cautionary passage, 0 risk factors" in page
    assert "no risk factor in it" in page
    assert "Risk mix" not in page


def test_escape_characters_of_a_filing_are_shown_and_not_sent() -> None:
    hostile = "\x1b[2Jtariffs\x07\x9b31m\u202e"
    for page in (
        text.labellings_text([hostile], [WEAK], width=80),
        text.analysis_text(an_analysis(name=f"{hostile}\n.txt"), width=80),
    ):
        assert r"\x1b[2Jtariffs\x07\x9b31m\u202e" in page
        assert all(line.isprintable() for line in page.split("\n"))


def test_the_page_is_styled_only_where_asked_and_says_the_same() -> None:
    plain = text.analysis_text(an_analysis(), width=80)
    styled = text.analysis_text(an_analysis(), width=80, is_styled=True)
    assert "\x1b" not in plain
    assert "\x1b[1m" in styled
    unstyled = styled.replace("\x1b[0m", "").replace("\x1b[1m", "").replace("\x1b[2m", "")
    assert [line.rstrip() for line in unstyled.split("\n")] == plain.split("\n")


def test_the_lead_in_of_html_is_shown_without_its_tags() -> None:
    source = "<html><body><p>Results <b>may</b> differ&nbsp;because of rain.</p></body></html>"
    document = decode_document(source.encode(), "a.htm")
    span = Span(source.index("Results"), source.index("</p>"))
    passage = AnalysedPassage(span, 0.9, (Piece(Role.LEAD_IN, span),), ())
    page = text.analysis_text(Analysis(document, "tiny", "ab", (passage,), NO_MIX), width=80)
    assert "(lead-in) Results may differ because of rain." in page
    assert f"Passage 1, l. 1, ch. {span.start}-{span.end}" in page


def test_no_labelled_factor_is_an_empty_text() -> None:
    assert text.labellings_text([], [], width=80) == ""
