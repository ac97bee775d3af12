"""What a mistyped word may mean, and values in words."""

from __future__ import annotations

import difflib
import random
import string
import time

import pytest

from convcalc import conventions, layers, zoo
from convcalc.words import describe, did_you_mean, listed, nearest

#: What people mistype.
LISTS = {
    "zoo": [*zoo.families(), *zoo.presets()],
    "layer types": layers.names(),
    "conventions": list(conventions.names()),
    **{
        f"fields of {name}": [field.name for field in layers.fields_of(layers.find(name))]
        for name in layers.names()
    },
}


def mistyped(word: str, mistakes: int, chosen: random.Random) -> str:
    """A word with a letter left out, doubled, replaced or swapped, so many times."""
    for _ in range(mistakes):
        at = chosen.randrange(len(word))
        letter = chosen.choice(string.ascii_lowercase + string.digits + "_")
        after = word[at + 1 :]
        kinds = (after, word[at] * 2 + after, letter + after, after[:1] + word[at] + after[1:])
        word = word[:at] + chosen.choice(kinds) or letter
    return word


def how_near(word: str, found: list[str]) -> list[float]:
    """How near `difflib` finds them: of equally near ones either will do."""
    return [difflib.SequenceMatcher(None, each, word).ratio() for each in found]


@pytest.mark.parametrize("mistakes", [1, 2])
@pytest.mark.parametrize("names", [name for name in LISTS if len(LISTS[name]) > 3])
def test_the_nearest_is_the_one_that_difflib_finds(names: str, mistakes: int) -> None:
    words, chosen = LISTS[names], random.Random(mistakes)
    tried = [mistyped(chosen.choice(words), mistakes, chosen) for _ in range(100)]
    others = [
        (word, ours, theirs)
        for word in tried
        if how_near(word, ours := nearest(word, words, 1))
        != how_near(word, theirs := difflib.get_close_matches(word, words, n=1, cutoff=0.6))
    ]
    # Its ratio counts common substrings; where letters are swapped, ours has one more in common.
    assert len(others) <= 2, others


def test_equally_near_words_stand_as_they_are_given() -> None:
    assert nearest("conv_x", ["conv_1", "conv_2", "conv_3"]) == ["conv_1", "conv_2", "conv_3"]
    assert nearest("conv", ["conv_2", "pool", "conv_1"]) == ["conv_2", "conv_1"]


@pytest.mark.parametrize("word", ["xyzzy", "q", "", "\0", "0" * 60])
def test_what_is_like_nothing_means_nothing(word: str) -> None:
    assert nearest(word, LISTS["zoo"]) == []
    assert did_you_mean(word, LISTS["zoo"]) == ""


def test_letters_are_as_good_in_either_case() -> None:
    assert nearest("RESNET5O", ["ResNet50", "vgg"]) == ["ResNet50"]


def test_words_may_have_any_letters() -> None:
    assert nearest("a\0c漢1", ["a\0b漢1", "xyz", ""]) == ["a\0b漢1"]
    assert nearest("a", []) == []


def names_of_one_length(kind: str) -> list[str]:
    chosen = random.Random(1)
    if kind == "numbered":
        return [
            f"block_{number:03}_of_a_stage_with_a_long_name_{'x' * 18}" for number in range(500)
        ]
    if kind == "shuffled":
        letters = 2 * (string.ascii_lowercase + string.digits)
        return ["".join(chosen.sample(letters, 60)) for _ in range(500)]
    return ["".join(chosen.choices("ab", k=60)) for _ in range(500)]


@pytest.mark.parametrize("kind", ["numbered", "shuffled", "of two letters"])
def test_a_hundred_mistakes_among_similar_names_are_answered_at_once(kind: str) -> None:
    """It took 5 to 30 seconds."""
    names, chosen = names_of_one_length(kind), random.Random(2)
    asked = [mistyped(name, 2, chosen) for name in chosen.sample(names, 100)]
    start = time.process_time()
    for word in asked:
        assert nearest(word, names)
    assert time.process_time() - start < 1


def test_a_long_list_is_told_by_its_beginning() -> None:
    names = [f"n{number}" for number in range(20_000)]
    assert listed(names, 2) == "`n0`, `n1` and 19998 more"


def test_a_value_of_many_lists_is_told_by_its_beginning() -> None:
    value: list[object] = [1, 2, 3]
    for _ in range(60):
        value = [value, value, value, value]  # 4⁶⁰ numbers
    assert len(describe(value)) < 100
    assert describe([[1, 2], 3]) == "the list [the list [1, 2], 3]"
    assert describe([1, 2, 3, 4, 5]) == "the list [1, 2, 3, 4, …]"
