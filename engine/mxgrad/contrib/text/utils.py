"""Counting words (level 2)."""
from __future__ import annotations

import re
from collections import Counter

__all__ = ["count_tokens_from_str"]


def count_tokens_from_str(
    source_str: str, token_delim: str = " ", seq_delim: str = "\n", to_lower: bool = False,
    counter_to_update: Counter[str] | None = None,
) -> Counter[str]:
    r"""How often each word of a text comes.

    Parameters
    ----------
    source_str : str
    token_delim, seq_delim : str
        Regular expressions for what is between words, and between lines.
    to_lower : bool
        Count the words in lower case.
    counter_to_update : Counter, optional
        Count further in this one.

    Examples
    --------
    >>> sorted(count_tokens_from_str(" Life is great ! \n life is good . \n", to_lower=True).items())[3:]
    [('great', 1), ('is', 2), ('life', 2)]
    """
    words = [w for w in re.split(f"{token_delim}|{seq_delim}", source_str) if w]
    counter: Counter[str] = Counter() if counter_to_update is None else counter_to_update
    counter.update(w.lower() for w in words) if to_lower else counter.update(words)
    return counter
