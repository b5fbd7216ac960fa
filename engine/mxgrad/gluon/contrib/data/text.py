"""The WikiText language modelling data (Merity and others, arXiv:1609.07843), from local files (level 16)."""
from __future__ import annotations

import os
import zipfile
from collections import Counter
from typing import Any

import numpy

from ....base import InvalidValueError, data_dir
from ....contrib.text.utils import count_tokens_from_str
from ....contrib.text.vocab import Vocabulary
from ....util import default_array
from ...data.dataset import Dataset
from ...utils import download

__all__ = ["WikiText103", "WikiText2"]

EOS_TOKEN = "<eos>"
_SEGMENTS = {"train": "wiki.train.tokens", "validation": "wiki.valid.tokens", "test": "wiki.test.tokens"}


class _WikiText(Dataset):
    """Samples are pairs of int32 arrays (seq_len,): words of the text, and the words that follow them.

    Words are numbers of `vocabulary`; lines end with '<eos>'.  Nothing is fetched from the network: the file
    wiki.train.tokens, wiki.valid.tokens or wiki.test.tokens, or the archive they come in, must be in `root`.

    Parameters
    ----------
    root : str, optional
        The folder of the files; by default the data set's below ``$MXNET_HOME/datasets``.
    segment : {'train', 'validation', 'test'}
    vocab : contrib.text.vocab.Vocabulary, optional
        By default one of all words of the file.
    seq_len : int
        Words in a sample.

    Raises
    ------
    DownloadError
        There is no file; the message says which, and where to put it.
    """

    _name, _sha1 = "", ""

    def __init__(self, root: str | None = None, segment: str = "train", vocab: Any = None,
                 seq_len: int = 35) -> None:
        if segment not in _SEGMENTS or seq_len < 1:
            raise InvalidValueError(f"{type(self).__name__}: segment is one of {', '.join(_SEGMENTS)}, got "
                                    f"{segment!r}; seq_len is positive, got {seq_len}")
        if root is None:
            root = os.path.join(data_dir(), "datasets", self._name)
        folder = os.path.expanduser(root)
        with open(self._file(folder, _SEGMENTS[segment]), encoding="utf8") as file:
            content = file.read()
        self._counter: Counter[str] | None = None
        if vocab is None:
            self._counter = count_tokens_from_str(content)
            vocab = Vocabulary(self._counter, reserved_tokens=[EOS_TOKEN])
        self._vocab = vocab
        lines = (line.split() for line in content.splitlines())
        words = [w for line in lines if line for w in [*line, EOS_TOKEN]]
        numbers = numpy.array(vocab.to_indices(words), "int32")
        count = max(len(words) - 1, 0) // seq_len
        self._data, self._label = (
            default_array(part[:count * seq_len].reshape(count, seq_len), dtype="int32")
            for part in (numbers[:-1], numbers[1:]))

    def _file(self, folder: str, name: str) -> str:
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            start = "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset"
            archive = f"{self._name}-v1.zip"
            found = download(f"{start}/{self._name}/{archive}", os.path.join(folder, archive),
                             sha1_hash=self._sha1)
            with zipfile.ZipFile(found) as archived:
                member = next(m for m in archived.namelist() if os.path.basename(m) == name)
                with open(path, "wb") as file:
                    file.write(archived.read(member))
        return path

    @property
    def vocabulary(self) -> Any:
        """What gives words their numbers."""
        return self._vocab

    @property
    def frequencies(self) -> Counter[str] | None:
        """How often each word comes; None if the vocabulary was given."""
        return self._counter

    def __getitem__(self, idx: Any) -> Any:
        return self._data[idx], self._label[idx]

    def __len__(self) -> int:
        return len(self._label)


class WikiText2(_WikiText):
    __doc__ = f"WikiText-2.\n\n    {_WikiText.__doc__}"
    _name, _sha1 = "wikitext-2", "3c914d17d80b1459be871a5039ac23e752a53cbe"


class WikiText103(_WikiText):
    __doc__ = f"WikiText-103.\n\n    {_WikiText.__doc__}"
    _name, _sha1 = "wikitext-103", "0aec09a7537b58d4bb65362fee27650eeaba625a"
