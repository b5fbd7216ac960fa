"""gluon.contrib's layers and data, and contrib.text, against MXNet 1.9.1
(tests/data/record_gluon_contrib.py).
"""
from __future__ import annotations

import json
import random
import re
import zipfile
from collections import Counter
from functools import partial
from hashlib import sha1
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from checks import values
from mxgrad import autograd, nd, recordio
from mxgrad.base import InvalidTypeError, InvalidValueError, MXNetError
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


# The first numbers that MXNet 2.0's augmenter gives for this image, (3, 4, 5).
IMAGE = numpy.arange(240, dtype=numpy.uint8).reshape(8, 10, 3)
AUGMENTED = [({}, [0.25882354, 0.27058825, 0.28235295, 0.29411766]),
             ({"resize": 6}, [0.18039216, 0.2, 0.21960784, 0.23921569])]


@pytest.mark.parametrize("options, numbers", AUGMENTED, ids=str)
@pytest.mark.parametrize("make", [nd.array, mx.np.array])
def test_images_are_augmented(make: Any, options: dict[str, Any], numbers: list[float]) -> None:
    vision = contrib.data.vision
    image = make(IMAGE, dtype="uint8")
    found = vision.create_image_augment((3, 4, 5), **options)(image)
    assert found.shape == (3, 4, 5) and type(found) is type(image)
    assert found.asnumpy().reshape(-1)[:4] == pytest.approx(numbers, rel=1e-6)
    scaled = vision.create_image_augment(
        (3, 4, 5), mean=[.1] * 3, std=(.5, .5, .5), dtype="float16", **options)
    assert scaled(image).dtype == numpy.float16
    assert scaled(image).asnumpy().reshape(-1)[:4] == pytest.approx((numpy.array(numbers) - .1) * 2, rel=1e-2)


def test_random_augmentation_keeps_shape_and_dtype() -> None:
    vision = contrib.data.vision
    for options in ({"rand_crop": True, "inter_method": 10}, {"rand_crop": True, "rand_resize": True},
                    {"rand_mirror": True, "brightness": .1, "contrast": .1, "saturation": .1, "hue": .1,
                     "pca_noise": .1, "rand_gray": .5}):
        found = vision.create_image_augment((3, 4, 5), **options)(nd.array(IMAGE, dtype="uint8"))
        assert (found.shape, found.dtype) == ((3, 4, 5), numpy.float32)


def test_image_loader(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    vision = contrib.data.vision
    for name, value in (("a.png", 51), ("b.png", 102)):
        pillow.fromarray(numpy.full((6, 7, 3), value, "uint8")).save(tmp_path / name)
    listed = [[1, "a.png"], [2, "b.png"], [3, "a.png"]]
    make = partial(vision.ImageDataLoader, 2, (3, 4, 4), imglist=listed, path_root=str(tmp_path))
    for options in ({}, {"num_workers": 2}, {"aug_list": [vision.create_image_augment((3, 4, 4))]}):
        loader = make(**options)
        batches = [(x.shape, y.asnumpy().ravel().tolist(), x[:, 0, 0, 0].asnumpy().tolist())
                   for x, y in loader]
        assert len(loader) == 2 and [b[:2] for b in batches] == [((2, 3, 4, 4), [1, 2]), ((1, 3, 4, 4), [3])]
        assert batches[0][2] == pytest.approx([.2, .4])
    assert [y.asnumpy().tolist() for _, y in make(num_parts=2, part_index=1)] == [[[3]]]
    (tmp_path / "all.lst").write_text("0\t5\tb.png\n")
    [(x, y)] = vision.ImageDataLoader(1, (3, 4, 4), path_imglist="all.lst", path_root=str(tmp_path), std=True)
    assert y.asnumpy().tolist() == [[5]] and x[0, 0, 0, 0].asscalar() == pytest.approx(.4 / 58.395)
    with recordio.MXIndexedRecordIO(tmp_path / "a.idx", tmp_path / "a.rec", "w") as file:
        file.write_idx(0, recordio.pack_img(recordio.IRHeader(0, 7.0, 0, 0), IMAGE, img_fmt=".png"))
    [(x, y)] = vision.ImageDataLoader(
        1, (3, 4, 4), path_imgrec=str(tmp_path / "a.rec"), aug_list=nn.HybridSequential())
    assert x.shape == (1, 8, 10, 3) and y.asnumpy().tolist() == [7]


@pytest.mark.parametrize("make, text", [
    (lambda v: v.create_image_augment((3, 4, 4), rand_resize=True), "rand_resize needs rand_crop"),
    (lambda v: v.create_image_augment((3, 4, 4), mean=3), "mean is True, a list or a tuple, not 3"),
    (lambda v: v.ImageDataLoader(1, (3, 4, 4)), "give path_imgrec"),
    (lambda v: v.ImageDataLoader(1, (3, 4, 4), imglist=[], aug_list=3), "aug_list is a Block"),
])
def test_bad_images(make: Any, text: str) -> None:
    with pytest.raises(MXNetError, match=text):
        make(contrib.data.vision)


# -- boxes --------------------------------------------------------------------------------------------------

BOXES = numpy.array([[2, 3, 10, 9, 1], [12, 5, 28, 18, 0], [0, 0, 30, 20, 2]], "float32")
PIXELS = (numpy.arange(20 * 30 * 3).reshape(20, 30, 3) % 251).astype("uint8")


@pytest.mark.parametrize("module", [nd, mx.np])
@pytest.mark.parametrize("make, expected", [
    # Shape, sum and boxes of three images in a row, as MXNet 2.0.0b1 gives them after the same seeds.
    (lambda b: b.ImageBboxRandomFlipLeftRight(0.5), [
        ((20, 30, 3), 220528, [[20, 3, 28, 9, 1], [2, 5, 18, 18, 0], [0, 0, 30, 20, 2]]),
        ((20, 30, 3), 220528, BOXES.tolist()), ((20, 30, 3), 220528, BOXES.tolist())]),
    (lambda b: b.ImageBboxCrop((5, 4, 12, 10)), [
        ((10, 12, 3), 47646, [[0, 0, 5, 5, 1], [0, 0, 12, 10, 2]])]),
    (lambda b: b.ImageBboxCrop((5, 4, 12, 10), True), [
        ((10, 12, 3), 47646, [[0, 0, 5, 5, 1], [7, 1, 12, 10, 0], [0, 0, 12, 10, 2]])]),
    (lambda b: b.ImageBboxCrop((0, 0, 30, 20)), [((20, 30, 3), 220528, BOXES.tolist())]),
    (lambda b: b.ImageBboxRandomCropWithConstraints(0.9), [
        ((16, 28, 3), 167764, [[2, 1, 10, 7, 1], [12, 3, 28, 16, 0], [0, 0, 28, 16, 2]]),
        ((20, 30, 3), 220528, BOXES.tolist()), ((20, 30, 3), 220528, BOXES.tolist())]),
    (lambda b: b.ImageBboxRandomExpand(0.9, 3, (1, 2, 3)), [
        ((53, 80, 3), 242368, [[18, 7, 26, 13, 1], [28, 9, 44, 22, 0], [16, 4, 46, 24, 2]]),
        ((50, 75, 3), 239428, [[43, 18, 51, 24, 1], [53, 20, 69, 33, 0], [41, 15, 71, 35, 2]]),
        ((28, 42, 3), 223984, [[2, 10, 10, 16, 1], [12, 12, 28, 25, 0], [0, 7, 30, 27, 2]])]),
    (lambda b: b.ImageBboxResize(15, 40, 1), [
        ((40, 15, 3), 220484, [[1, 6, 5, 18, 1], [6, 10, 14, 36, 0], [0, 0, 15, 40, 2]])]),
])
def test_images_with_boxes_are_mxnets(module: Any, make: Any, expected: Any) -> None:
    block = make(contrib.data.vision.transforms.bbox)
    random.seed(1)
    numpy.random.seed(1)
    for shape, total, boxes in expected:
        image, found = block(module.array(PIXELS, dtype="uint8"), module.array(BOXES))
        assert (image.shape, int(image.asnumpy().astype(int).sum())) == (shape, total)
        assert found.asnumpy().tolist() == boxes and type(found) is type(image)


def test_functions_of_boxes() -> None:
    bbox = contrib.data.vision.transforms.bbox
    numpy.testing.assert_allclose(
        bbox.bbox_iou(BOXES, BOXES[:2]), [[1, 0], [0, 1], [0.08, 0.34667]], atol=1e-5)
    assert bbox.bbox_iou(BOXES, BOXES[:2], 1)[2] == pytest.approx([0.09677, 0.36559], abs=1e-5)
    assert bbox.bbox_xyxy_to_xywh(BOXES[:1, :4]).tolist() == [[2, 3, 9, 7]]
    assert bbox.bbox_xywh_to_xyxy(BOXES[:1, :4]).tolist() == [[2, 3, 11, 11]]
    assert bbox.bbox_clip_xyxy(BOXES[1:2, :4], 20, 10).tolist() == [[12, 5, 19, 9]]
    assert bbox.bbox_flip(BOXES[:1], (30, 20), True, True).tolist() == [[20, 11, 28, 17, 1]]
    assert bbox.bbox_crop(BOXES[:2], (None, 4, None, 5)).tolist() == [[2, 0, 10, 5, 1], [12, 1, 28, 5, 0]]
    assert bbox.bbox_random_crop_with_constraints(BOXES[:0], (30, 20))[0].shape == (0, 5)
    for call, what in (
        (lambda: bbox.bbox_crop(BOXES, (1, 2)), "crop_box has length 4"),
        (lambda: bbox.bbox_flip(BOXES, (1,)), "size is"),
        (lambda: bbox.bbox_iou(BOXES[:, :3], BOXES), "at least"),
        (lambda: bbox.bbox_clip_xyxy((1, 2), 3, 4), "must have 4 elements"),
        (lambda: bbox.bbox_xyxy_to_xywh(BOXES), r"shape \(N, 4\), got \(3, 5\)"),
        (lambda: bbox.ImageBboxCrop((1, 2, 0, 3)), "crop is"),
        (lambda: bbox.ImageBboxResize(2, 2)(nd.array(PIXELS), nd.ones(3)), r"requires shape of \(N, 4\+\)"),
        (lambda: bbox.ImageBboxResize(2, 2)(nd.ones((1, 2)), nd.ones((3, 4))), "images are"),
        (lambda: bbox.ImageBboxRandomExpand(1, 2, (1, 2))(nd.array(PIXELS), nd.array(BOXES)), "3 vs 2"),
    ):
        with pytest.raises(InvalidValueError, match=what):
            call()
    with pytest.raises(InvalidTypeError, match="got str"):
        bbox.bbox_xywh_to_xyxy("abcd")


def test_loader_of_images_with_boxes(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    path = str(tmp_path / "a")
    objects = [[7, 0.25, 0.5, 0.5, 1], [3, 0, 0, 1, 1]]
    with mx.recordio.MXIndexedRecordIO(path + ".idx", path + ".rec", "w") as records:
        for n in (1, 2, 1):
            label = numpy.array([2, 5, *[x for each in objects[:n] for x in each]], "float32")
            header = mx.recordio.IRHeader(0, label, n, 0)
            records.write_idx(len(records.keys), mx.recordio.pack_img(header, PIXELS, 3, ".png"))
    vision = contrib.data.vision
    loader = vision.ImageBboxDataLoader(2, (3, 10, 60), path_imgrec=path + ".rec")
    assert len(loader) == 2
    (images, boxes), (_, last) = loader
    assert images.shape == (2, 3, 10, 60) and images.dtype == numpy.float32
    assert boxes.asnumpy().tolist() == [[[15, 5, 30, 10, 7], [-1] * 5],
                                        [[15, 5, 30, 10, 7], [0, 0, 60, 10, 3]]]
    assert last.shape == (1, 1, 5)
    random.seed(0)
    for images, boxes in vision.ImageBboxDataLoader(
            1, (3, 8, 8), path_imgrec=path + ".rec", rand_crop=0.9, rand_pad=0.9, rand_mirror=True, mean=True,
            brightness=0.1, pca_noise=0.1, rand_gray=0.5, inter_method=10, coord_normalized=True):
        assert images.shape == (1, 3, 8, 8)
        found = boxes.asnumpy()[0, :, :4]
        assert (found >= 0).all() and (found <= 8).all() and (found[:, :2] < found[:, 2:]).all()
    plain = vision.ImageBboxDataLoader(1, (3, 4, 4), path_imgrec=path + ".rec", coord_normalized=False,
                                       aug_list=[vision.ImageBboxResize(4, 4)])
    assert next(iter(plain))[0].shape == (1, 4, 4, 3)
    transform = vision.dataloader.BboxLabelTransform()
    for wrong, what in (([2, 4, 0], "should >= 5, given 4"), ([2, 5, 1], "length >= 7, got 3"),
                        ([2, 5, *range(6)], "Broken label of size 8"), ([1], "should >= 5, given 0")):
        with pytest.raises(InvalidValueError, match=what):
            transform(nd.zeros((2, 2, 3)), nd.array(wrong))
    with pytest.raises(InvalidValueError, match="ImageBboxDataLoader: give path_imgrec"):
        vision.ImageBboxDataLoader(1, (3, 4, 4))
