"""The closed set of labels: which there are, in which order, in which group."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from risk_clf.errors import CorpusError

OTHER_RISK = "other_risk"
"""Marks, in annotation only, a real factor that no label fits. No model column bears it."""


@dataclass(frozen=True, slots=True)
class Group:
    """A family of labels."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """One kind of risk. `not_here` says what looks alike and which label takes it."""

    key: str
    group: str
    title: str
    definition: str
    not_here: str


@dataclass(frozen=True)
class Taxonomy:
    """Groups and labels in file order, which is the order of every probability column."""

    version: int
    groups: tuple[Group, ...]
    labels: tuple[Label, ...]

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Label keys, in order."""
        return tuple(label.key for label in self.labels)

    @cached_property
    def columns(self) -> dict[str, int]:
        """Column of each label key."""
        return {key: column for column, key in enumerate(self.keys)}

    @cached_property
    def group_columns(self) -> tuple[int, ...]:
        """For each label in order, the number of its group."""
        order = {group.key: number for number, group in enumerate(self.groups)}
        return tuple(order[label.group] for label in self.labels)

    def nearest(self, key: str) -> str | None:
        """Give the label that a mistyped `key` most likely meant, or None."""
        return next(iter(difflib.get_close_matches(key, self.keys, n=1)), None)

    def fault_of(self, key: str) -> str | None:
        """Say what is wrong with `key` as an annotated label, None if nothing is."""
        if key in self.columns or key == OTHER_RISK:
            return None
        nearest = self.nearest(key)
        hint = f" (did you mean '{nearest}'?)" if nearest else f"; take one of its {len(self.keys)} labels, or add it"
        return f"label '{key}' is not in the taxonomy{hint}"


def parse_taxonomy(text: str, where: str = "taxonomy") -> Taxonomy:
    """Read a taxonomy from TOML.

    Raises:
        CorpusError: not TOML, a field missing, a key used twice, or a label of an unknown group.
    """
    try:
        data = tomllib.loads(text)
        taxonomy = Taxonomy(
            version=int(data["version"]),
            groups=tuple(Group(**{name: str(entry[name]) for name in Group.__slots__}) for entry in data["group"]),
            labels=tuple(Label(**{name: str(entry[name]) for name in Label.__slots__}) for entry in data["label"]),
        )
    except tomllib.TOMLDecodeError as error:
        raise CorpusError(f"{where}: not valid TOML ({error}); mend the line it names") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorpusError(
            f"{where}: field {error} is missing or of the wrong kind; "
            "a taxonomy holds version, [[group]] (key, title) and [[label]] (key, group, title, definition, not_here)"
        ) from error
    groups = [group.key for group in taxonomy.groups]
    faults = [
        f"{where}: '{key}' is used twice; keys must differ"
        for keys in (groups, list(taxonomy.keys))
        for key in sorted({key for key in keys if keys.count(key) > 1})
    ]
    faults += [
        f"{where}: label '{label.key}' names the unknown group '{label.group}'; add a [[group]] for it"
        for label in taxonomy.labels
        if label.group not in groups
    ]
    if not taxonomy.labels:
        faults.append(f"{where}: no labels; add a [[label]]")
    if faults:
        raise CorpusError(faults)
    return taxonomy


def load_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy file.

    Raises:
        CorpusError: the file is missing or not a taxonomy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read ({error}); name a taxonomy in TOML") from error
    return parse_taxonomy(text, str(path))
