"""How alike two words are, for one word and many at once.

Likeness is what `difflib` calls a ratio, 2·common / all, with the longest common subsequence for
what is common. All words stand side by side in one integer, a bit for each letter, so that a few
additions take one step in each of them (H. Hyyrö, Bit-parallel LCS-length computation revisited,
2004).
"""

from __future__ import annotations

from functools import lru_cache

#: No letter of a word: it stands between two.
_GAP = "\0"


class _Row:
    """Words side by side, the first at the lowest bits, with a gap above each."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = [word.replace(_GAP, " ") for word in words]
        # The last digit of a number is its lowest bit.
        self._letters = "".join(word + _GAP for word in self.words)[::-1]
        self._none = {ord(letter): "0" for letter in set(self._letters)}
        self._found: dict[str, int] = {}
        self.full = (1 << len(self._letters)) - 1 - self.of(_GAP)

    def of(self, letter: str) -> int:
        """The bits of a letter, wherever it is."""
        bits = self._found.get(letter)
        if bits is None:
            digits = self._letters.translate(self._none | {ord(letter): "1"})
            bits = self._found[letter] = int(digits or "0", 2)
        return bits


@lru_cache(maxsize=4)
def _row(words: tuple[str, ...]) -> _Row:
    """The row of some words, which many mistyped ones may be compared with."""
    return _Row(words)


def likeness(word: str, others: tuple[str, ...]) -> list[float]:
    """How alike a word is to each of `others`, from 0 to 1."""
    row = _row(others)
    full = rest = row.full
    for letter in word:
        met = rest & row.of(letter)
        # A carry that leaves a word ends in the gap above it.
        rest = ((rest + met) | (rest - met)) & full
    # A bit that is cleared is a letter of the subsequence.
    common = format(full & ~rest, f"0{len(row._letters)}b")
    found, end = [], len(common)
    for other in row.words:
        start = end - len(other)
        found.append(2 * common.count("1", start, end) / (len(word) + len(other) or 1))
        end = start - 1
    return found
