"""The one analyzer: text to n-grams, in training as in prediction.

An n-gram is a word, a word's first letters (`paten-`), two such beginnings that follow one another when stop words
are left out (`loss- paten-`), or a beginning among the first of the text (`^loss-`): what comes first is often what a
factor is mainly about.
Beginnings stand for stems: they cost a slice, and on factors they do as well as character n-grams.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from risk_clf.spans import Span

PREFIX_CHARS = 5
"""Letters that stand for a stem; measured best of 4 to 7 together with whole words."""

OPENING_WORDS = 3
"""Words, stop words left out, that count as the text's first."""

# Takes "patents", "12", "$"; leaves punctuation and white space.
TOKEN = re.compile(r"[^\W\d_]+|\d+|[$€£%]")

STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "for",
        "and",
        "or",
        "our",
        "we",
        "us",
        "its",
        "their",
        "that",
        "which",
        "by",
        "with",
        "as",
        "at",
        "from",
        "be",
        "is",
        "are",
        "may",
        "could",
        "would",
        "will",
        "any",
        "company",
        "s",
    ]
)


@dataclass(frozen=True, slots=True)
class Ngram:
    """One n-gram and the places of its one or two words in the text."""

    text: str
    spans: tuple[Span, ...]


def ngrams(text: str) -> list[str]:
    """Give the n-grams of a folded text, with repeats: words, beginnings, pairs of beginnings, first beginnings.

    Example:
        >>> ngrams("Loss of patents")
        ['loss', 'of', 'patents', 'loss-', 'of-', 'paten-', 'loss- paten-', '^loss-', '^paten-']
    """
    words = [word.lower() for word in TOKEN.findall(text)]
    beginnings = [word[:PREFIX_CHARS] + "-" for word in words]
    content = [beginning for beginning, word in zip(beginnings, words, strict=True) if word not in STOP_WORDS]
    pairs = [f"{left} {right}" for left, right in pairwise(content)]
    return words + beginnings + pairs + ["^" + beginning for beginning in content[:OPENING_WORDS]]


def placed_ngrams(text: str) -> Iterator[Ngram]:
    """Give the same n-grams in the same order, each with its place."""
    spans = [Span(*found.span()) for found in TOKEN.finditer(text)]
    words = [span.of(text).lower() for span in spans]
    content = [place for place, word in enumerate(words) if word not in STOP_WORDS]
    pairs = list(pairwise(content))
    places = [(place,) for place in range(len(words))] * 2 + pairs + [(place,) for place in content[:OPENING_WORDS]]
    for ngram, at in zip(ngrams(text), places, strict=True):
        yield Ngram(ngram, tuple(spans[place] for place in at))
