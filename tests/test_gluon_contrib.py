"""gluon.contrib's layers and data, and contrib.text, against MXNet 1.9.1
(tests/data/record_gluon_contrib.py).
"""
from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from hashlib import sha1
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from checks import values
from mxgrad import autograd, nd
from mxgrad.base import InvalidTypeError, InvalidValueError
from mxgrad.contrib.text import utils, vocab
from mxgrad.gluon import contrib, nn, rnn
from mxgrad.gluon.contrib.data import text
from mxgrad.gluon.utils import DownloadError

RECORDED = json.loads((Path(__file__).parent / "data" / "gluon_contrib_1.9.1.json").read_text())


def together(block: Any, *blocks: Any) -> Any:
    block.add(*blocks)
    return block


@pytest.mark.parametrize("case", RECORDED["layers"], ids=lambda c: c["source"])
def test_layer(case: dict[str, Any]) -> None:
    block = eval(case["source"], {"contrib": contrib, "nn": nn, "together": together})
    if "Sync" not in case["source"]:  # MXNet shows how its devices find each other, too
        assert repr(block) == case["repr"]
    block.initialize()
    x = nd.array([[1, 4, 4]] if case["shape"] is None else values(case["shape"], 0.37))
    block(x)
    params = list(block.collect_params().values())
    assert [[re.sub(r"^.*?\d+_", "", p.name), list(p.shape)] for p in params] == case["params"]
    for i, p in enumerate(params):
        v = values(p.shape, 0.31 + 0.07 * i)
        p.set_data(nd.array(abs(v) + 0.5 if "var" in p.name else v))
    if case["dx"] is not None:
        x.attach_grad()
    with autograd.record():
        y = block(x)
    y.backward()
    numpy.testing.assert_allclose(y.asnumpy(), case["y"], rtol=1e-4, atol=2e-5)
    if x.grad is not None:
        numpy.testing.assert_allclose(x.grad.asnumpy(), case["dx"], rtol=1e-3, atol=1e-4)
    for p, grad in zip([p for p in params if p.grad_req != "null"], case["grads"]):
        numpy.testing.assert_allclose(p.grad().asnumpy(), grad, rtol=1e-3, atol=1e-4)


def test_modulated_convolution_begins_as_the_other() -> None:
    """MXNet computes it on a GPU only.  All offsets 0 are factors 1, and no offsets."""
    x = nd.array(values((1, 2, 4, 4), 0.37))
    plain, modulated = (
        cls(2, 3, padding=1, weight_initializer="ones")
        for cls in (contrib.cnn.DeformableConvolution, contrib.cnn.ModulatedDeformableConvolution)
    )
    found = []
    for block in (plain, modulated):
        block.initialize()
        found.append(block(x).asnumpy())
    numpy.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)


def test_names_are_those_of_gluon() -> None:
    assert contrib.rnn.VariationalDropoutCell is rnn.VariationalDropoutCell
    assert contrib.rnn.LSTMPCell is rnn.LSTMPCell
    assert contrib.rnn.Conv2DLSTMCell is rnn.Conv2DLSTMCell
    assert contrib.rnn.rnn_cell.dynamic_unroll is rnn.rnn_cell.dynamic_unroll
    assert contrib.cnn.DeformableConvolution is nn.DeformableConvolution
    assert contrib.nn.SyncBatchNorm is nn.SyncBatchNorm
    assert repr(nn.SyncBatchNorm(4, 1, prefix="q_")) == (
        "SyncBatchNorm(eps=1e-05, momentum=0.9, fix_gamma=False, use_global_stats=False, ndev=1, key='q_', "
        "in_channels=4)")


def test_interval_sampler() -> None:
    assert list(contrib.data.IntervalSampler(13, interval=3)) == [0, 3, 6, 9, 12, 1, 4, 7, 10, 2, 5, 8, 11]
    assert list(contrib.data.IntervalSampler(13, interval=3, rollover=False)) == [0, 3, 6, 9, 12]


# -- texts --------------------------------------------------------------------------------------------------


def test_wikitext(tmp_path: Path) -> None:
    case = RECORDED["text"]
    (tmp_path / "wiki.valid.tokens").write_text(case["text"])
    data = text.WikiText2(str(tmp_path), "validation", seq_len=4)
    assert data.vocabulary.idx_to_token == case["words"]
    assert data.frequencies == dict(case["frequencies"])
    assert len(data) == case["count"]
    assert [[a.asnumpy().tolist() for a in data[i]] for i in range(len(data))] == case["samples"]
    assert data[0][0].dtype.__name__ == case["dtype"]
    again = text.WikiText103(str(tmp_path), "validation", vocab=data.vocabulary, seq_len=4)
    assert again.frequencies is None
    assert again[1][1].asnumpy().tolist() == case["samples"][1][1]
    assert len(text.WikiText2(str(tmp_path), "validation", seq_len=1000)) == 0


def test_wikitext_from_its_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "wikitext-2-v1.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("wikitext-2/wiki.test.tokens", "a b a")
    with pytest.raises(DownloadError, match="another SHA-1"):
        text.WikiText2(str(tmp_path), "test")
    monkeypatch.setattr(text.WikiText2, "_sha1", sha1(archive.read_bytes()).hexdigest())
    data = text.WikiText2(str(tmp_path), "test", seq_len=3)
    assert data.vocabulary.to_tokens(data[0][1].asnumpy().tolist()) == ["b", "a", "<eos>"]
    assert (tmp_path / "wiki.test.tokens").read_text() == "a b a"


def test_wikitext_refuses_to_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXNET_HOME", str(tmp_path))
    wanted = tmp_path / "datasets" / "wikitext-103" / "wikitext-103-v1.zip"
    with pytest.raises(DownloadError, match=re.escape(f"save it as {wanted}")):
        text.WikiText103()
    assert list(tmp_path.iterdir()) == []
    for arguments in ({"segment": "valid"}, {"seq_len": 0}):
        with pytest.raises(InvalidValueError, match="WikiText2: segment is one of train, validation, test"):
            text.WikiText2(str(tmp_path), **arguments)


def test_vocabulary() -> None:
    counter = utils.count_tokens_from_str("c c c b a b\nsome <unk> <unk> a")
    assert counter == Counter({"c": 3, "b": 2, "a": 2, "<unk>": 2, "some": 1})
    assert utils.count_tokens_from_str("A;a", ";", to_lower=True, counter_to_update=counter) is counter
    assert counter["a"] == 4
    words = vocab.Vocabulary(counter, most_freq_count=3, min_freq=2, reserved_tokens=["<pad>", "c"])
    assert words.idx_to_token == ["<unk>", "<pad>", "c", "a", "b"]
    assert words.token_to_idx == {"<unk>": 0, "<pad>": 1, "c": 2, "a": 3, "b": 4}
    assert (words.unknown_token, words.reserved_tokens, len(words)) == ("<unk>", ["<pad>", "c"], 5)
    assert (words.to_indices("b"), words.to_indices(["some", "c"])) == (4, [0, 2])
    assert (words.to_tokens(1), words.to_tokens([4, 0])) == ("<pad>", ["b", "<unk>"])
    assert vocab.Vocabulary().idx_to_token == ["<unk>"]
    for index in (5, -1, 1.5):
        with pytest.raises(InvalidValueError, match="Token index .* is invalid"):
            words.to_tokens([0, index])
    for given in ({"min_freq": 0}, {"reserved_tokens": ["a", "a"]}, {"reserved_tokens": ["<unk>"]}):
        with pytest.raises(InvalidValueError, match="Vocabulary"):
            vocab.Vocabulary(**given)
    with pytest.raises(InvalidTypeError, match="collections.Counter, got dict"):
        vocab.Vocabulary({"a": 1})  # type: ignore[arg-type]


def test_contrib_is_found() -> None:
    assert mx.gluon.contrib.nn.Identity is nn.Identity
    assert mx.contrib.text.vocab is vocab
    assert {"cnn", "data", "nn", "rnn"} <= set(dir(mx.gluon.contrib))
    with pytest.raises(AttributeError, match="'mxgrad.gluon.contrib' has no attribute 'rn' .did you mean"):
        mx.gluon.contrib.rn  # noqa: B018
