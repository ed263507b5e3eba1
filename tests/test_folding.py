"""Folding: what a reader sees of a marked-up source, and where each character of it lies."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_clf.reading.folding import Folded, Markup, fold
from risk_clf.spans import Span

SEED = Path(__file__).parent.parent.parent / "shared" / "seed"


def fold_all(source: str, markup: Markup) -> Folded:
    return fold(source, 0, len(source), markup)


TEXT_CASES = {
    "wrapped lines are joined": ("Our costs may\nrise in winter.", "Our costs may rise in winter."),
    "blank lines part paragraphs": ("One thing.\n\nAnother.", "One thing.\nAnother."),
    "carriage returns are line ends": ("Our costs\r\nmay rise.\r\n\r\nSo what.", "Our costs may rise.\nSo what."),
    "old Macintosh line ends": ("Our costs\rmay rise.\r\rSo what.", "Our costs may rise.\nSo what."),
    "a word cut at its hyphen": ("these forward-\nlooking words", "these forward-looking words"),
    "a dash at a line's end keeps its space": ("the cost --\nif any", "the cost -- if any"),
    "space runs": ("  a \t b\u00a0\u2003c  ", "a b c"),
    "quotes and invisible marks": (
        "\ufeff\u201ccost\u201d of the co\u00adop\u2019s feed\u200b",
        '"cost" of the coop\'s feed',
    ),
    "dashes stay": ("2001\u20132003 \u2014 and non\u2011stop", "2001\u20132003 \u2014 and non-stop"),
    "a page mark inside a sentence": ("paid by using\n\n<PAGE>\n\nthe rent money.", "paid by using the rent money."),
    "a page number and mark inside a sentence": (
        "the loss of any one of our larger\n\n                  12\n<PAGE>\n\ncustomers in the north.",
        "the loss of any one of our larger customers in the north.",
    ),
    "a page number between dashes, and a running head": (
        "the loss of any one of our larger\n\n  - 12 -\n\n<PAGE>\n\nAcme Ponies Inc.\n\ncustomers in the north.",
        "the loss of any one of our larger customers in the north.",
    ),
    "a page number without a mark inside a sentence": (
        "the loss of any one of our larger\n\n       12\n\ncustomers in the north.",
        "the loss of any one of our larger customers in the north.",
    ),
    "a form feed is a page mark": (
        "the loss of any of our\n12\n\f\nlarger customers in the north.",
        "the loss of any of our\nlarger customers in the north.",
    ),
    "a page mark between sentences": ("That was all.\n\n- 3 -\n<PAGE>\n\nNext year.", "That was all.\nNext year."),
    "bullets": ("Such as:\n- rain and\n  snow\n- wind", "Such as:\n- rain and snow\n- wind"),
    "double bullets of the SGML age": (
        "Such as:\n- -- rain and\n   snow\n- -- wind",
        "Such as:\n- -- rain and snow\n- -- wind",
    ),
    "letters as bullets": ("Such as:\no  rain\no  wind", "Such as:\no rain\no wind"),
    "a bullet alone": ("Such as:\n\n\u2022\n\nrain\n\n\u25aa\n\nwind", "Such as:\n• rain\n• wind"),
    "enumerators": (
        "Such as:\n(1) rain;\n(2) wind; and\n(3) the loss of\nfeed.",
        "Such as:\n(1) rain;\n(2) wind; and\n(3) the loss of feed.",
    ),
    "numbers with dots": ("Such as:\n1. rain.\n2. wind.", "Such as:\n1. rain.\n2. wind."),
    "a year that ends a sentence is no number": (
        "we were founded with the loans of\n12. That was long ago",
        "we were founded with the loans of 12. That was long ago",
    ),
    "a dash inside a wrapped sentence is no bullet": (
        "the weather of the north coast, if any,\n-- which we do not know -- and the tide",
        "the weather of the north coast, if any, -- which we do not know -- and the tide",
    ),
    "a heading in capitals": ("LOOKING AHEAD\nWe may lose\nmoney.", "LOOKING AHEAD\nWe may lose money."),
    "an indented paragraph": (
        "That was all we\nsaid then.\n   We now say\nmore.",
        "That was all we said then.\nWe now say more.",
    ),
    "rules are left out": ("One.\n------------\nTwo.\n\n* * *\n\nThree.", "One.\nTwo.\nThree."),
    "table marks": ("One.\n<TABLE>\n<S>  <C>\nTwo\n</TABLE>", "One.\nTwo"),
    "entities": ("Smith &amp; Sons&#146; AT&T", "Smith & Sons' AT&T"),
    "nothing": ("", ""),
    "nothing to see": (" \n\n\t<PAGE>\n ", ""),
}

HTML_CASES = {
    "inline tags join": ("<p>the <b>f</b><font size=2>uel</font></p>", "the fuel"),
    "blocks part": ("<div>One</div><div>Two</div><p>Three", "One\nTwo\nThree"),
    "source line ends are spaces": ("<p>One\r\n  two\nthree</p>", "One two three"),
    "entities": ("<p>A&nbsp;&amp;&#160;B&#8217;s &ldquo;cost&#148; &bogus; AT&T", 'A & B\'s "cost" &bogus; AT&T'),
    "non-breaking hyphens": ("<p>forward&#8209;looking", "forward-looking"),
    "line breaks": ("One.<br>Two.<BR/>Three", "One.\nTwo.\nThree"),
    "a line break inside a sentence": ("the cost of<br>\nfuel", "the cost of fuel"),
    "list items": ("<ul><li>rain</li><li class='a'>wind</ul>after", "• rain\n• wind\nafter"),
    "a paragraph in a list item": ("<ul><li><p>rain</p></li>\n<li><p>wind</p></li></ul>", "• rain\n• wind"),
    "a bullet typed in a list item": ("<li>• rain", "• rain"),
    "a bullet in a cell of its own": (
        "<tr><td>&#8226;</td><td>rain</td></tr><tr><td>&middot;</td><td>wind",
        "• rain\n· wind",
    ),
    "a bullet in a block of its own": ("<div>&#8226;</div><div>rain</div>", "• rain"),
    "a bullet whose space is a style's": ("<span>&#8226;</span><span style='x'>rain</span>", "• rain"),
    "enumerators in cells": ("<td>(iv)</td><td>rain</td><tr><td>b.</td><td>wind", "(iv) rain\nb. wind"),
    "scripts, styles and heads": ("<head><title>T</title></head><style>x{}</style>a<script>if(a<b)</script>b", "a\nb"),
    "comments": ("a<!-- <p>hidden > -->b", "ab"),
    "a comment never closed": ("a<!-- <p>b <!-- c", "a\nb c"),
    "hidden parts": ("a<div style='display:none'>x<div>y</div>z</div>b", "a\nb"),
    "hidden inline XBRL": ("a<ix:header><ix:hidden>x</ix:hidden></ix:header>b", "a\nb"),
    "inline XBRL": ("<p>of <ix:nonFraction name='a'>12</ix:nonFraction>%", "of 12%"),
    "a page's end inside a sentence": (
        "<p>the loss of any one of our larger</p><p>12</p><hr style='page-break-after:always'/><p>customers here",
        "the loss of any one of our larger customers here",
    ),
    "a link to the contents inside a sentence": (
        "<p>the loss of any one of our larger</p><div>12</div><hr><a href='#t'>Table of Contents</a><p>customers here",
        "the loss of any one of our larger customers here",
    ),
    "a bullet at the head of a page is no running head": (
        "<p>• the loss of any one of our larger customers,</p><hr/><td>•</td><td>rain, and",
        "• the loss of any one of our larger customers,\n• rain, and",
    ),
    "a number in a table is no page number": ("<td>cost of</td><td>12</td><td>in all", "cost of\n12\nin all"),
    "preformatted text": ("<pre>our costs\nmay rise.\n\nSo what.</pre>x", "our costs may rise.\nSo what.\nx"),
    "a tag's sign in text": ("<p>a < b and c > d</p>", "a < b and c > d"),
}

MARKDOWN_CASES = {
    "headings": ("# Look ahead\nWe may lose\nmoney.", "Look ahead\nWe may lose money."),
    "emphasis": (
        "the **cost** of _fuel_ and *feed* in snake_case, 2 * 3",
        "the cost of fuel and feed in snake_case, 2 * 3",
    ),
    "links": ("see [our **site**](https://a.b/c_d) ![x](y.png)now", "see our site now"),
    "escapes": (r"5\* \_rooms\_ \& more", "5* _rooms_ & more"),
    "items": ("Such as:\n\n* rain\n* wind\n\n- snow", "Such as:\n* rain\n* wind\n- snow"),
    "rules": ("One.\n\n---\n\nTwo.", "One.\nTwo."),
}

JSON_CASES = {
    "escapes": (r"A \"cost\"\tof\u00a0fuel\/feed\u2019s", 'A "cost" of fuel/feed\'s'),
    "surrogates": (r"a \ud83d\ude00 b", "a \U0001f600 b"),
    "line ends": (r"One.\nTwo.\n\n\nThree.", "One.\nTwo.\nThree."),
    "a bullet alone": (r"such as\n\u2022\nrain;\n\u2022\nwind", "such as\n• rain;\n• wind"),
    "a page's end inside a sentence": (
        r"the loss of any one of our larger \n12\nTable of Contents\ncustomers in the north",
        "the loss of any one of our larger customers in the north",
    ),
    "a style's break inside a sentence": (
        r"the loss of\n our larger customers\n, if any",
        "the loss of our larger customers, if any",
    ),
}

LINES_CASES = {
    "every line end counts": ("the cost of\nfuel\n\n\nfeed", "the cost of\nfuel\nfeed"),
    "quotes and spaces": ("\u201ca\u201d\u00a0 b ", '"a" b'),
    "a bullet alone": ("•\nrain\n(1)\nwind", "• rain\n(1) wind"),
    "a bullet without its space": ("•rain", "• rain"),
}

CASES = [
    pytest.param(source, markup, folded, id=f"{markup.value}: {name}")
    for markup, cases in (
        (Markup.TEXT, TEXT_CASES),
        (Markup.HTML, HTML_CASES),
        (Markup.MARKDOWN, MARKDOWN_CASES),
        (Markup.JSON, JSON_CASES),
        (Markup.LINES, LINES_CASES),
    )
    for name, (source, folded) in cases.items()
]


@pytest.mark.parametrize(("source", "markup", "expected"), CASES)
def test_a_fold_is_what_a_reader_sees(source: str, markup: Markup, expected: str) -> None:
    assert fold_all(source, markup).text == expected


@pytest.mark.parametrize(("source", "markup", "expected"), CASES)
def test_every_character_stands_for_a_stretch_of_the_source(source: str, markup: Markup, expected: str) -> None:
    assert_true_to_source(fold_all(source, markup), Span(0, len(source)))


def assert_true_to_source(folded: Folded, within: Span) -> None:
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert bool(np.all(folded.starts < folded.ends))
    assert bool(np.all(np.diff(folded.starts) >= 0))
    assert bool(np.all(np.diff(folded.ends) >= 0))
    if folded.text:
        assert within.start <= folded.starts[0] and folded.ends[-1] <= within.end
        assert folded.text == folded.text.strip()
    assert "  " not in folded.text and "\n\n" not in folded.text
    assert " \n" not in folded.text and "\n " not in folded.text


WORDS = st.sampled_from(
    ["cost", "of", "fuel", "rain", "Wind", "feed,", "ponies;", "year.", "12", "non-stop", "“so”", "café", "—"]
)
JOINTS = {
    Markup.TEXT: st.sampled_from([" ", "  ", "\n", "\r\n", "\n\n", " \u00a0", "\u00ad", "&amp;"]),
    Markup.HTML: st.sampled_from(
        [
            " ",
            "\n",
            "&nbsp;",
            "<b> ",
            " </b>",
            "<p>",
            "</p>",
            "<br>",
            "<li>",
            "<td>",
            "&#8226;",
            "<!-- x -->",
            "&#8217;",
        ]
    ),
    Markup.MARKDOWN: st.sampled_from([" ", "\n", "\n\n", " **", "** ", "\\&", " [a](b) "]),
    Markup.JSON: st.sampled_from([" ", "\\n", "\\u00a0", "\\n\\n", '\\"', "\\t", "\\u2022\\n"]),
    Markup.LINES: st.sampled_from([" ", "\n", "\n\n", "\n•\n", "\u00a0", " (1) "]),
}
SOURCES = st.sampled_from(list(Markup)).flatmap(
    lambda markup: st.tuples(
        st.lists(st.tuples(WORDS, JOINTS[markup]), max_size=25).map(lambda pairs: "".join(a + b for a, b in pairs)),
        st.just(markup),
    )
)


@given(SOURCES)
def test_a_fold_is_true_to_its_source(drawn: tuple[str, Markup]) -> None:
    source, markup = drawn
    assert_true_to_source(fold_all(source, markup), Span(0, len(source)))


@given(st.text(max_size=200), st.sampled_from(list(Markup)))
def test_any_text_folds(source: str, markup: Markup) -> None:
    assert_true_to_source(fold_all(source, markup), Span(0, len(source)))


@given(st.text("<>!-/&#;pbli \n\"'\\u20*_[]()•.1", max_size=200), st.sampled_from(list(Markup)))
def test_any_broken_markup_folds(source: str, markup: Markup) -> None:
    assert_true_to_source(fold_all(source, markup), Span(0, len(source)))


@given(
    st.lists(WORDS, min_size=1, max_size=30).flatmap(
        lambda words: st.tuples(
            st.just(words), st.lists(st.sampled_from([" ", "&nbsp;", "<b> </b>", "\n"]), min_size=30, max_size=30)
        )
    ),
    st.data(),
)
@settings(max_examples=50)
def test_the_source_of_a_span_folds_to_the_span(drawn: tuple[list[str], list[str]], data: st.DataObject) -> None:
    words, joints = drawn
    source = "<p>" + "".join(word + joint for word, joint in zip(words, joints, strict=False)) + "</p>"
    folded = fold_all(source, Markup.HTML)
    places = [index for index, character in enumerate(folded.text) if not character.isspace()]
    start = data.draw(st.sampled_from(places))
    end = data.draw(st.sampled_from([place for place in places if place >= start])) + 1
    span = folded.to_source(Span(start, end))
    again = fold(source, span.start, span.end, Markup.HTML)
    assert again.text.replace("\n", " ") == folded.text[start:end].replace("\n", " ")


@given(SOURCES)
def test_no_letter_is_lost(drawn: tuple[str, Markup]) -> None:
    source, markup = drawn
    if markup is Markup.HTML:
        assert fold_all(source, markup).text.count("cost") == source.count("cost")
    if markup in (Markup.LINES, Markup.TEXT):
        kept = [c for c in source.replace("&amp;", "&") if c.isalpha()]
        assert [c for c in fold_all(source, markup).text if c.isalpha()] == kept


@given(SOURCES)
def test_folding_clean_lines_again_changes_nothing(drawn: tuple[str, Markup]) -> None:
    once = fold_all(*drawn).text
    assert fold_all(once, Markup.LINES).text == once


def test_a_running_head_between_pages_is_left_out() -> None:
    page = "<p>Page of ponies.</p><hr/><p>Acme Ponies Report</p>"
    assert fold_all(page * 5 + "<p>The end.</p>", Markup.HTML).text == "Page of ponies.\n" * 5 + "The end."


def test_a_heading_at_the_head_of_a_page_stays() -> None:
    source = "<p>Page of ponies.</p><hr/><p>Acme Ponies Report</p><p>The end.</p>"
    assert fold_all(source, Markup.HTML).text == "Page of ponies.\nAcme Ponies Report\nThe end."


def test_a_span_goes_to_the_source_and_back() -> None:
    source = "<p>the cost&nbsp;of <b>f</b>uel</p>"
    folded = fold_all(source, Markup.HTML)
    span = Span(folded.text.index("cost"), len(folded.text))
    assert folded.to_source(span).of(source) == "cost&nbsp;of <b>f</b>uel"
    assert folded.from_source(folded.to_source(span)) == span
    assert folded.slice(span).text == "cost of fuel"


def test_an_empty_span_stays_empty() -> None:
    folded = fold_all("<p>cost</p>", Markup.HTML)
    assert folded.to_source(Span(0, 0)) == Span(3, 3)
    assert folded.to_source(Span(4, 4)) == Span(7, 7)
    assert fold_all("", Markup.TEXT).to_source(Span(0, 0)) == Span(0, 0)


def test_offsets_are_those_of_the_whole_source() -> None:
    source = "<p>one</p><p>two</p>"
    folded = fold(source, 10, 20, Markup.HTML)
    assert folded.text == "two"
    assert folded.to_source(Span(0, 3)) == Span(13, 16)


def test_a_stretch_outside_the_source_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a stretch"):
        fold("abc", 2, 9, Markup.TEXT)


LOOK_ALIKE = """Our ponies carry more mail every year, and we shall pay for their hay by using

<PAGE>

the money of the post office."

This note contains words about the future. Matters that could change it
include: the Company's habit of losing ponies in winter and expected further
losses which could slow the mail; the Company's
mail could be late which may cause a decline
in its price; and other matters named in the Company's
reports.
"""
LOOK_ALIKE_FACTORS = (
    "the Company's habit of losing ponies in winter and expected further\nlosses which could slow the mail",
    "the Company's\nmail could be late which may cause a decline\nin its price",
    "other matters named in the Company's\nreports",
)


def test_factors_of_a_wrapped_release_lie_where_they_lay() -> None:
    folded = fold_all(LOOK_ALIKE, Markup.TEXT)
    assert "by using the money of the post office" in folded.text
    for factor in LOOK_ALIKE_FACTORS:
        start = folded.text.index(factor.replace("\n", " "))
        assert folded.to_source(Span(start, start + len(factor))).of(LOOK_ALIKE) == factor


@pytest.mark.skipif(not SEED.exists(), reason=f"the seed document is not at {SEED}")
def test_the_seed_document_maps_to_its_gold_exactly() -> None:
    gold = json.loads((SEED / "gold.json").read_text())
    source = (SEED / gold["doc"]).read_bytes().decode()
    folded = fold_all(source, Markup.TEXT)
    spans = [Span(factor["start"], factor["end"]) for factor in gold["factors"]] + [
        Span(*s) for s in gold["catch_alls"]
    ]
    for span in spans:
        inside = folded.from_source(span)
        assert folded.to_source(inside) == span
        assert inside.of(folded.text) == " ".join(span.of(source).split())


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        "<!--",
        "<div style='display:none'>",
        "<li>",
        "&amp",
        "[",
        "![",
        "\\u",
        "*",
        "\n",
        "\n12\n<PAGE>\nHead\n",
    ],
)
@pytest.mark.parametrize("markup", list(Markup))
def test_folding_takes_linear_time(piece: str, markup: Markup) -> None:
    def seconds(n: int) -> float:
        source = piece * n
        start = time.perf_counter()
        fold_all(source, markup)
        return time.perf_counter() - start

    seconds(100)
    assert seconds(16_000) < 0.1 + 40 * max(seconds(1_000), 0.001)
