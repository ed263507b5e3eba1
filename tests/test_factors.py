"""Segmenting: nothing is lost, the way through the tags is the best one, and the seed document is read right."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_clf.model.atoms import WORD, cut_atoms
from risk_clf.model.model import Model
from risk_clf.model.store import load_model
from risk_clf.model.tagger import (
    _STEPS,
    CATCH_ALL_INSIDE,
    FACTOR,
    FACTOR_INSIDE,
    OUTSIDE,
    TAGS,
    Place,
    best_path,
    list_places,
)
from risk_clf.reading.analysis import analyze
from risk_clf.reading.document import decode_document, read_document
from risk_clf.reading.factors import Role, segment
from risk_clf.reading.folding import Markup, fold

ANY, IN, NEXT, COMMA, LINE = Place.ANYWHERE, Place.INSIDE_ITEM, Place.BETWEEN_ITEMS, Place.COMMA, Place.NEW_LINE
FIRST = Place.FIRST_ITEM

WORDS = st.sampled_from(
    [
        "risks",
        "include",
        "drought",
        "and",
        "or",
        ",",
        ";",
        ":",
        ".",
        "\n",
        "•",
        "(1)",
        "(ii)",
        "such as",
        "U.S.",
        "Our",
        "1,000",
        "—",
        "tax",
        "the",
    ]
)
TEXTS = st.lists(WORDS, max_size=40).map(lambda words: " ".join(words))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("drought; strikes", ["drought", "strikes"], id="semicolon"),
        pytest.param("a cost of 1,000 dollars", ["a cost of 1,000 dollars"], id="comma inside a number"),
        pytest.param("the U.S. economy", ["the U.S. economy"], id="points of initials"),
        pytest.param("It fell. We rose.", ["It fell", "We rose"], id="sentences"),
        pytest.param("• drought\n• strikes", ["drought", "strikes"], id="bullets"),
        pytest.param("(i) drought, (ii) strikes", ["drought", "strikes"], id="enumerators"),
        pytest.param("drought (or frost) and strikes", ["drought (", "frost)", "strikes"], id="joints"),
        pytest.param("factors including drought", ["factors including", "drought"], id="words that open a list"),
        pytest.param("", [], id="empty"),
        pytest.param(" ;; , \n", [], id="delimiters only"),
    ],
)
def test_atoms_are_the_words_between_delimiters(text: str, expected: list[str]) -> None:
    atoms = cut_atoms([text])
    assert [text[start:end] for start, end in zip(atoms.starts, atoms.ends, strict=True)] == expected


@given(st.lists(TEXTS, max_size=4))
def test_no_word_is_lost_between_atoms(texts: list[str]) -> None:
    atoms = cut_atoms(texts)
    for number in range(len(texts)):
        position = 0
        for start, end in zip(atoms.starts[atoms.passage == number], atoms.ends[atoms.passage == number], strict=True):
            assert position <= start < end
            position = end
    assert len(atoms.words) == sum(
        len(WORD.findall(texts[p][s:e])) for p, s, e in zip(atoms.passage, atoms.starts, atoms.ends, strict=True)
    )


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXTS, max_size=3))
def test_pieces_are_disjoint_and_in_order_and_a_batch_reads_as_one_by_one(texts: list[str]) -> None:
    tagger = load_model().segmenter
    folded = [fold(text, 0, len(text), Markup.LINES).text for text in texts]
    together = segment(folded, tagger)
    assert together == tuple(segment([text], tagger)[0] for text in folded)
    for text, pieces in zip(folded, together, strict=True):
        bounds = [bound for piece in pieces for bound in (piece.span.start, piece.span.end)]
        assert bounds == sorted(bounds)
        atoms = cut_atoms([text])
        covered = sum(len(atoms.starts[(atoms.starts >= p.span.start) & (atoms.ends <= p.span.end)]) for p in pieces)
        assert covered == len(atoms)


def test_the_best_path_is_the_best_of_all_paths() -> None:
    random = np.random.default_rng(5)
    for _ in range(20):
        proba = random.dirichlet(np.ones(len(TAGS)), size=5)
        places = random.integers(0, len(Place), size=5)

        def score(path: tuple[int, ...], proba: np.ndarray = proba, places: np.ndarray = places) -> float:
            total = _STEPS[0][OUTSIDE, path[0]] + np.log(proba[0, path[0]])
            for row in range(1, 5):
                total += _STEPS[places[row]][path[row - 1], path[row]] + np.log(proba[row, path[row]])
            return float(total)

        best = max(itertools.product(range(len(TAGS)), repeat=5), key=score)
        assert score(best_path(proba, places)) == pytest.approx(score(best))


def test_a_path_never_goes_on_with_what_has_not_begun() -> None:
    proba = np.zeros((3, len(TAGS)))
    proba[:, FACTOR_INSIDE] = 1
    assert best_path(proba, np.zeros(3, np.int64))[0] != FACTOR_INSIDE
    assert FACTOR in best_path(proba, np.zeros(3, np.int64))
    proba[2] = np.eye(len(TAGS))[CATCH_ALL_INSIDE]
    assert best_path(proba, np.zeros(3, np.int64))[2] != CATCH_ALL_INSIDE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Rates, taxes and wars", [ANY, COMMA, COMMA], id="running text"),
        pytest.param(
            "Risks:\n• rain, frost. It hurts; often\n• war", [ANY, LINE, IN, IN, IN, NEXT], id="bulleted line"
        ),
        pytest.param("Risks include rain, or frost; war; tax.", [ANY, ANY, FIRST, NEXT, NEXT], id="semicolons"),
        pytest.param("as (i) rain, frost, (ii) war", [ANY, ANY, IN, NEXT], id="numbers in running text"),
        pytest.param("Rain.\nWar.", [ANY, LINE], id="lines"),
    ],
)
def test_a_list_is_taken_at_its_own_level(text: str, expected: list[Place]) -> None:
    assert list_places(cut_atoms([text])).tolist() == expected


def read_seed(path: Path, model: Model) -> list[tuple[int, int, str]]:
    """Read a document and give place and main label of its factors."""
    analysis = analyze(read_document(path), model)
    assert len(analysis.passages) == 1
    return [(factor.span.start, factor.span.end, factor.labelling.labels[0].label) for factor in analysis.factors]


def test_the_seed_document_is_read_right(shared: Path, default_model: Model) -> None:
    path = shared / "seed" / "000_6072c9a485f1d2ca.txt"
    gold = json.loads((shared / "seed" / "gold.json").read_text())
    assert read_seed(path, default_model) == [(g["start"], g["end"], g["labels"][0]) for g in gold["factors"]]
    (passage,) = analyze(read_document(path), default_model).passages
    catch_alls = [[piece.span.start, piece.span.end] for piece in passage.pieces if piece.role is Role.CATCH_ALL]
    assert catch_alls == gold["catch_alls"]
    text = path.read_text()
    assert text[passage.span.start :].startswith("This release contains forward-looking statements")
    assert text[: passage.span.end].endswith("Securities and Exchange Commission.")


LOOK_ALIKE = """\
                              FOR IMMEDIATE RELEASE

Lisbon, May 7, 2001 - Tagus Online S.A. (Nasdaq: TAGO) today named a new head of
its cable division. The board thanked Ms. Ferraz for her service and said that
subscribers will notice no change.

Statements in this announcement that look ahead are forward-looking statements
and subject to risks and uncertainties. Among the factors which could cause
results to differ materially from those statements are: volatility or a fall in
the market price of Tagus Online's shares as its quarterly results fluctuate;
the risk that the prices Tagus Online charges will not cover what it pays
for bandwidth and leased capacity; a lack of liquidity should its sources
of cash in Portugal, on which it draws at present for every need, prove
                                        2
<PAGE>

insufficient; Tagus Online's record of net losses and the losses it expects in
future; and the other risks described in its annual report on Form 20-F.

Head Office: Rua do Arsenal 15, 1100 Lisbon. Telephone 351-21-555-0100.

                                      # # #
"""


def test_another_company_order_and_wording_are_read_alike(default_model: Model) -> None:
    analysis = analyze(decode_document(LOOK_ALIKE.encode(), "tagus.txt"), default_model)
    assert [factor.labelling.labels[0].label for factor in analysis.factors] == [
        "stock_volatility",
        "bandwidth_pricing",
        "liquidity",
        "operating_losses",
    ]
    assert analysis.factors[2].text == (
        "a lack of liquidity should its sources of cash in Portugal, on which it draws at present for every need, "
        "prove insufficient"
    )
    assert [LOOK_ALIKE[p.span.start : p.span.end] for p in analysis.passages[0].pieces if p.role is Role.CATCH_ALL] == [
        "the other risks described in its annual report on Form 20-F"
    ]
    assert "Rua do Arsenal" not in LOOK_ALIKE[analysis.passages[0].span.start : analysis.passages[0].span.end]
