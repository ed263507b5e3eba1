"""The corpus: faults are all named with their lines, and its two parts share no filer and no near-duplicate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import ROOT

from risk_clf.errors import CorpusError
from risk_clf.learning.corpus import AnnotatedPassage, load_corpus, near_duplicates, together
from risk_clf.taxonomy import load_taxonomy, parse_taxonomy

TAXONOMY = load_taxonomy(ROOT / "corpus" / "taxonomy.toml")


def row(**changes: object) -> str:
    """Write a line of a corpus: one passage with one factor."""
    whole = {
        "id": "p",
        "text": "Risks: drought; strikes.",
        "factors": [{"start": 7, "end": 14, "labels": ["catastrophes"]}],
    }
    return json.dumps({**whole, **changes})


def load(tmp_path: Path, *lines: str) -> tuple[AnnotatedPassage, ...]:
    """Write a corpus file and read it."""
    path = tmp_path / "some.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return load_corpus([path], TAXONOMY).passages


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param(
            row(factors=[{"start": 7, "end": 14, "labels": ["liquidty"]}]),
            "did you mean 'liquidity'",
            id="unknown label",
        ),
        pytest.param(
            row(factors=[{"start": 7, "end": 14, "labels": ["tax"]}, {"start": 10, "end": 20, "labels": ["tax"]}]),
            "overlaps",
            id="overlap",
        ),
        pytest.param(
            row(factors=[{"start": 7, "end": 999, "labels": ["tax"]}]),
            "not within the 24 characters",
            id="beyond the text",
        ),
        pytest.param(row(factors=[{"start": 7, "end": 14, "labels": []}]), "has no label", id="no label"),
        pytest.param(row(factors=[{"start": 7, "end": 14, "labels": ["tax", "tax"]}]), "twice", id="label twice"),
        pytest.param(row(factors=[{"start": 6, "end": 7, "labels": ["tax"]}]), "can be seen", id="blank factor"),
        pytest.param(row(text="\u200b" * 20), "can be seen", id="factor of zero-width marks"),
        pytest.param(row(catch_alls=[[10, 20]]), "overlaps", id="catch-all over factor"),
        pytest.param(row(catch_alls=[10, 20]), "catch_alls: each takes", id="catch-alls that are no pairs"),
        pytest.param(row(text=5), "not an annotated passage", id="text of another kind"),
        pytest.param(row(style=["x"]), "style is not a string", id="style of another kind"),
        pytest.param(row(fctors=[]), "field 'fctors' is unknown", id="misspelt field"),
        pytest.param(
            row(factors=[{"start": 0.5, "end": 3, "labels": ["tax"]}]), "whole numbers", id="half a character"
        ),
        pytest.param(
            row(factors=[{"start": 0, "end": 3, "labels": "tax"}]), "list of strings", id="labels in one string"
        ),
        pytest.param(
            row(factors=[{"start": 7, "end": 14, "labels": ["zzz"]}]), "not in the taxonomy; take", id="far label"
        ),
        pytest.param("{'id': 1}", "not JSON", id="not JSON"),
        pytest.param("[" * 100_000, "not JSON", id="nested without end"),
        pytest.param('{"id": "x"}', "not an annotated passage", id="no text"),
    ],
)
def test_a_fault_is_named_with_its_line_and_the_way_out(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message) as caught:
        load(tmp_path, row(), line)
    assert all(f"{tmp_path}/some.jsonl:2: " in fault for fault in caught.value.faults)


def test_every_fault_is_carried(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        load(tmp_path, "nonsense", row(), row(factors=[{"start": 0, "end": 0, "labels": ["tux"]}]))
    assert [fault.split(":")[1] for fault in caught.value.faults] == ["1", "3", "3"]


def test_spans_follow_the_text_when_it_is_folded(tmp_path: Path) -> None:
    text = "Risks:\n•\n  “drought”\u00a0and\u200b heat;\n• strikes."
    start, end = text.index("“"), text.index(";")
    (passage,) = load(tmp_path, row(text=text, factors=[{"start": start, "end": end, "labels": ["catastrophes"]}]))
    assert passage.text == 'Risks:\n• "drought" and heat;\n• strikes.'
    assert passage.factors[0].span.of(passage.text) == '"drought" and heat'


def test_a_missing_corpus_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no annotated passages there"):
        load_corpus([tmp_path / "nowhere"], TAXONOMY)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        pytest.param("version = ", "not valid TOML", id="not TOML"),
        pytest.param("version = 1", "field 'group' is missing", id="no groups"),
        pytest.param(
            'version = 1\ngroup = []\n[[label]]\nkey="a"\ngroup="g"\ntitle=""\ndefinition=""\nnot_here=""',
            "unknown group 'g'",
            id="group",
        ),
        pytest.param("version = 1\ngroup = []\nlabel = []", "no labels", id="no labels"),
    ],
)
def test_a_taxonomy_with_a_fault_says_which(toml: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        parse_taxonomy(toml)


def test_near_duplicates_are_found_and_strangers_are_not() -> None:
    words = "one two three four five six seven eight nine ten eleven twelve"
    assert near_duplicates([words, "quite another text of more than five words", words + " thirteen"]) == [(0, 2)]


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_readme_counts_what_the_corpus_holds(part: str) -> None:
    corpus = load_corpus([ROOT / "corpus"], TAXONOMY, part)
    counts = f"{len(corpus.passages):,} | {corpus.n_factors:,} | {len(corpus.paragraphs):,} |"
    assert f"| `{part}/` | {counts}" in (ROOT / "corpus" / "README.md").read_text()


def test_train_and_test_share_no_filer_and_no_near_duplicate() -> None:
    train = load_corpus([ROOT / "corpus" / "train"], TAXONOMY).passages
    test = load_corpus([ROOT / "corpus"], TAXONOMY, part="test").passages
    numbers = together([*train, *test])
    assert not set(numbers[: len(train)]) & set(numbers[len(train) :])
