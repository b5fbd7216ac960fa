"""Print, as JSON, what operators on images and `mx.image` give in MXNet.

    python-1.9 record_image.py >image_1.9.1.json
    python-2.0 record_image.py >image_2.0.0b1.json

A case is an expression over `u8`, uint8 (7, 10, 3), `f32`, the same in float32, `one` and `zero` (2, 2, 3),
`image`, the operators, and `folder`, this one.  Random streams start anew for each.  ``&`` joins lines.
"""
import json
import os
import random

CASES = {
    "1": """
image.to_tensor(u8)
image.to_tensor(u8.expand_dims(0))
image.normalize(image.to_tensor(u8), (0.1, 0.2, 0.3), (0.5, 1, 2))
image.normalize(image.to_tensor(u8), 0.5, 2)
image.normalize(u8.transpose((2, 0, 1)), (1, 2, 3), (2, 3, 4))
image.crop(u8, 1, 2, 3, 4)
image.crop(u8.expand_dims(0), 9, 0, 1, 7)
image.flip_left_right(u8)
image.flip_top_bottom(f32[:6])
image.random_brightness(u8, 1.5, 1.5)
image.random_brightness(u8, 0.3, 0.3)
image.random_brightness(f32, 0.3, 0.3)
image.random_contrast(u8, 1.5, 1.5)
image.random_contrast(f32, 0.3, 0.3)
image.random_saturation(u8, 1.5, 1.5)
image.random_saturation(f32, 0.3, 0.3)
image.random_hue(u8, 0.3, 0.3)
image.random_hue(f32, 0.1, 0.1)
image.random_hue(f32, 1.7, 1.7)
image.adjust_lighting(u8, (0.1, 0.2, 0.3))
image.adjust_lighting(f32, (-1, 0.5, 2))
several(lambda: image.random_brightness(one, 0.5, 1.5))
several(lambda: image.random_contrast(f32, 0.5, 1.5))
several(lambda: image.random_saturation(f32, 0.5, 1.5))
several(lambda: image.random_hue(f32, 0.5, 1.5))
several(lambda: image.random_lighting(zero, 1.0))
several(lambda: image.random_lighting(zero))
several(lambda: image.random_flip_left_right(u8))
several(lambda: image.random_flip_top_bottom(u8[:6]))
several(lambda: image.random_color_jitter(f32, 0.5, 0.5, 0.5, 0.5))
several(lambda: image.random_color_jitter(u8, 0.2, 0, 0.2, 0.1))
image.resize(u8, 5, True)
image.resize(u8.transpose((1, 0, 2)), 5, True)
image.resize(u8, (5,))
image.resize(u8.expand_dims(0), (5, 4))
mx.image.imrotate(f32.transpose((2, 0, 1)), 30)
mx.image.imrotate(f32.transpose((2, 0, 1)), -100, zoom_in=True)
mx.image.imrotate(f32.transpose((2, 0, 1)), 45, zoom_out=True)
mx.image.resize_short(u8, 4, 9)
mx.image.fixed_crop(u8, 2, 1, 5, 5, (3, 3), 1)
mx.image.fixed_crop(u8, 7, 5, 9, 9)
several(lambda: mx.image.random_crop(u8, (4, 3))[0])
several(lambda: mx.image.random_crop(u8, (14, 3), 1)[0])
mx.image.center_crop(u8, (4, 5))[0]
mx.image.center_crop(u8, (30, 5), 1)[0]
several(lambda: mx.image.random_size_crop(u8, (4, 3), (0.3, 0.9), (0.5, 2), 1)[0])
mx.image.color_normalize(f32, mx.nd.array([1, 2, 3]), mx.nd.array([4, 5, 6]))
mx.image.copyMakeBorder(u8, 1, 2, 3, 4, type=0, value=9)
mx.image.copyMakeBorder(u8, 1, 2, 3, 4, type=0, values=(1, 2, 3))
mx.image.copyMakeBorder(u8, 1, 2, 3, 4, type=1)
mx.image.copyMakeBorder(u8, 1, 2, 3, 4, type=2)
mx.image.copyMakeBorder(u8, 1, 2, 3, 4, type=3)
mx.image.copyMakeBorder(u8, 1, 2, 3, 4, type=4)
several(lambda: mx.image.BrightnessJitterAug(0.5)(f32.copy()))
several(lambda: mx.image.ContrastJitterAug(0.5)(f32.copy()))
several(lambda: mx.image.SaturationJitterAug(0.5)(f32.copy()))
several(lambda: mx.image.HueJitterAug(0.5)(f32.copy()))
several(lambda: mx.image.ColorJitterAug(0.5, 0.4, 0.3)(f32.copy()))
several(lambda: mx.image.LightingAug(0.1, np.array([1, 2, 3.0]), &
np.array([[1, 2, 3], [0, 1, 2], [3, 1, 1.0]]))(f32.copy()))
several(lambda: mx.image.RandomGrayAug(0.5)(f32.copy()))
several(lambda: mx.image.HorizontalFlipAug(0.5)(f32))
mx.image.ForceResizeAug((3, 9), 1)(u8)
several(lambda: apply(mx.image.CreateAugmenter((3, 4, 5), resize=6, rand_crop=True, rand_mirror=True, &
mean=True, std=True, brightness=0.1, contrast=0.2, saturation=0.3, hue=0.1, pca_noise=0.1, rand_gray=0.3, &
inter_method=1), u8))
several(lambda: apply(mx.image.CreateAugmenter((3, 4, 5), rand_crop=True, rand_resize=True, &
inter_method=1), u8))
[a.dumps() for a in mx.image.CreateAugmenter((3, 4, 5), 6, True, True, True, True, True, &
0.1, 0.2, 0.3, 0.4, 0.5, 0.6)]
mx.image.SequentialAug([mx.image.CastAug(), mx.image.ResizeAug(3)]).dumps()
pairs(mx.image.DetHorizontalFlipAug(0.5))
pairs(mx.image.DetRandomCropAug())
pairs(mx.image.DetRandomCropAug(0.5, 1.0, (0.3, 0.9), 0.55))
pairs(mx.image.DetRandomCropAug(0.05, (0.2, 4), (0.1, 0.5), 0.01, 20))
pairs(mx.image.DetRandomPadAug())
pairs(mx.image.DetRandomPadAug((0.5, 2), (1.5, 4.0), pad_val=(1, 2, 3)))
pairs(mx.image.CreateMultiRandCropAugmenter([0.1, 0.5], (0.75, 1.33), [(0.2, 1.0), (0.5, 0.8)], &
skip_prob=0.2))
pairs(mx.image.DetBorrowAug(mx.image.ResizeAug(4)))
pairs(lambda x, y: apply(mx.image.CreateDetAugmenter((3, 4, 5), 6, 0.5, 0.5, 0.1, True, True, True, 0.1), &
x, y))
[a.dumps() for a in mx.image.CreateDetAugmenter((3, 4, 5), 6, 0.5, 0.5, 0.1, True, None, None, 0.1, hue=0.2)]
""",
    "2": """
several(lambda: image.random_crop(u8, width=4, height=3))
several(lambda: image.random_crop(u8, (0.25, 0.5), (0.5, 0.75), width=3, height=2))
several(lambda: image.random_crop(u8, width=4, height=20))
several(lambda: image.random_resized_crop(u8, width=4, height=3))
several(lambda: image.random_resized_crop(f32, width=4, height=3, area=(0.1, 0.2), ratio=(0.5, 2)))
""",
}
CASES["1"] += "".join(
    f"mx.image.imresize({array}, {w}, {h}, {interp})\n"
    for array in ("u8", "f32") for interp in range(5) for w, h in ((5, 4), (13, 14), (3, 11), (10, 7)))
CASES["1"] += "".join(
    f"mx.image.imread(folder + 'image_{name}', {flag})\n" for flag in (1, 0)
    for name in ("color.jpg", "palette.png", "alpha.png", "gray16.png", "rgb16.png", "bit.png", "cmyk.jpg",
                 "turned.jpg"))
CASES["1"] += "mx.image.imread(folder + 'image_alpha.png', to_rgb=False)\n"
CASES["1"] += "mx.image.imresize(u8[:6], 5, 3, 1)\nmx.image.imresize(u8[:6], 5, 3, 3)\n"


def cases(version):
    return CASES[version].replace("&\n", "").strip().split("\n")


def scope(mx, np):
    """The names that expressions are written with."""
    u8 = mx.nd.array(np.random.RandomState(0).randint(0, 256, (7, 10, 3)), dtype="uint8")

    def several(f):
        return np.stack([f().asnumpy() for _ in range(4)])

    def apply(augmenters, *given):
        for augment in augmenters:
            given = augment(*given)
            given = given if isinstance(given, tuple) else (given,)
        return given[0] if len(given) == 1 else given

    boxes = np.array([[0, 0.1, 0.2, 0.6, 0.9], [1, 0.5, 0.0, 1.0, 0.5], [2, 0.7, 0.6, 0.8, 0.7]], "float32")

    def pairs(augment):
        found = [augment(u8, boxes.copy()) for _ in range(8)]
        return [[list(x.shape), round(float(x.asnumpy().mean(dtype="float64")), 2), np.round(y, 4).tolist()]
                for x, y in found]

    random.seed(1)
    np.random.seed(1)
    mx.random.seed(1)
    return {
        "mx": mx, "np": np, "u8": u8, "f32": u8.astype("float32"), "one": mx.nd.ones((2, 2, 3)),
        "zero": mx.nd.zeros((2, 2, 3)), "image": mx.nd.image, "several": several, "apply": apply,
        "pairs": pairs,
        "folder": os.path.join(os.path.dirname(os.path.abspath(__file__)), ""),
    }


def plain(value):
    """An array as [dtype, shape, values]; anything else as it is."""
    if hasattr(value, "asnumpy"):
        value = value.asnumpy()
    if hasattr(value, "dtype"):
        values = value.ravel().tolist()
        return [value.dtype.name, list(value.shape),
                values if value.dtype.kind in "iu" else [float(f"{v:.7g}") for v in values]]
    return value


if __name__ == "__main__":
    import mxnet
    import numpy

    found = {}
    for case in cases(mxnet.__version__[0]):
        found[case] = plain(eval(case, scope(mxnet, numpy)))
    lines = [f"{json.dumps(c)}: {json.dumps(v, separators=(',', ':'))}" for c, v in found.items()]
    print("{\n" + ",\n".join(lines) + "\n}")
