"""The segmenter's head: which atoms begin, continue or stand outside a factor or a catch-all.

Features are indicator n-grams over words, delimiters and the layout around an atom, hashed into a fixed table
(Weinberger et al. 2009, "Feature hashing for large scale multitask learning"), one logistic regression a tag. The
reading of a passage is the best path through the tags that may follow one another, at a cost where it breaks the
grammar of lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from risk_clf.model.atoms import (
    BULLET,
    COLON,
    COMMA,
    ENUMERATOR,
    JOINT,
    KINDS,
    LINE,
    OPENING,
    SEMICOLON,
    STOP,
    Atoms,
    Ids,
    Ints,
)
from risk_clf.model.linear import sigmoid

TAGS = ("outside", "factor", "factor_inside", "catch_all", "catch_all_inside")
OUTSIDE, FACTOR, FACTOR_INSIDE, CATCH_ALL, CATCH_ALL_INSIDE = range(len(TAGS))

TABLE_BITS = 17
"""Size of the hashed feature table: 2^17 rows; twice as many are worth 0.00 to 0.004 of strict F1."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Features:
    """Hashed indicator features of n atoms in compressed rows: row i holds `columns[indptr[i]:indptr[i + 1]]`."""

    columns: Ints
    indptr: Ints


@dataclass(frozen=True, slots=True)
class Tagger:
    """One fitted logistic regression a tag.

    Attributes:
        weights: (2^TABLE_BITS, len(TAGS)), a row for each place of the feature table.
        intercepts: (len(TAGS),).
    """

    weights: NDArray[np.float32]
    intercepts: NDArray[np.float32]

    def probabilities(self, features: Features) -> Floats:
        """Give the probability of each tag for each atom, shape (n, len(TAGS)), rows summing to one."""
        rows = self.weights[features.columns].astype(np.float64)
        logits = np.add.reduceat(np.vstack([rows, np.zeros((1, len(TAGS)))]), features.indptr[:-1]) + self.intercepts
        proba = sigmoid(np.asarray(logits, np.float64))
        return np.asarray(proba / proba.sum(axis=1, keepdims=True))


# ---- features -----------------------------------------------------------------------------------

_MIX = np.uint64(0x9E3779B97F4A7C15)


def _bucket(slot: int, *identities: Ids | Ints) -> Ints:
    """Hash a slot number and identities, element by element, to a row of the table."""
    mixed: Ids = np.full(np.shape(identities[0]), slot, np.uint64)
    for identity in identities:
        mixed = (mixed ^ identity.astype(np.uint64)) * _MIX
        mixed ^= mixed >> np.uint64(32)
    return np.asarray(mixed & np.uint64((1 << TABLE_BITS) - 1), np.int64)


def _size(counts: Ints) -> Ints:
    """Put counts into classes that widen as they grow."""
    return np.minimum(np.log2(counts + 1) * 1.5, 9).astype(np.int64)


class _Rows:
    """Collects features slot by slot; each slot has its own hash space."""

    def __init__(self, n: int) -> None:
        self.n, self.slot = n, 0
        self.rows: list[Ints] = []
        self.columns: list[Ints] = []

    def each(self, *identities: Ids | Ints) -> None:
        """Add one feature to every row."""
        self.slot += 1
        self.rows.append(np.arange(self.n))
        self.columns.append(_bucket(self.slot, *identities))

    def bag(self, rows: Ints, *identities: Ids | Ints) -> None:
        """Add a set of features to the rows named."""
        self.slot += 1
        self.rows.append(rows)
        self.columns.append(_bucket(self.slot, *identities))

    def features(self) -> Features:
        """Sort by row and drop repeats."""
        if not self.n:
            return Features(np.zeros(0, np.int64), np.zeros(1, np.int64))
        keys = np.sort((np.concatenate(self.rows) << TABLE_BITS) | np.concatenate(self.columns))
        keys = keys[np.diff(keys, prepend=-1) > 0]
        indptr = np.searchsorted(keys, np.arange(self.n + 1) << TABLE_BITS)
        return Features(keys & ((1 << TABLE_BITS) - 1), indptr)


def _ranges(first: Ints, lengths: Ints) -> tuple[Ints, Ints]:
    """Spell out ranges: for each range i, `lengths[i]` times i, and first[i], first[i] + 1, ..."""
    owners = np.repeat(np.arange(len(first)), lengths)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return owners, first[owners] + within


class _Neighbours:
    """Looks at the atoms or sentences before and after, never across a passage's edge."""

    def __init__(self, passage: Ints) -> None:
        self.passage = passage

    def at(self, values: Ids | Ints, offset: int, missing: int = 0) -> Ids:
        """Give for each element the value of the one `offset` places on."""
        n = len(values)
        index = np.arange(n) + offset
        inside = (index >= 0) & (index < n)
        index = np.where(inside, index, 0)
        inside &= self.passage[index] == self.passage
        return np.where(inside, values[index], missing).astype(np.uint64)


def layout_features(atoms: Atoms) -> Features:
    """Make the first round's features."""
    n = len(atoms)
    rows = _Rows(n)
    if not n:
        return rows.features()
    beside_ = _Neighbours(atoms.passage).at
    lengths = atoms.lengths
    last = atoms.first + lengths - 1
    word1 = atoms.words[atoms.first]
    word2 = np.where(lengths > 1, atoms.words[np.minimum(atoms.first + 1, last)], 1).astype(np.uint64)
    word3 = np.where(lengths > 2, atoms.words[np.minimum(atoms.first + 2, last)], 1).astype(np.uint64)
    end1 = atoms.words[last]
    end2 = np.where(lengths > 1, atoms.words[np.maximum(last - 1, atoms.first)], 1).astype(np.uint64)
    size = _size(lengths)
    before, after = atoms.delimiter, beside_(atoms.delimiter, 1)
    before_that = beside_(atoms.delimiter, -1)
    ended1, ended2 = beside_(end1, -1), beside_(end2, -1)
    next1, next2 = beside_(word1, 1), beside_(word2, 1)

    for identities in (
        (before,), (after,), (before_that,), (before, after), (before_that, before), (before_that, before, after),
        (word1,), (word1, word2), (word1, word2, word3), (end1,), (end2, end1), (before, word1), (after, end1),
        (ended1,), (ended2, ended1), (beside_(word1, -1),), (beside_(word1, -1), before),
        (next1,), (next1, next2), (beside_(end1, 1),), (ended1, before, word1), (end1, after, next1), (after, next1),
        (size,), (size, before, after), (beside_(size, -1),), (beside_(size, 1),), (beside_(size, -1), size, before),
    ):  # fmt: skip
        rows.each(*identities)

    # What stands in the sentence, and where in it the atom stands.
    sentence = atoms.sentence
    n_sentences = int(sentence[-1]) + 1
    first_atom = np.searchsorted(sentence, np.arange(n_sentences + 1))
    n_atoms = np.diff(first_atom)
    rank = np.arange(n) - first_atom[sentence]
    totals = np.add.reduceat(atoms.kinds.astype(np.int64), first_atom[:-1], axis=0)
    passage_first = np.searchsorted(atoms.passage, np.arange(atoms.passage[-1] + 2))
    passage_totals = np.add.reduceat(
        np.vstack([atoms.kinds, np.zeros((1, len(KINDS)), np.int8)]).astype(np.int64), passage_first[:-1]
    )
    is_item = _has_any(atoms, BULLET, ENUMERATOR)[first_atom[:-1]]
    item_here = is_item[sentence].astype(np.int64)
    semicolons = np.minimum(totals[sentence, SEMICOLON], 3)
    so_far = np.cumsum(atoms.kinds[:, SEMICOLON])
    so_far = np.minimum(so_far - (so_far[first_atom[:-1]] - atoms.kinds[first_atom[:-1], SEMICOLON])[sentence], 2)
    size_in_passage = passage_first[1:] - passage_first[:-1]
    for values in (
        (np.minimum(rank, 6),), (_size(n_atoms[sentence]),), (np.minimum(n_atoms[sentence] - rank, 4),),
        (5 * (np.arange(n) - passage_first[atoms.passage]) // size_in_passage[atoms.passage],),
        (np.minimum(sentence - sentence[passage_first[atoms.passage]], 4),),
        (semicolons, so_far, before, after), (item_here, np.minimum(semicolons, 2), before, after), (item_here,),
    ):  # fmt: skip
        rows.each(*values)
    for kind in (COMMA, SEMICOLON, COLON, JOINT, ENUMERATOR, BULLET, OPENING):
        rows.each(np.minimum(totals[sentence, kind], 4))
    for kind in (COMMA, SEMICOLON, COLON, ENUMERATOR, BULLET, OPENING):
        rows.each(np.minimum(passage_totals[atoms.passage, kind], 6) // 2)
    stem1 = atoms.stems[atoms.first]
    alike = np.unique(
        np.stack([sentence.astype(np.uint64), stem1], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    rows.each(np.minimum(alike[2][alike[1].ravel()], 4), before)

    # Bags of stems: the atom's, its neighbours', its sentence's, the sentences' around it, and what the sentence said
    # so far.
    owner, position = _ranges(atoms.first, lengths)
    stem = atoms.stems[position]
    rows.bag(owner, stem)
    for offset in (-1, 1):
        moved = owner - offset
        kept = (moved >= 0) & (moved < n)
        kept[kept] = atoms.passage[moved[kept]] == atoms.passage[owner[kept]]
        rows.bag(moved[kept], stem[kept])
    words_first = atoms.first[first_atom[:-1]]
    words_length = np.diff(words_first, append=len(atoms.words))
    of_passage = atoms.passage[first_atom[:-1]]
    lead = _lead_in(is_item, of_passage)
    numbers = np.arange(n_sentences)
    for source, wanted in (
        (numbers, np.ones(n_sentences, bool)),
        (numbers - 1, np.diff(of_passage, prepend=-1) == 0),
        (numbers + 1, np.diff(of_passage, append=-1) == 0),
        (lead, (lead >= 0) & (is_item | (totals[:, SEMICOLON] > 0))),
    ):
        chosen = numbers[wanted]
        sentence_owner, word = _ranges(words_first[source[chosen]], words_length[source[chosen]])
        key = np.sort((chosen[sentence_owner].astype(np.uint64) << np.uint64(32)) | atoms.stems[word])
        key = key[np.diff(key, prepend=key[:1] + np.uint64(1)) != 0]
        sentence_of, stem_of = (key >> np.uint64(32)).astype(np.int64), key & np.uint64(0xFFFFFFFF)
        atom_owner, entry = _ranges(
            np.searchsorted(sentence_of, sentence),
            np.searchsorted(sentence_of, sentence, side="right") - np.searchsorted(sentence_of, sentence),
        )
        rows.bag(atom_owner, stem_of[entry])
    lead_end = np.where(lead >= 0, words_first[lead] + words_length[lead] - 1, 0)[sentence]
    has_lead = (lead >= 0)[sentence]
    rows.each(
        np.where(has_lead, atoms.words[lead_end], 1), np.where(has_lead, atoms.words[np.maximum(lead_end - 1, 0)], 1)
    )

    so_far_first = np.maximum(words_first[sentence], atoms.first - 12)
    owner, position = _ranges(so_far_first, atoms.first - so_far_first)
    rows.bag(owner, atoms.words[position])
    pairs = position + 1 < atoms.first[owner]
    rows.bag(owner[pairs], atoms.words[position[pairs]], atoms.words[position[pairs] + 1])

    # The words right before the list this atom may belong to: up to the last colon, enumerator or opening words.
    opens = _has_any(atoms, COLON, ENUMERATOR, OPENING)
    opener = np.maximum.accumulate(np.where(opens, np.arange(n), -1))
    found = (opener >= 0) & (sentence[opener] == sentence)
    head_end = np.where(found, atoms.first[opener], 0)
    head_first = np.where(found, np.maximum(words_first[sentence], head_end - 6), 0)
    owner, position = _ranges(head_first, head_end - head_first)
    rows.bag(owner, atoms.words[position])
    return rows.features()


def _has_any(atoms: Atoms, *kinds: int) -> NDArray[np.bool_]:
    """Ask of each atom whether a delimiter of one of the kinds stands before it, shape (n,)."""
    return np.asarray(atoms.kinds[:, list(kinds)].sum(axis=1) > 0)


def _lead_in(is_item: NDArray[np.bool_], passage: Ints) -> Ints:
    """Give for each sentence the last one before it that is no list item, -1 where the passage has none."""
    numbers = np.arange(len(is_item))
    plain = np.maximum.accumulate(np.where(is_item, -1, numbers))
    lead = np.concatenate([[-1], plain[:-1]])
    same = (lead >= 0) & (passage[np.maximum(lead, 0)] == passage)
    return np.where(same, lead, -1)


# ---- decoding -----------------------------------------------------------------------------------

CUT_INSIDE_ITEM = 6.0
"""Cost, in log-probability, of a new factor, or an end, inside an item of a list cut by stronger delimiters."""

CHANGE_INSIDE_LIST = 2.0
"""Cost of a list that turns from risks to something else, or back, between two of its items."""

CHANGE_AT_COMMA = 1.0
"""Cost of the same at a comma or "and" of running text."""

RUN_OVER = 6.0
"""Cost of a factor that runs over the start of an item or of a line."""

Place = IntEnum("Place", ["ANYWHERE", "INSIDE_ITEM", "FIRST_ITEM", "BETWEEN_ITEMS", "COMMA", "NEW_LINE"], start=0)
"""Where an atom begins, as far as the grammar of lists goes."""


def _steps(free: float, going_on: float, *costs: tuple[tuple[int, ...], tuple[int, ...], float]) -> Floats:
    """Build the log-score of each tag (row) before each tag (column)."""
    steps = np.full((len(TAGS), len(TAGS)), free, np.float64)
    for before, after, cost in costs:
        steps[np.ix_(before, after)] = -cost
    steps[:, [FACTOR_INSIDE, CATCH_ALL_INSIDE]] = -np.inf
    steps[np.ix_((FACTOR, FACTOR_INSIDE), (FACTOR_INSIDE,))] = going_on
    steps[np.ix_((CATCH_ALL, CATCH_ALL_INSIDE), (CATCH_ALL_INSIDE,))] = going_on
    return steps


def _change(cost: float) -> tuple[tuple[tuple[int, ...], tuple[int, ...], float], ...]:
    return ((OUTSIDE,), (FACTOR,), cost), ((FACTOR, FACTOR_INSIDE), (OUTSIDE,), cost)


_STEPS = np.stack(
    [
        _steps(0, 0),
        _steps(-CUT_INSIDE_ITEM, 0, ((OUTSIDE,), (OUTSIDE,), 0)),
        _steps(
            -CUT_INSIDE_ITEM,
            0,
            ((OUTSIDE, CATCH_ALL, CATCH_ALL_INSIDE), (OUTSIDE, FACTOR, CATCH_ALL), 0),
        ),
        _steps(0, -RUN_OVER, *_change(CHANGE_INSIDE_LIST)),
        _steps(0, 0, *_change(CHANGE_AT_COMMA)),
        _steps(0, -RUN_OVER),
    ]
)
"""A table of steps for each `Place`."""


def list_places(atoms: Atoms) -> Ints:
    """Say at which `Place` each atom begins, shape (n,).

    The guidelines take a list at its own level: a bulleted or numbered line is one item whatever it holds, and in a
    list with semicolons or numbers in running text, commas do not cut.
    """
    if not len(atoms):
        return np.zeros(0, np.int64)
    sentence = atoms.sentence
    opens_sentence = np.diff(sentence, prepend=-1) > 0
    first_atom = np.flatnonzero(opens_sentence)
    starts_item = _has_any(atoms, LINE, BULLET, ENUMERATOR)
    hard = starts_item | opens_sentence | _has_any(atoms, STOP, SEMICOLON, COLON)

    is_item = _has_any(atoms, BULLET, ENUMERATOR)[first_atom]
    opens_line = _has_any(atoms, LINE, BULLET)[first_atom] | (np.diff(atoms.passage[first_atom], prepend=-1) > 0)
    line_head = np.maximum.accumulate(np.where(opens_line, np.arange(len(first_atom)), 0))
    of_item = (is_item & opens_line)[line_head]

    totals = np.add.reduceat(atoms.kinds.astype(np.int64), first_atom, axis=0)
    is_list = ((totals[:, SEMICOLON] >= 2) | (totals[:, ENUMERATOR] >= 2))[sentence]
    cuts = np.cumsum(_has_any(atoms, SEMICOLON, ENUMERATOR))
    has_begun = cuts > (cuts[first_atom] - _has_any(atoms, SEMICOLON, ENUMERATOR)[first_atom])[sentence]
    opening = _has_any(atoms, OPENING)

    inside_item = (of_item[sentence] & ~starts_item) | (is_list & has_begun & ~hard)
    follows_item = (is_item & np.concatenate([[False], of_item[:-1]]))[sentence]
    numbered = _has_any(atoms, ENUMERATOR) & _has_any(atoms, COMMA, SEMICOLON)
    between_items = np.where(opens_sentence, follows_item, _has_any(atoms, SEMICOLON) | numbered)
    return np.select(
        [
            inside_item,
            is_list & ~hard & ~opening,
            between_items,
            _has_any(atoms, LINE),
            _has_any(atoms, COMMA, JOINT) & ~hard & ~opening,
        ],
        [Place.INSIDE_ITEM, Place.FIRST_ITEM, Place.BETWEEN_ITEMS, Place.NEW_LINE, Place.COMMA],
        Place.ANYWHERE,
    )


def best_path(proba: Floats, places: Ints) -> tuple[int, ...]:
    """Find the tags of one passage's atoms with the best sum of log-probabilities and costs (Viterbi 1967)."""
    if not len(proba):
        return ()
    logs = np.log(np.maximum(proba, 1e-6))
    scores = logs[0] + _STEPS[Place.ANYWHERE][OUTSIDE]
    back = np.zeros((len(proba), len(TAGS)), np.intp)
    for row in range(1, len(proba)):
        reached = scores[:, None] + _STEPS[places[row]]
        back[row] = reached.argmax(axis=0)
        scores = reached.max(axis=0) + logs[row]
    path = [int(scores.argmax())]
    for row in range(len(proba) - 1, 0, -1):
        path.append(int(back[row, path[-1]]))
    return tuple(reversed(path))
