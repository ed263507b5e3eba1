"""Half-open stretches of a text, and the few things one does with them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The characters `start` to `end`, `end` left out."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a span needs 0 <= start <= end, not {self.start} and {self.end}")

    def __len__(self) -> int:
        return self.end - self.start

    def __bool__(self) -> bool:
        return True

    def of(self, text: str) -> str:
        """Give the characters of `text` that the span covers."""
        return text[self.start : self.end]

    def contains(self, other: Span) -> bool:
        """Ask whether `other` lies wholly inside."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Span) -> bool:
        """Ask whether the two share a character."""
        return self.start < other.end and other.start < self.end


def trim(text: str, span: Span, strip: str | None = None) -> Span:
    """Narrow `span` by the characters of `strip` (white space if none) at its ends.

    Example:
        >>> trim("a;  b ;", Span(2, 6))
        Span(start=4, end=5)
    """
    piece = span.of(text)
    start = span.start + len(piece) - len(piece.lstrip(strip))
    return Span(start, max(start, span.start + len(piece.rstrip(strip))))
