"""Images: the operators of nd.image and npx.image, and mx.image, against what MXNet gave."""
from __future__ import annotations

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import MXNetError, autograd, nd, np, npx
from mxgrad.recordio import IRHeader, MXIndexedRecordIO, MXRecordIO, pack_img
from mxgrad.testing import check_grads

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_image", DATA / "record_image.py")
assert _spec is not None and _spec.loader is not None
record: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record)

RECORDED = [
    (case, expected)
    for name in ("image_1.9.1.json", "image_2.0.0b1.json")
    for case, expected in json.loads((DATA / name).read_text()).items()
]
# uint8 results that are not the same to the last bit: a tie of float32 sums, colours of CMYK, and luma that
# libpng takes of 16 bits and Pillow of 8.
OFF_BY_ONE = ("mx.image.imresize(u8, 5, 4, 3)", "mx.image.resize_short(u8, 4, 9)", "image_cmyk.jpg",
              "image_rgb16.png', 0")

IMAGE = numpy.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype("uint8")


def needs_pillow() -> None:
    pytest.importorskip("PIL")


# operators --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "expected"), RECORDED, ids=[c for c, _ in RECORDED])
def test_as_mxnet(case: str, expected: Any) -> None:
    if "imread" in case:
        needs_pillow()
    found = record.plain(eval(case, record.scope(mx, numpy)))
    if not (isinstance(expected, list) and expected[0] in ("uint8", "float32")):
        assert found == expected
        return
    assert found[:2] == expected[:2]
    got, wanted = numpy.array(found[2], "float64"), numpy.array(expected[2], "float64")
    if expected[0] == "float32":
        numpy.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5 * abs(wanted).max())
    elif any(name in case for name in OFF_BY_ONE):
        assert abs(got - wanted).max() <= 1
    else:
        assert (got == wanted).all()


# Every operator, with parameters that leave nothing to chance but which image is which.
EVERY = {
    "to_tensor": (), "flip_left_right": (), "flip_top_bottom": (), "crop": (1, 2, 3, 2), "resize": ((4, 9),),
    "random_brightness": (0.7, 0.7), "random_contrast": (0.7, 0.7), "random_saturation": (0.7, 0.7),
    "random_hue": (0.1, 0.1), "adjust_lighting": ((0.1, 0.2, 0.3),), "random_lighting": (),
    "random_color_jitter": (0.1, 0.2, 0.3, 0.1), "random_flip_left_right": (), "random_flip_top_bottom": (),
    "random_crop": ((0, 1), (0, 1), 3, 2), "random_resized_crop": (4, 3),
}


@pytest.mark.parametrize("name", EVERY)
def test_a_batch_is_its_images(name: str) -> None:
    """All images of a batch meet the same fate, and np arrays the same as nd's."""
    images = numpy.stack([IMAGE, IMAGE[::-1], IMAGE[:, ::-1]])
    operator, one_by_one = getattr(nd.image, name), []
    for image in images:
        mx.random.seed(5)
        one_by_one.append(operator(nd.array(image, dtype="uint8"), *EVERY[name]).asnumpy())
    for make, apply in ((nd.array, operator), (np.array, getattr(npx.image, name))):
        mx.random.seed(5)
        batch = apply(make(images, dtype="uint8"), *EVERY[name])
        assert type(batch) is type(make([1])) and (batch.asnumpy() == numpy.stack(one_by_one)).all()


def test_every_operator_is_tested() -> None:
    public = {n.partition(".")[2] for n in nd.functions.ND if n.startswith("image.")}
    assert public == {*EVERY, "normalize"}
    assert public <= set(dir(npx.image))


def _drawn(name: str, *args: Any) -> Any:
    def f(x: Any) -> Any:
        mx.random.seed(3)
        return getattr(nd.image, name)(x, *args)
    return f


@pytest.mark.parametrize("name", [n for n in EVERY if n != "to_tensor"])
@pytest.mark.parametrize("channels", [1, 3])
def test_gradients(name: str, channels: int) -> None:
    x = numpy.random.default_rng(1).uniform(3, 250, (5, 7, channels))
    f = _drawn(name, *EVERY[name])
    check_grads(f, (nd.array(x, dtype="float64"),), order=2)


@pytest.mark.parametrize("interp", range(5))
@pytest.mark.parametrize("size", [(3, 2), (9, 8), (3, 9)])
def test_gradients_of_resize(interp: int, size: tuple[int, int]) -> None:
    x = nd.array(numpy.random.default_rng(1).normal(size=(2, 5, 6, 2)), dtype="float64")
    check_grads(lambda x: nd.image.resize(x, size, False, interp), (x,), order=2)


def test_gradients_of_normalize_and_to_tensor() -> None:
    x = nd.array(numpy.random.default_rng(1).normal(size=(2, 3, 4, 5)), dtype="float64")
    check_grads(lambda x: nd.image.normalize(x, (1, 2, 3), 0.5), (x,), order=2)
    x = nd.array(IMAGE)
    x.attach_grad()
    with autograd.record():
        y = nd.image.to_tensor(x)
    y.backward()
    assert (x.grad.asnumpy() == numpy.float32(1 / 255)).all()


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "int64", "float16", "float64"])
def test_other_dtypes(dtype: str) -> None:
    """What MXNet stops the process at: resizing keeps every dtype, and rounds integers."""
    x = nd.array([[[0], [100]]], dtype=dtype)
    for interp, expected in ((1, [0, 25, 75, 100]), (0, [0, 0, 100, 100]), (2, [-10.5, 22.7, 77.3, 110.5])):
        y = nd.image.resize(x, (4, 1), interp=interp)
        low = 0 if dtype == "uint16" else -128
        assert y.dtype == x.dtype and abs(y.asnumpy().ravel() - numpy.clip(expected, low, None)).max() <= 0.6
    assert nd.image.random_brightness(x, 0.5, 0.5).asnumpy().ravel().tolist() == [0, 50]
    wide = nd.array([[[-100], [100]]], dtype="int8")
    assert nd.image.random_brightness(wide, 2, 2).asnumpy().ravel().tolist() == [-128, 127]


def test_chance() -> None:
    x = nd.array(IMAGE, dtype="uint8")
    mx.random.seed(1)
    flipped = [bool((nd.image.random_flip_left_right(x, p=0.2) != x).sum().asscalar()) for _ in range(500)]
    assert 70 < sum(flipped) < 130
    for p, expected in ((0, IMAGE), (1, IMAGE[::-1])):
        assert (npx.image.random_flip_top_bottom(np.array(IMAGE), p).asnumpy() == expected).all()
    # After parts that never fit, the centre.
    y = nd.image.random_resized_crop(x, width=3, height=3, area=(1, 1), ratio=(50, 50), interp=0)
    assert (y.asnumpy() == IMAGE[1:4, 2:5]).all()
    same = nd.image.random_color_jitter(x, 0, 0, 0, 0)
    assert (same.asnumpy() == IMAGE).all() and same is not x


def test_out() -> None:
    out = nd.zeros((2, 3, 3), dtype="uint8")
    assert nd.image.crop(nd.array(IMAGE, dtype="uint8"), 1, 1, 3, 2, out=out) is out
    assert (out.asnumpy() == IMAGE[1:3, 1:4]).all()


@pytest.mark.parametrize(("call", "error", "text"), [
    ("image.to_tensor(x[0])", ValueError, r"image.to_tensor: .*\(height, width, channels\).*uint8 \(7, 3\)"),
    ("image.to_tensor([1])", TypeError, "data must have NDArray type"),
    ("image.normalize(x)", ValueError, r"image.normalize: .*1 or 3 channels"),
    ("image.normalize(image.to_tensor(x), (1, 2), 1)", ValueError, "mean has 1 or 3 values"),
    ("image.normalize(image.to_tensor(x), 'a', 1)", TypeError, "mean is a number"),
    ("image.crop(x, 5, 1, 3, 1)", ValueError, "columns 5 to 8 and rows 1 to 2 are not inside .* width 7"),
    ("image.crop(x, -1, 0, 2, 2)", ValueError, "columns -1 to 1"),
    ("image.crop(x, 0, 0, 0, 2)", ValueError, "positive, got 0 and 2"),
    ("image.crop(x, 0, 0)", TypeError, "image.crop: .*missing"),
    ("image.resize(x)", ValueError, r"size is one positive integer or \(width, height\), got \(\)"),
    ("image.resize(x, (1, 2, 3))", ValueError, "size is"),
    ("image.resize(x, 0)", ValueError, "size is"),
    ("image.resize(x, 2.5)", ValueError, "size is"),
    ("image.resize(x, 3, interp=7)", ValueError, "interp is 0 .nearest.*not 7"),
    ("image.resize(nd.zeros((0, 2, 3)), 3)", ValueError, "no pixels"),
    ("image.random_brightness(x, -1, 1)", ValueError, "0 <= min_factor"),
    ("image.random_brightness(x, 2, 1)", ValueError, "0 <= min_factor"),
    ("image.random_hue(nd.zeros((2, 2, 4)), 1, 1)", ValueError, "1 or 3 channels, not 4"),
    ("image.adjust_lighting(x, (1, 2))", ValueError, "alpha has three"),
    ("image.random_lighting(x, -1)", ValueError, "alpha_std is not negative"),
    ("image.random_color_jitter(x, 0, -1, 0, 0)", ValueError, "a jitter is not negative"),
    ("image.random_flip_left_right(x, 2)", ValueError, "p is a probability"),
    ("image.random_crop(x, (0.5, 0.2), (0, 1), 2, 2)", ValueError, "xrange is"),
    ("image.random_crop(x, (0, 1), (0, 1))", TypeError, "'width' is required"),
    ("image.random_resized_crop(x, 0, 2)", ValueError, "width=0"),
    ("image.random_resized_crop(x, 2, 2, area=(2, 3))", ValueError, "area is"),
    ("mx.image.imresize(x[0], 2, 2)", ValueError, "imresize: an image has shape"),
    ("mx.image.imresize([1], 2, 2)", TypeError, "imresize: the image must be an array, got list"),
    ("mx.image.resize_short(x, 3, 11)", ValueError, "Unknown interp method 11"),
    ("mx.image.copyMakeBorder(x, -1, 0, 0, 0)", ValueError, "no border is negative"),
    ("mx.image.copyMakeBorder(x, 1, 0, 0, 0, type=5)", ValueError, "type is 0 to 4"),
    ("mx.image.copyMakeBorder(x, 1, 0, 0, 0, values=(1, 2))", ValueError, "2 numbers for an image of 3"),
    ("mx.image.imrotate(x, 30)", TypeError, "Only `float32`"),
    ("mx.image.imrotate(x[0].astype('float32'), 30)", ValueError, "Only 3D and 4D"),
    ("mx.image.imrotate(f, nd.array([30]))", TypeError, "angle is required to be a scalar"),
    ("mx.image.imrotate(f, 30, True, True)", ValueError, "cannot be both True"),
    ("mx.image.imrotate(nd.stack(f, f), nd.array([30]))", ValueError, "number of rotation angles"),
    ("mx.image.random_size_crop(x, (2, 2), 0.5, (1, 1), nope=1)", TypeError, "unexpected keyword.*nope"),
    ("mx.image.CreateAugmenter((3, 4, 4), rand_resize=True)", ValueError, "rand_resize needs rand_crop"),
    ("mx.image.CreateAugmenter((3, 4, 4), mean=[1])", TypeError, "mean is an array"),
    ("mx.image.CreateAugmenter((3, 4, 4), std=nd.ones(2))", ValueError, "std has one value or three"),
    ("mx.image.imdecode('text')", ValueError, "buf must be of type bytes.*got str"),
])
def test_bad_input(call: str, error: type, text: str) -> None:
    x = nd.array(IMAGE, dtype="uint8")
    scope = {"mx": mx, "nd": nd, "image": nd.image, "x": x, "f": x.astype("float32")}
    with pytest.raises(error, match=text) as caught:
        eval(call, scope)
    assert isinstance(caught.value, MXNetError)
    assert (x.asnumpy() == IMAGE).all()


# mx.image ---------------------------------------------------------------------------------------------------


def test_where_crops_lay() -> None:
    x = nd.array(IMAGE, dtype="uint8")
    part, (left, top, w, h) = mx.image.center_crop(x, (3, 2))
    assert (left, top, w, h) == (2, 1, 3, 2) and (part.asnumpy() == IMAGE[1:3, 2:5]).all()
    random.seed(4)
    part, (left, top, w, h) = mx.image.random_crop(x, (3, 2))
    assert (part.asnumpy() == IMAGE[top:top + h, left:left + w]).all() and (w, h) == (3, 2)
    with pytest.warns(DeprecationWarning, match="min_area"):
        part, (left, top, w, h) = mx.image.random_size_crop(x, (3, 2), None, (1, 1), 0, min_area=0.5)
    assert part.shape == (2, 3, 3) and w == h and w * h >= 0.4 * 35
    assert mx.img.scale_down((640, 480), (720, 120)) == (640, 106)


def test_turns() -> None:
    x = nd.array(numpy.arange(2 * 1 * 5 * 5).reshape(2, 1, 5, 5))
    turned = mx.image.imrotate(x, nd.array([90, 180]))
    expected = numpy.stack([numpy.rot90(x.asnumpy()[0, 0]), x.asnumpy()[1, 0, ::-1, ::-1]])
    numpy.testing.assert_allclose(turned.asnumpy()[:, 0], expected, atol=1e-4)
    numpy.random.seed(0)
    assert mx.image.random_rotate(x, (-30, 30)).shape == x.shape
    assert mx.image.random_rotate(x[0], (0, 0)).asnumpy() == pytest.approx(x[0].asnumpy(), abs=1e-4)


def test_decoding(tmp_path: Path) -> None:
    needs_pillow()
    path = DATA / "image_color.jpg"
    file = path.read_bytes()
    image = mx.image.imread(str(path))
    assert image.dtype == numpy.uint8 and image.shape == (18, 32, 3)
    for buffer in (bytearray(file), numpy.frombuffer(file, "uint8"), nd.array(list(file), dtype="uint8")):
        assert (mx.image.imdecode(buffer).asnumpy() == image.asnumpy()).all()
    out = nd.zeros((18, 32, 3), dtype="uint8")
    assert mx.image.imdecode(file, to_rgb=False, out=out) is out
    assert (out.asnumpy() == image.asnumpy()[:, :, ::-1]).all()
    with npx.np_array():
        assert type(mx.image.imdecode(file)) is np.ndarray
    old = nd.imdecode(file, clip_rect=(1, 2, 0, 5), mean=nd.ones((3, 3, 31)))
    assert (old.asnumpy() == image.asnumpy()[2:5, 1:, ::-1].transpose(2, 0, 1).astype("float32") - 1).all()
    slot = nd.zeros((2, 1, 18, 32))
    nd.imdecode(file, out=slot, index=1, channels=1)
    assert (slot.asnumpy()[1, 0] == mx.image.imdecode(file, 0).asnumpy()[:, :, 0]).all()
    for bad, text in ((b"", "it is empty"), (b"nonsense", "8 bytes that are no image"),
                      (file[:300], "[Tt]runcated")):
        with pytest.raises(ValueError, match=f"Decoding failed. Invalid image file.*{text}") as caught:
            mx.image.imdecode(bad)
        assert isinstance(caught.value, MXNetError)
    (tmp_path / "a.png").write_bytes(b"nonsense")
    with pytest.raises(MXNetError, match="a.png: Decoding failed"):
        mx.image.imread(tmp_path / "a.png")
    with pytest.raises(FileNotFoundError, match="b.png") as missing:
        mx.image.imread(tmp_path / "b.png")
    assert isinstance(missing.value, MXNetError)
    with pytest.raises(ValueError, match="flag is 1"):
        mx.image.imdecode(file, flag=2)
    with pytest.raises(ValueError, match="clip_rect"):
        nd.imdecode(file, clip_rect=(5, 0, 3, 3))


def test_without_pillow_the_message_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['PIL'] = None\n"
        "import mxgrad as mx\n"
        "mx.image.imresize(mx.nd.ones((2, 2, 3)), 3, 3)\n"
        "try: mx.image.imdecode(b'x')\n"
        "except ImportError as error: print(isinstance(error, mx.MXNetError), error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "True image files need Pillow, which is not installed: python -m pip install Pillow\n")


def test_augmenters_write_into_the_image() -> None:
    x = nd.array(IMAGE)
    assert mx.image.BrightnessJitterAug(0.5)(x) is x and mx.image.color_normalize(x, nd.ones(3)) is x
    with pytest.raises(NotImplementedError, match="Augmenter does not define"):
        mx.image.Augmenter()(x)


# batches ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Seven images, each of one colour: in files, in a list of them, and in a record file."""
    needs_pillow()
    with MXIndexedRecordIO(tmp_path / "a.idx", tmp_path / "a.rec", "w") as writer:
        lines = []
        for i in range(7):
            packed = pack_img(IRHeader(0, float(i), i, 0), numpy.full((4, 5, 3), 10 * i, "uint8"), 3, ".png")
            writer.write_idx(i, packed)
            (tmp_path / f"{i}.png").write_bytes(packed[24:])
            lines.append(f"{i}\t{i}.0\t{i}.png\n")
    (tmp_path / "a.lst").write_text("".join(lines))
    return tmp_path


def seen(iterator: Any) -> list[tuple[list[float], list[float], int]]:
    """Of each batch: the colours, the labels, the pad."""
    found = []
    for batch in iterator:
        data, label = batch.data[0].asnumpy(), batch.label[0].asnumpy()
        assert data.shape[1:] == (3, 3, 4) and data.dtype == numpy.float32
        assert (data == data[:, :1, :1, :1]).all()
        found.append(((data[:, 0, 0, 0] / 10).tolist(), label.ravel().tolist(), batch.pad))
    return found


def sources(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        "records": {"path_imgrec": str(folder / "a.rec")},
        "indexed": {"path_imgrec": str(folder / "a.rec"), "path_imgidx": str(folder / "a.idx")},
        "list file": {"path_imglist": str(folder / "a.lst"), "path_root": str(folder)},
        "list": {"imglist": [[i, f"{i}.png"] for i in range(7)], "path_root": str(folder)},
    }


@pytest.mark.parametrize("source", ["records", "indexed", "list file", "list"])
def test_batches(source: str, folder: Path) -> None:
    given = sources(folder)[source]
    full = [([0, 1, 2], [0, 1, 2], 0), ([3, 4, 5], [3, 4, 5], 0)]
    iterator = mx.image.ImageIter(3, (3, 3, 4), **given)
    assert iterator.provide_data == [("data", (3, 3, 3, 4))]
    assert iterator.provide_label == [("softmax_label", (3,))]
    for _ in range(2):
        assert seen(iterator) == [*full, ([6, 0, 1], [6, 0, 1], 2)]
        iterator.reset()
    iterator = mx.image.ImageIter(3, (3, 3, 4), last_batch_handle="discard", **given)
    for _ in range(2):
        assert seen(iterator) == full
        iterator.reset()
    iterator = mx.image.ImageIter(3, (3, 3, 4), last_batch_handle="roll_over", **given)
    assert seen(iterator) == full
    iterator.reset()
    assert seen(iterator) == [([6, 0, 1], [6, 0, 1], 0), ([2, 3, 4], [2, 3, 4], 0)]
    iterator.hard_reset()
    assert seen(iterator) == full
    assert seen(mx.image.ImageIter(9, (3, 3, 4), **given))[0][2] == 2


def test_shuffled_and_shared(folder: Path) -> None:
    given = sources(folder)["indexed"]
    random.seed(0)
    iterator = mx.image.ImageIter(7, (3, 3, 4), shuffle=True, **given)
    first = seen(iterator)[0][0]
    iterator.reset()
    second = seen(iterator)[0][0]
    assert sorted(first) == sorted(second) == list(range(7)) and first != second
    parts = [seen(mx.image.ImageIter(3, (3, 3, 4), part_index=i, num_parts=2, **given)) for i in (0, 1)]
    assert [p[0][0] for p in parts] == [[0, 1, 2], [3, 4, 5]]


def test_wide_labels_and_augmenters(folder: Path) -> None:
    images = [[[i, 0.5], f"{i}.png"] for i in range(3)] + [[3, 1.5, "3.png"]]
    iterator = mx.image.ImageIter(
        2, (3, 3, 4), label_width=2, imglist=images, path_root=str(folder),
        aug_list=[mx.image.ForceResizeAug((4, 3)), mx.image.CastAug()])
    assert seen(iterator) == [([0, 1], [0, 0.5, 1, 0.5], 0), ([2, 3], [2, 0.5, 3, 1.5], 0)]
    with npx.np_array():
        few = [[1, "1.png"]]
        batch = next(mx.image.ImageIter(2, (3, 3, 4), imglist=few, path_root=str(folder), mean=True))
    assert type(batch.data[0]) is np.ndarray
    expected = 10 - numpy.array([123.68, 116.28, 103.53])
    numpy.testing.assert_allclose(batch.data[0][1, :, 0, 0].asnumpy(), expected, rtol=1e-6)


def test_bad_images_and_lists(folder: Path) -> None:
    (folder / "3.png").write_bytes(b"nonsense")
    with pytest.raises(MXNetError, match="Broken image filename: 3.png, Decoding failed"):
        seen(mx.image.ImageIter(3, (3, 3, 4), **sources(folder)["list"]))
    with MXRecordIO(folder / "b.rec", "w") as writer:
        writer.write(b"\0" * 30)
    with pytest.raises(MXNetError, match="Broken image index: 0"):
        seen(mx.image.ImageIter(3, (3, 3, 4), path_imgrec=str(folder / "b.rec")))
    (folder / "a.lst").write_text("0\t1\ta.png\n1 2 b.png\n")
    with pytest.raises(ValueError, match="a.lst: line 2: expected a key"):
        mx.image.ImageIter(3, (3, 3, 4), path_imglist=str(folder / "a.lst"))
    with pytest.raises(FileNotFoundError, match="none.lst"):
        mx.image.ImageIter(3, (3, 3, 4), path_imglist=str(folder / "none.lst"))


@pytest.mark.parametrize(("given", "text"), [
    ({}, "give path_imgrec, path_imglist or imglist"),
    ({"imglist": [], "data_shape": (3, 4)}, "length 3"),
    ({"imglist": [], "data_shape": (1, 4, 4)}, "expects inputs to have 3 channels"),
    ({"imglist": [], "dtype": "int8"}, "int8 label not supported"),
    ({"imglist": [], "last_batch_handle": "keep"}, "'pad', 'discard' or 'roll_over'"),
    ({"imglist": [], "part_index": 2, "num_parts": 2}, "part_index is 0 to 1"),
    ({"imglist": [], "batch_size": 0}, "batch_size is positive"),
    ({"path_imgrec": "a.rec", "shuffle": True}, "need path_imgidx"),
])
def test_bad_iterators(given: dict[str, Any], text: str) -> None:
    with pytest.raises(MXNetError, match=text):
        mx.image.ImageIter(**{"batch_size": 3, "data_shape": (3, 4, 4), **given})


def test_an_empty_list_has_no_batch() -> None:
    assert list(mx.image.ImageIter(3, (3, 4, 4), imglist=[])) == []


BOXES = [[0, 0.1, 0.2, 0.6, 0.9], [1, 0.5, 0.0, 1.0, 0.5]]


def boxed(folder: Path, labels: list[Any], **given: Any) -> Any:
    images = [[label, f"{i}.png"] for i, label in enumerate(labels)]
    return mx.image.ImageDetIter(2, (3, 6, 8), imglist=images, path_root=str(folder), **given)


def flat(*boxes: list[float]) -> list[float]:
    return [2, 5, *(number for box in boxes for number in box)]


def test_batches_of_boxes(folder: Path) -> None:
    iterator = boxed(folder, [flat(*BOXES), flat(BOXES[1]), flat([3, 0.5, 0.5, 0.5, 0.7]), flat(BOXES[0])])
    assert iterator.provide_label == [("label", (2, 2, 5))] and iterator.label_shape == (2, 5)
    nothing = [-1.0] * 5
    batches = [b.label[0].asnumpy().astype("float64").round(6).tolist() for b in iterator]
    # The third image has no box with an area, and is left out.
    assert batches == [[BOXES, [BOXES[1], nothing]], [[BOXES[0], nothing], BOXES]]
    iterator.reset()
    assert [(b.data[0].shape, b.pad) for b in iterator] == [((2, 3, 6, 8), 0), ((2, 3, 6, 8), 1)]
    few = boxed(folder, [flat(BOXES[0])])
    assert iterator.sync_label_shape(few) is few and few.label_shape == (2, 5)
    few.reshape((3, 4, 4), (3, 5))
    batch = next(few)
    assert batch.data[0].shape == (2, 3, 4, 4) and batch.label[0].shape == (2, 3, 5)
    for call, text in ((lambda: few.reshape(None, (1, 5)), "reduce label count from 3 to 1"),
                       (lambda: few.reshape(None, (3, 6)), "width inconsistent: 5 vs 6"),
                       (lambda: few.reshape(None, (3,)), "length 2"),
                       (lambda: few.sync_label_shape(1), "invalid iterator: int")):
        with pytest.raises(MXNetError, match=text):
            call()
    assert few.label_shape == (3, 5)


@pytest.mark.parametrize(("label", "text"), [
    ([2, 5, 1, 1], r"Label shape is invalid: \(4,\)"), ([2, 5, *BOXES[0], 1], "annotation width 5"),
    ([2, 0, *BOXES[0]], "annotation width 0"), (flat([0, 0.5, 0, 0.5, 1]), "no valid label"),
])
def test_labels_without_boxes(label: list[float], text: str, folder: Path) -> None:
    with pytest.raises(ValueError, match=text) as caught:
        boxed(folder, [label])
    assert isinstance(caught.value, MXNetError)


def test_boxes_are_drawn(folder: Path) -> None:
    iterator = boxed(folder, [flat(BOXES[0])], mean=True, std=True)
    (image,) = iterator.draw_next(color=(9, 99, 200), thickness=1, mean=True, std=True)
    assert image.shape == (6, 8, 3) and image.dtype == numpy.uint8
    line = (image == [9, 99, 200]).all(axis=2)
    assert line.sum() == 16 and not image[~line].any()
    iterator.reset()
    assert len(list(iterator.draw_next(id2labels={0: "cat"}))) == 1


@pytest.mark.parametrize(("call", "text"), [
    ("DetBorrowAug(1)", "invalid Augmenter: int"),
    ("DetRandomSelectAug([CastAug()])", "Allow DetAugmenter in list only, got CastAug"),
    ("DetRandomCropAug(area_range=(0.5, 0.2))", "area_range is"),
    ("DetRandomCropAug(aspect_ratio_range=0)", "aspect_ratio_range is"),
    ("DetRandomPadAug(area_range=(0.5, 1.0))", "ends above 1"),
    ("CreateMultiRandCropAugmenter([1, 2], [1.0, 1.0, 1.0])", "equally long"),
])
def test_bad_augmenters_of_boxes(call: str, text: str) -> None:
    with pytest.raises(MXNetError, match=text):
        eval(call, vars(mx.image))


def test_the_bases_of_iterators() -> None:
    desc = mx.io.DataDesc("a", (2, 3), "int8", "NC")
    assert desc == ("a", (2, 3)) and repr(desc) == "DataDesc[a,(2, 3),int8,NC]"
    assert [mx.io.DataDesc.get_batch_axis(layout) for layout in (None, "TNC", "C")] == [0, 1, -1]
    described = mx.io.DataDesc.get_list([("a", (2,)), ("b", (3,))], [("a", "int8"), ("b", "int32")])
    assert [d.dtype for d in described] == ["int8", "int32"]
    assert mx.io.DataDesc.get_list([("a", (2,))], None)[0].dtype is numpy.float32
    with pytest.raises(AssertionError, match="Label must be list of NDArrays, got NDArray"):
        mx.io.DataBatch([], nd.ones(1))     # type: ignore[arg-type]
    assert list(mx.io.DataIter(3)) == []


def test_on_a_device() -> None:
    """Nothing goes to the host and back behind the device's back, and nothing there that CuPy lacks."""
    from mxgrad.testing import use_device_double

    x = nd.array(IMAGE, dtype="uint8")
    with use_device_double():
        for name, args in EVERY.items():
            results = []
            for ctx in (mx.gpu(0), mx.cpu()):
                mx.random.seed(3)
                results.append(getattr(nd.image, name)(x.as_in_context(ctx), *args))
            assert results[0].context == mx.gpu(0) and results[0].shape == results[1].shape
            if results[0].dtype == numpy.uint8:
                assert (results[0].asnumpy() == results[1].asnumpy()).all()
        flat = nd.image.normalize(nd.image.to_tensor(x.as_in_context(mx.gpu(0))), (1, 2, 3), 2)
        assert flat.context == mx.gpu(0)
        assert mx.image.copyMakeBorder(x.as_in_context(mx.gpu(0)), 1, 1, 1, 1, 4).context == mx.gpu(0)
