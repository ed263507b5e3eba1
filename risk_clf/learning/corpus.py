"""Annotated passages read from files and checked whole: every fault is named with its line before training begins."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from risk_clf.errors import CorpusError
from risk_clf.reading.folding import Markup, fold, one_line
from risk_clf.spans import Span, trim
from risk_clf.taxonomy import OTHER_RISK, Taxonomy

TAXONOMY_FILE = "taxonomy.toml"
SAME_SHINGLES = 0.5
"""Jaccard likeness of five-word shingles from which two passages count as near-duplicates."""


@dataclass(frozen=True, slots=True)
class AnnotatedFactor:
    """A gold factor: its span in the passage's folded text, and its labels (or `other_risk`), main one first."""

    span: Span
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnnotatedPassage:
    """A gold passage, folded as prediction folds it; spans are sorted and disjoint."""

    id: str
    filer: str
    text: str
    factors: tuple[AnnotatedFactor, ...]
    catch_alls: tuple[Span, ...]
    style: str | None = None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A folded paragraph that is not cautionary."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """What a model learns from or is measured on. `digest` is the sha256 of the files read, in order."""

    passages: tuple[AnnotatedPassage, ...]
    paragraphs: tuple[Paragraph, ...]
    digest: str

    @property
    def n_factors(self) -> int:
        """Number of factors of all passages."""
        return sum(len(passage.factors) for passage in self.passages)

    def label_counts(self) -> Counter[str]:
        """Count the factors that bear each label."""
        return Counter(label for passage in self.passages for factor in passage.factors for label in factor.labels)


def corpus_files(path: Path, part: str) -> tuple[Path, ...]:
    """Give the .jsonl files a path stands for: the file itself, those of its folder `part`, or those in the folder.

    Raises:
        CorpusError: there is none.
    """
    if path.is_file():
        return (path,)
    folder = path / part if (path / part).is_dir() else path
    found = tuple(sorted(folder.glob("*.jsonl"))) if folder.is_dir() else ()
    if not found:
        raise CorpusError(f"{path}: no annotated passages there; name a .jsonl file or a folder that holds some")
    return found


def find_taxonomy(path: Path) -> Path | None:
    """Find the taxonomy file beside or above a corpus path, one folder up at most."""
    folders = [path, path.parent] if path.is_dir() else [path.parent, path.parent.parent]
    return next((folder / TAXONOMY_FILE for folder in folders if (folder / TAXONOMY_FILE).is_file()), None)


def load_corpus(paths: Sequence[Path], taxonomy: Taxonomy, part: str = "train") -> Corpus:
    """Read annotated passages and paragraphs that are not cautionary from .jsonl files.

    A line is an object with `text`; one with `factors` (each `start`, `end`, `labels`) is a passage, one without a
    paragraph. Offsets are code points of `text`, half-open. `catch_alls` (pairs of `start`, `end`), `filer` and `style`
    are read where they are given; a passage that names no filer is its own.

    Args:
        paths: files, or folders of them; of a folder with a folder `part` in it, that one.
        taxonomy: the labels there are.
        part: "train" or "test".

    Raises:
        CorpusError: carries every fault found, each with file and line.
    """
    passages: list[AnnotatedPassage] = []
    paragraphs: list[Paragraph] = []
    faults: list[str] = []
    digest = hashlib.sha256()
    for path in (file for given in paths for file in corpus_files(given, part)):
        try:
            data = path.read_bytes()
            lines = data.decode("utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{path}: cannot be read ({error}); save it as UTF-8")
            continue
        digest.update(data)
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            try:
                row = _row(line)
                if "factors" in row:
                    passages.append(_passage(row, f"{path.name}:{number}", taxonomy))
                else:
                    text = one_line(fold(row["text"], 0, len(row["text"]), Markup.LINES).text)
                    paragraphs.append(Paragraph(str(row.get("id", number)), text))
            except CorpusError as error:
                faults += [f"{where}: {fault}" for fault in error.faults]
    if faults:
        raise CorpusError(faults)
    return Corpus(tuple(passages), tuple(paragraphs), digest.hexdigest())


KNOWN_FIELDS = frozenset(
    [
        "id",
        "filer",
        "text",
        "factors",
        "catch_alls",
        "style",
        "register",
        "industry",
        "year",
        "form",
        "doc",
        "kind",
        "near_miss",
    ]
)


def _row(line: str) -> dict[str, Any]:
    """Read a line as an object whose fields are of the right kind."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"not JSON ({error}); write one object a line") from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise CorpusError("not an annotated passage; it takes an object with text (a string) and factors (a list)")
    faults = [f"field '{name}' is unknown; mend its name or leave it out" for name in row.keys() - KNOWN_FIELDS]
    faults += [
        f"{name} is not a string; put it in quotes"
        for name in ("id", "filer", "style")
        if not isinstance(row.get(name, ""), str | None)
    ]
    factors, catch_alls = row.get("factors", []), row.get("catch_alls", [])
    if not isinstance(factors, list) or not all(map(_is_factor, factors)):
        faults.append("factors: each takes start and end (whole numbers) and labels (a list of strings)")
    if not isinstance(catch_alls, list) or not all(
        isinstance(pair, list) and _are_places(*pair) for pair in catch_alls
    ):
        faults.append("catch_alls: each takes a start and an end (whole numbers)")
    if faults:
        raise CorpusError(sorted(faults))
    return row


def _is_factor(factor: object) -> bool:
    if not isinstance(factor, dict) or not _are_places(factor.get("start"), factor.get("end")):
        return False
    labels = factor.get("labels")
    return isinstance(labels, list) and all(isinstance(label, str) for label in labels)


def _are_places(*places: object) -> bool:
    return len(places) == 2 and all(type(place) is int for place in places)


def _passage(row: dict[str, Any], name: str, taxonomy: Taxonomy) -> AnnotatedPassage:
    text: str = row["text"]
    marked: list[tuple[int, int, tuple[str, ...] | None]] = [
        (factor["start"], factor["end"], tuple(factor["labels"])) for factor in row["factors"]
    ]
    marked += [(start, end, None) for start, end in row.get("catch_alls", ())]
    marked.sort(key=lambda mark: mark[:2])
    faults = list(_faults(text, marked, taxonomy))
    if faults:
        raise CorpusError(faults)
    folded = fold(text, 0, len(text), Markup.LINES)
    placed = [(trim(folded.text, folded.from_source(Span(start, end))), labels) for start, end, labels in marked]
    faults = [
        f"span {start}-{end} holds nothing that can be seen; mend its offsets"
        for (start, end, _), (span, _) in zip(marked, placed, strict=True)
        if not len(span)
    ]
    if faults:
        raise CorpusError(faults)
    identity = row.get("id") or name
    return AnnotatedPassage(
        id=identity,
        filer=row.get("filer") or identity,
        text=folded.text,
        factors=tuple(AnnotatedFactor(span, labels) for span, labels in placed if labels is not None),
        catch_alls=tuple(span for span, labels in placed if labels is None),
        style=row.get("style"),
    )


def _faults(text: str, marked: Sequence[tuple[int, int, tuple[str, ...] | None]], taxonomy: Taxonomy) -> Iterator[str]:
    end_before = 0
    for start, end, labels in marked:
        name = f"span {start}-{end}"
        if not 0 <= start < end <= len(text):
            yield f"{name} is not within the {len(text)} characters of the text; mend its offsets (half-open)"
        elif start < end_before:
            yield f"{name} overlaps the one before it, which ends at {end_before}; mend one of them"
        end_before = max(end_before, end)
        if labels is None:
            continue
        if not labels:
            yield f"{name} has no label; give one, or '{OTHER_RISK}'"
        for label in labels:
            if fault := taxonomy.fault_of(label):
                yield fault
        if len(set(labels)) < len(labels):
            yield f"{name} bears a label twice; name each once"


def near_duplicates(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Give the pairs of texts, by position, whose sets of five-word shingles are alike (Broder 1997)."""
    import numpy as np
    from sklearn.feature_extraction.text import CountVectorizer

    if len(texts) < 2 or not any(len(text.split()) >= 5 for text in texts):
        return []
    shingles = CountVectorizer(ngram_range=(5, 5), binary=True, token_pattern=r"\w+", dtype=np.int32).fit_transform(
        texts
    )
    shared = (shingles @ shingles.T).tocoo()
    sizes = np.asarray(shingles.sum(axis=1)).ravel()
    alike = shared.data >= SAME_SHINGLES * (sizes[shared.row] + sizes[shared.col] - shared.data)
    return [
        (int(left), int(right))
        for left, right in zip(shared.row[alike], shared.col[alike], strict=True)
        if left < right
    ]


def together(passages: Sequence[AnnotatedPassage]) -> list[int]:
    """Number the passages so that those of one filer, and near-duplicates, share a number: no split may part them."""
    parent = list(range(len(passages)))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    first_of: dict[str, int] = {}
    pairs = [(number, first_of.setdefault(passage.filer, number)) for number, passage in enumerate(passages)]
    for left, right in pairs + near_duplicates([passage.text for passage in passages]):
        parent[max(root(left), root(right))] = min(root(left), root(right))
    return [root(number) for number in range(len(passages))]
