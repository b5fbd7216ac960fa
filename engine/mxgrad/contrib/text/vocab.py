"""A vocabulary: words by number (level 2)."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ...base import InvalidTypeError, InvalidValueError

__all__ = ["Vocabulary"]


class Vocabulary:
    """Numbers for words: 0 for unknown ones, then the reserved ones, then by how often they come, those
    equally often in alphabetical order.

    Parameters
    ----------
    counter : collections.Counter, optional
        How often each word comes.
    most_freq_count : int, optional
        At most so many words of `counter`.
    min_freq : int
        No words of `counter` that come less often.
    unknown_token : hashable
        Stands for all words that have no number.
    reserved_tokens : list of hashable, optional
        Words with numbers whatever `counter` says.

    Examples
    --------
    >>> from collections import Counter
    >>> v = Vocabulary(Counter("b a c a b d".split()), min_freq=2, reserved_tokens=["<pad>"])
    >>> v.idx_to_token, v.to_indices(["a", "z"]), v.to_tokens(3), len(v)
    (['<unk>', '<pad>', 'a', 'b'], [2, 0], 'b', 4)
    """

    def __init__(
        self, counter: Counter[Any] | None = None, most_freq_count: int | None = None, min_freq: int = 1,
        unknown_token: Any = "<unk>", reserved_tokens: Sequence[Any] | None = None,
    ) -> None:
        if min_freq < 1:
            raise InvalidValueError(f"Vocabulary: `min_freq` must be set to a positive value, got {min_freq}")
        reserved = list(reserved_tokens or ())
        if unknown_token in reserved or len(set(reserved)) != len(reserved):
            raise InvalidValueError("Vocabulary: reserved tokens are different from each other and from the "
                                    f"unknown token, got {reserved} and {unknown_token!r}")
        if counter is not None and not isinstance(counter, Counter):
            raise InvalidTypeError("Vocabulary: `counter` must be an instance of collections.Counter, got "
                                   f"{type(counter).__name__}")
        known = [unknown_token, *reserved]
        by_frequency = sorted((counter or {}).items(), key=lambda item: (-item[1], item[0]))
        words = [w for w, n in by_frequency if n >= min_freq and w not in known]
        self._idx_to_token = known + words[:most_freq_count]
        self._token_to_idx = {w: i for i, w in enumerate(self._idx_to_token)}
        self._unknown_token = unknown_token
        self._reserved_tokens = None if reserved_tokens is None else reserved

    def __len__(self) -> int:
        return len(self._idx_to_token)

    @property
    def token_to_idx(self) -> dict[Any, int]:
        """The numbers of the words."""
        return self._token_to_idx

    @property
    def idx_to_token(self) -> list[Any]:
        """The words in the order of their numbers."""
        return self._idx_to_token

    @property
    def unknown_token(self) -> Any:
        """What stands for words that have no number."""
        return self._unknown_token

    @property
    def reserved_tokens(self) -> list[Any] | None:
        """The reserved words, or None."""
        return self._reserved_tokens

    def to_indices(self, tokens: Any) -> Any:
        """The number of a word, or those of the words in a list."""
        if isinstance(tokens, list):
            return [self._token_to_idx.get(t, 0) for t in tokens]
        return self._token_to_idx.get(tokens, 0)

    def to_tokens(self, indices: Any) -> Any:
        """The word of a number, or those of the numbers in a list.

        Raises InvalidValueError for a number that is no word's.
        """
        for i in indices if isinstance(indices, list) else [indices]:
            if not isinstance(i, int) or not 0 <= i < len(self):
                raise InvalidValueError(f"Token index {i} in the provided `indices` is invalid.")
        if isinstance(indices, list):
            return [self._idx_to_token[i] for i in indices]
        return self._idx_to_token[indices]
