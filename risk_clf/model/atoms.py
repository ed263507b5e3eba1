"""From the folded text of passages to atoms, the smallest stretches the segmenter decides about.

An atom is the words between two delimiters: `,` `;` `:`, sentence ends, line ends, bullets, enumerators, "and", "or",
and the place after words that open a list ("including", "such as", "due to"). A factor is one atom or several in a
row; nothing is ever cut elsewhere. Many passages are laid end to end in flat arrays, so that features are made for
all of them at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Ids = NDArray[np.uint64]

KINDS = ("line", "bullet", "enumerator", "stop", "semicolon", "comma", "colon", "joint", "dash", "opening")
"""Kinds of delimiter, in the order of the columns of `Atoms.kinds`."""

LINE, BULLET, ENUMERATOR, STOP, SEMICOLON, COMMA, COLON, JOINT, DASH, OPENING = range(len(KINDS))

# Takes ";" and the "(iv)" of "; (iv) strikes"; leaves the comma of "1,000" and the points of "U.S. law".
DELIMITER = re.compile(
    r"""
      (?P<line>\n)
    | (?P<bullet>(?<![^\n])(?:[-*o–—§]\ ?){1,3}(?=\ )|[•●▪◦‣■□·])
    | (?P<enumerator>(?<![^\s(;,])\(?(?:[ivxIVX]{1,5}|[a-zA-Z]|\d{1,2})\)
        |(?<![^\n])(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})\.(?=\ ))
    | (?P<stop>[!?](?=\s|$)
        |(?<![.\s(][A-Z])(?<!\bMr)(?<!\bNo)(?<!\bDr)(?<!\bvs)\.
          (?=["')]*(?:\ ["']*[^a-z\s(]|\ \((?:[ivxIVX]{1,5}|[a-zA-Z]|\d{1,2})\)|\n|$)))
    | (?P<semicolon>;)
    | (?P<comma>,(?!\d\d\d))
    | (?P<colon>:(?=\s|$))
    | (?P<joint>(?<!/)\b(?:[Aa]nd|[Oo]r)\b(?!/))
    | (?P<dash>[–—]|(?<=\s)--?(?=\s))
    | (?P<opening>\b(?:includ(?:es?|ing)|such\ as|(?:subject|due|relat(?:ed|ing)|limited)\ to
        |(?:because|results?|effects?|risks?)\ of
        |are|by|involve|comprise|depends?\ (?:up)?on|well\ as|associated\ with|without\ limitation)(?=[\ ,:]))
    """,
    re.VERBOSE,
)

# Takes "company's", "12.5", "$"; leaves white space.
WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*|[^\s\w]|_")

PREFIX_CHARS = 6
"""Words that share so many first letters count as one stem."""


@dataclass(frozen=True, slots=True)
class Atoms:
    """The atoms of some passages in flat arrays; n atoms, t words in all.

    Attributes:
        passage: (n,) which passage, from 0.
        starts, ends: (n,) characters of the passage's text, half-open, first to last word.
        delimiter: (n,) identity of the run of delimiters before the atom.
        kinds: (n, len(KINDS)) how many delimiters of each kind that run holds.
        sentence: (n,) number of the sentence, rising through all passages.
        first: (n,) where the atom's words begin in `words`; they end where the next atom's begin.
        words, stems: (t,) identities of the lower-cased words and of their first letters.
    """

    passage: Ints
    starts: Ints
    ends: Ints
    delimiter: Ids
    kinds: NDArray[np.int8]
    sentence: Ints
    first: Ints
    words: Ids
    stems: Ids

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> Ints:
        """Number of words of each atom, shape (n,)."""
        return np.diff(self.first, append=len(self.words))


def cut_atoms(texts: Sequence[str]) -> Atoms:
    """Cut folded passage texts into atoms; a text without a word has none."""
    passage: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    runs: list[tuple[int, ...]] = []
    first: list[int] = []
    words: list[str] = []
    for number, text in enumerate(texts):
        run: list[int] = []
        position = 0
        for found in [*DELIMITER.finditer(text), None]:
            kind = KINDS.index(found.lastgroup) if found and found.lastgroup else -1
            end = len(text) if found is None else found.end() if kind == OPENING else found.start()
            inside = WORD.findall(text, position, end)
            if inside:
                piece = text[position:end]
                passage.append(number)
                starts.append(position + len(piece) - len(piece.lstrip()))
                ends.append(position + len(piece.rstrip()))
                runs.append(tuple(run))
                first.append(len(words))
                words += inside
                run = []
            if found:
                run.append(kind)
                position = found.end()
    return _atoms(passage, starts, ends, runs, first, words)


def _atoms(
    passage: list[int],
    starts: list[int],
    ends: list[int],
    runs: list[tuple[int, ...]],
    first: list[int],
    words: list[str],
) -> Atoms:
    lowered = [word.lower() for word in words]
    identity = {word: crc32(word.encode()) for word in set(lowered)}
    stem = {word: crc32(word[:PREFIX_CHARS].encode()) for word in identity}
    distinct = {run: number for number, run in enumerate(dict.fromkeys(runs))}
    counted = np.array([[run.count(kind) for kind in range(len(KINDS))] for run in distinct], np.int8).reshape(
        -1, len(KINDS)
    )
    number_of_run = np.array([distinct[run] for run in runs], np.intp)
    kinds = counted[number_of_run]
    passages = np.array(passage, np.int64)
    opens = kinds[:, [LINE, BULLET, STOP]].any(axis=1) | (np.diff(passages, prepend=-1) > 0)
    return Atoms(
        passage=passages,
        starts=np.array(starts, np.int64),
        ends=np.array(ends, np.int64),
        delimiter=np.array([crc32(bytes(run)) for run in distinct], np.uint64)[number_of_run],
        kinds=kinds,
        sentence=np.cumsum(opens) - 1,
        first=np.array(first, np.int64),
        words=np.array([identity[word] for word in lowered], np.uint64),
        stems=np.array([stem[word] for word in lowered], np.uint64),
    )
