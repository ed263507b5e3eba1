"""The one analyzer: text to n-grams, in training as in prediction.

An n-gram is a word, a word's first letters (`paten-`), two such beginnings that follow one another when stop words
are left out (`loss- paten-`), or a beginning among the first of the text (`^loss-`): what comes first is often what a
factor is mainly about.
Beginnings stand for stems: they cost a slice, and on factors they do as well as character n-grams.
"""

from __future__ import annotations

import re
from itertools import pairwise

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
