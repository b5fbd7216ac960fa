"""Splitting batches, clipping gradients, files, hooks (level 13)."""
from __future__ import annotations

import hashlib
import os
import shutil
import uuid
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.machinery import PathFinder
from math import isfinite
from sys import modules
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlparse
from weakref import ref

from .. import nd
from ..base import InvalidValueError, MXNetError, UnknownNameError, nearest
from ..invoke import F
from ..ndarray import BaseArray
from ..npx.switches import is_np_array, is_np_shape

__all__ = ["HookHandle", "check_sha1", "clip_global_norm", "download", "replace_file", "shape_is_known",
           "split_and_load", "split_data"]


def split_data(data: Any, num_slice: int, batch_axis: int = 0, even_split: bool = True) -> list[Any]:
    """`data` cut into `num_slice` pieces along `batch_axis`.

    Raises InvalidValueError where the axis is no multiple of `num_slice`, unless `even_split` is false: the
    first pieces then are one longer than the last.

    >>> from mxgrad import nd, gluon
    >>> [s.shape for s in gluon.utils.split_data(nd.zeros((5, 2)), 2, even_split=False)]
    [(3, 2), (2, 2)]
    """
    size = data.shape[batch_axis]
    if even_split and size % num_slice:
        raise InvalidValueError(
            f"data with shape {data.shape} cannot be evenly split into {num_slice} slices along axis "
            f"{batch_axis}. Use a batch size that's multiple of {num_slice} or set even_split=False to allow "
            "uneven partitioning of data.")
    length, longer = divmod(size, num_slice)
    before = (slice(None),) * (batch_axis % data.ndim)
    pieces, start = [], 0
    for i in range(num_slice):
        stop = start + length + (i < longer)
        pieces.append(data[before + (slice(start, stop),)])
        start = stop
    return pieces


def split_and_load(data: Any, ctx_list: Sequence[Any], batch_axis: int = 0,
                   even_split: bool = True) -> list[Any]:
    """`data`, an array or something to make one of, cut along `batch_axis` into one piece on each context.

    >>> import mxgrad as mx
    >>> halves = mx.gluon.utils.split_and_load(mx.nd.array([1, 2, 3, 4]), [mx.cpu(0), mx.cpu(1)])
    >>> [(h.asnumpy().tolist(), h.context) for h in halves]
    [([1.0, 2.0], cpu(0)), ([3.0, 4.0], cpu(1))]
    """
    if not isinstance(data, BaseArray):
        from ..util import default_array

        data = default_array(data, ctx_list[0])
    if len(ctx_list) == 1:
        return [data.as_in_context(ctx_list[0])]
    slices = split_data(data, len(ctx_list), batch_axis, even_split)
    return [piece.as_in_context(ctx) for piece, ctx in zip(slices, ctx_list)]


def clip_global_norm(arrays: Sequence[Any], max_norm: float, check_isfinite: bool = True) -> Any:
    """Scale `arrays` in place so that the norm of all their elements together is at most `max_norm`.

    Returns
    -------
    float or array
        The norm before: a number, and a warning if it is not finite; with ``check_isfinite=False`` an array
        of shape (1,), which no device is waited for.

    Examples
    --------
    >>> from mxgrad import nd, gluon
    >>> x, y = nd.array([3.]), nd.array([4.])
    >>> print(gluon.utils.clip_global_norm([x, y], 1.0))
    5.0
    >>> x.asnumpy().round(3).tolist(), y.asnumpy().round(3).tolist()
    ([0.6000000238418579], [0.800000011920929])
    """
    if not arrays:
        raise InvalidValueError("clip_global_norm: there are no arrays")
    ctx = arrays[0].context
    total = None
    for array in arrays:
        square = F.reshape(F.sum(F.square(array)), shape=(1,)).as_in_context(ctx)
        total = square if total is None else total + square
    norm = F.sqrt(total)
    result = norm
    if check_isfinite:
        result = norm.item() if is_np_array() else norm.asnumpy()[0]
        if not isfinite(result):
            warnings.warn("nan or inf is detected. Clipping results will be undefined.", stacklevel=2)
    scale = F.minimum(max_norm / (norm + 1e-8), 1.0)
    for array in arrays:
        array *= scale.as_in_context(array.context)
    return result


def check_sha1(filename: str, sha1_hash: str) -> bool:
    """Whether the SHA-1 of the file's bytes is `sha1_hash`, in hexadecimal."""
    digest = hashlib.sha1(usedforsecurity=False)
    with open(filename, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() == sha1_hash


def replace_file(src: str, dst: str) -> None:
    """Give the file `src` the name `dst`, in place of what has it."""
    os.replace(src, dst)


class DownloadError(MXNetError, OSError):
    """A file that is not here and cannot be fetched."""


def download(url: str, path: str | None = None, overwrite: bool = False, sha1_hash: str | None = None,
             retries: int = 5, verify_ssl: bool = True) -> str:
    """The path of a local copy of `url`; a copy that is there already is used.

    Only ``file:`` URLs are fetched: for the others DownloadError says where to put the file by hand.

    Parameters
    ----------
    url : str
        Its last part is the name of the file where `path` is a directory or None.
    path : str, optional
        The file, or the directory it is in; the current one by default.
    overwrite : bool
        Fetch the file even if it is there.
    sha1_hash : str, optional
        The SHA-1 the file must have, in hexadecimal.
    retries, verify_ssl
        Accepted for MXNet's sake.
    """
    name = url.split("/")[-1]
    target = os.path.expanduser(path) if path is not None else name
    if not target:
        raise InvalidValueError(f"download: {url!r} does not end in the name of a file; give a path")
    if path is not None and os.path.isdir(target):
        target = os.path.join(target, name)
    if os.path.exists(target) and not overwrite and (not sha1_hash or check_sha1(target, sha1_hash)):
        return target
    parts = urlparse(url)
    if parts.scheme != "file":
        wrong = " (the file there has another SHA-1)" if os.path.exists(target) and not overwrite else ""
        raise DownloadError(
            f"download: mxgrad does not fetch files from the network; download {url} yourself and save it as "
            f"{os.path.abspath(target)}{wrong}")
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    draft = f"{target}.{uuid.uuid4()}"
    try:
        shutil.copyfile(unquote(parts.path), draft)
        if sha1_hash and not check_sha1(draft, sha1_hash):
            raise DownloadError(f"download: {url} does not have the SHA-1 {sha1_hash}")
        replace_file(draft, target)
    finally:
        if os.path.exists(draft):
            os.remove(draft)
    return target


def shape_is_known(shape: tuple[int, ...] | None) -> bool:
    """Whether no length of `shape` is missing: -1, or 0 unless NumPy shapes are on.

    >>> shape_is_known((2, 3)), shape_is_known((2, -1)), shape_is_known(None)
    (True, False, False)
    """
    if shape is None:
        return False
    least = 0 if is_np_shape() else 1
    return all(n >= least for n in shape) and (bool(shape) or is_np_shape())


class HookHandle:
    """What registering a hook gives: `detach` removes it, and so does leaving a ``with`` block."""

    count = 0       # of hooks attached and removed so far

    def __init__(self) -> None:
        self._hooks: Any = None
        self._id: int | None = None

    def attach(self, hooks_dict: OrderedDict[int, Any], hook: Any) -> None:
        """Put `hook` into the dict; a handle does it once."""
        if self._hooks is not None:
            raise InvalidValueError("The same handle cannot be attached twice.")
        self._id = id(hook)
        hooks_dict[self._id] = hook
        self._hooks = ref(hooks_dict)
        HookHandle.count += 1

    def detach(self) -> None:
        """Remove the hook; nothing happens if it is gone already."""
        hooks = self._hooks() if self._hooks is not None else None
        if hooks is not None:
            hooks.pop(self._id, None)
            HookHandle.count += 1

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self.detach()


# What the modules of gluon share ---------------------------------------------------------------------------


def submodule(package: str, name: str, known: Iterable[str]) -> Any:
    """A module of a package, imported when it is first asked for.  Raises UnknownNameError if there is none.
    """
    # Past the finders, one of which answers for `import mxnet`.
    if not name.startswith("_") and PathFinder.find_spec(f"{package}.{name}", modules[package].__path__):
        return import_module(f"{package}.{name}")
    raise UnknownNameError(f"module '{package}' has no attribute {name!r}{nearest(name, known)}")


def indent(text: str, spaces: int) -> str:
    """`text` with its lines after the first moved to the right."""
    return text.replace("\n", "\n" + spaces * " ")


def brief(names: Iterable[str], limit: int = 7) -> str:
    """The names in quotes, the middle ones left out if there are more than `limit`."""
    names = list(names)
    if len(names) > limit:
        return f"{brief(names[:limit // 2])}, ..., {brief(names[-(limit // 2):])}"
    return ", ".join(f"'{n}'" for n in names)


def zeros(shape: tuple[int, ...], dtype: Any, ctx: Any) -> Any:
    """Zeros of the frontend that `is_np_array` tells."""
    if is_np_array():
        from .. import np

        return np.zeros(shape, dtype=dtype, ctx=ctx)
    return nd.zeros(shape, dtype=dtype, ctx=ctx)
