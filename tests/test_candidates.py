"""Candidates: the stretches of a document around its cue phrases, folded."""

from __future__ import annotations

import json
import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_clf.reading.candidates import Candidate, candidates
from risk_clf.reading.document import Document, decode_document, read_document
from risk_clf.spans import Span

REAL = Path(__file__).parent.parent.parent / "shared" / "real"


def document_of(source: str) -> Document:
    return decode_document(source.encode(), "a.txt")


def found_in(source: str) -> list[Candidate]:
    return list(candidates(document_of(source)))


def html_of(body: str) -> str:
    return f"<html><body><div>Ponies</div><div>{body}</div><div>Mules</div></body></html>"


@pytest.mark.parametrize(
    "phrase",
    [
        "This is forward-looking.",
        "Forward Looking Words",
        "FORWARD-LOOKING WORDS",
        "this is forward\nlooking",
        "results may differ materially",
        "results could vary\nmaterially",
        "be materially different from those",
    ],
)
def test_a_cue_phrase_makes_a_candidate(phrase: str) -> None:
    (candidate,) = found_in(f"Ponies.\n\n{phrase}\n\nMules.")
    assert candidate.cues and candidate.folded.text.startswith("Ponies.\n")
    assert candidate.folded.text.endswith("\nMules.")


@pytest.mark.parametrize(
    "phrase",
    [
        "forward&#8209;looking",
        "forward&#8209;<span>looking</span>",
        "forward<b>-</b>looking",
        "forward<font size='2' face='Times New Roman'>-</font>\n<font size='2'>looking",
        "for<i>ward-</i>looking",
        "forward&nbsp;looking",
        "differ</span>\n<span style='color:black'>materially",
    ],
)
def test_a_cue_phrase_is_found_through_markup(phrase: str) -> None:
    (candidate,) = found_in(html_of(phrase))
    assert candidate.cues
    assert candidate.folded.text.split("\n")[0] == "Ponies"


@pytest.mark.parametrize(
    "text", ["We look forward.", "looking forward to it", "materially lower", "precautionary steps", ""]
)
def test_text_without_a_cue_gives_no_candidate(text: str) -> None:
    assert found_in(f"Ponies.\n\n{text}") == []


def test_a_document_without_parts_gives_no_candidate() -> None:
    assert list(candidates(Document("a", "", "forward-looking", "utf-8", ()))) == []


def test_cues_lie_in_the_folded_text() -> None:
    (candidate,) = found_in(html_of("These forward-<b>looking</b> words may differ&nbsp;materially."))
    assert [cue.of(candidate.folded.text) for cue in candidate.cues] == ["forward-looking", "differ materially"]


PARAGRAPHS = "\n\n".join(f"Paragraph {number} is about the ponies of the mail." for number in range(2_000))


def test_a_window_holds_whole_paragraphs() -> None:
    source = PARAGRAPHS.replace("Paragraph 1000 is", "Paragraph 1000 is forward-looking and")
    (candidate,) = found_in(source)
    lines = candidate.folded.text.split("\n")
    assert 50 < len(lines) < 400
    assert all(re.fullmatch(r"Paragraph \d+ is .*mail\.", line) for line in lines)


@pytest.mark.parametrize("opening", ["", "<html><body><div>", "<html><body><div><pre>"])
def test_a_cue_late_in_a_long_paragraph_keeps_the_paragraph(opening: str) -> None:
    long = (
        "the ponies of the mail and\n" * 200
        + "words that are forward-looking and\n"
        + "the mules of the mail and\n" * 200
    )
    source = f"{opening}{'Ponies run.' if opening else 'Ponies run.' * 30}\n\n{long}\n\nMules walk.</div><br><p>x</p>"
    (candidate,) = found_in(source)
    assert candidate.folded.text.count("ponies of the mail") == 200
    assert "mules of the mail and the mules" in candidate.folded.text


def test_a_list_is_followed_to_its_end() -> None:
    items = "\n".join(
        f"<div>&#8226; the loss of pony {number}, our best in the whole of the north</div>" for number in range(900)
    )
    (candidate,) = found_in(html_of("Results may differ materially owing to:</div>" + items + "<div>That is all."))
    assert candidate.folded.text.count("• the loss") == 900


def test_windows_that_meet_are_one_and_others_never_overlap() -> None:
    source = PARAGRAPHS
    for number in (100, 110, 1_000, 1_080, 1_900):
        source = source.replace(f"Paragraph {number} is", f"Paragraph {number} is forward-looking and")
    found = found_in(source)
    assert [len(candidate.cues) for candidate in found] == [2, 2, 1]
    for before, after in pairwise(found):
        assert before.folded.ends[-1] <= after.folded.starts[0]


def test_a_candidate_keeps_to_its_part() -> None:
    parts = "".join(
        f"<DOCUMENT>\n<TYPE>{kind}\n<TEXT>\n{kind} is forward-looking.\n</TEXT>\n</DOCUMENT>\n"
        for kind in ("8-K", "EX-99")
    )
    found = found_in("forward-looking head\n" + parts)
    assert [(candidate.part.type, candidate.folded.text) for candidate in found] == [
        ("8-K", "8-K is forward-looking."),
        ("EX-99", "EX-99 is forward-looking."),
    ]


@given(
    st.lists(
        st.sampled_from(
            [
                "forward-",
                "looking ",
                "differ ",
                "materially ",
                "ponies ",
                "<p>",
                "</div>",
                "\n\n",
                "\n",
                "<li>",
                "•",
                "&#8209;",
            ]
        ),
        max_size=60,
    ).map("".join)
)
def test_candidates_are_true_to_any_source(source: str) -> None:
    end = 0
    for candidate in found_in(source or "x"):
        folded = candidate.folded
        assert candidate.cues == tuple(sorted(set(candidate.cues)))
        assert all(Span(0, len(folded.text)).contains(cue) for cue in candidate.cues)
        assert end <= folded.starts[0] and folded.ends[-1] <= len(source)
        end = int(folded.ends[-1])


@pytest.mark.parametrize(
    "piece",
    [
        "forward-looking ",
        "looking ",
        "<forward-looking ",
        "<p>looking",
        "• differ materially;\n",
        "materially\n\n" * 300,
    ],
)
def test_finding_takes_linear_time(piece: str) -> None:
    def seconds(n: int) -> float:
        document = document_of(html_of(piece * (n // len(piece) + 1)))
        start = time.perf_counter()
        list(candidates(document))
        return time.perf_counter() - start

    seconds(10_000)  # what is done once is done here
    assert seconds(320_000) < 0.2 + 40 * max(seconds(20_000), 0.001)


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def test_a_list_without_end_takes_linear_time() -> None:
    def seconds(n: int) -> float:
        document = document_of("Results may differ materially.\n\n" + "• rain\n\n" * n)
        start = time.perf_counter()
        list(candidates(document))
        return time.perf_counter() - start

    seconds(100)
    assert seconds(32_000) < 0.2 + 40 * max(seconds(2_000), 0.001)


@pytest.mark.skipif(not REAL.exists(), reason=f"the real disclosures are not at {REAL}")
def test_nearly_every_annotated_passage_lies_in_one_candidate() -> None:
    # The annotated text keeps page numbers, which a fold leaves out: up to two pieces of it may be missing.
    n_found = n_passages = 0
    for line in (REAL / "passages.jsonl").read_text(encoding="utf-8").splitlines():
        passage = json.loads(line)
        if not passage["doc"].endswith((".md", ".json", ".txt")):  # the others take too long for a test
            continue
        n_passages += 1
        pieces = [_letters(passage["text"][at : at + 60]) for at in range(0, len(passage["text"]), 60)]
        texts = [_letters(c.folded.text) for c in candidates(read_document(REAL / "docs" / passage["doc"]))]
        n_found += any(sum(piece in text for piece in pieces) >= len(pieces) - 2 for text in texts)
    assert n_found == n_passages
