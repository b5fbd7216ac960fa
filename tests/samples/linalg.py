"""Samples for mxgrad/ops/linalg.py.

Gradients of symmetric matrices' factorisations are symmetric, so that differences along any direction do not
compare; tests/test_nd_linalg.py compares them on symmetric ones."""
import numpy

from .base import Sample, smooth


def dot(a, b, transpose_a=False, transpose_b=False):
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return numpy.tensordot(a, b, ((0 if transpose_a else -1,), (-1 if transpose_b else 0,)))


def matmul(a, b, transpose_a=False, transpose_b=False):
    return (numpy.swapaxes(a, -1, -2) if transpose_a else a) @ (numpy.swapaxes(b, -1, -2) if transpose_b
                                                                else b)


BOTH = {"transpose_a": True, "transpose_b": True, "reference": matmul}


def diag(v, k=0, axis1=0, axis2=1):
    return numpy.diag(v, k) if v.ndim == 1 else numpy.diagonal(v, k, axis1, axis2)


def put_diagonal(v, shape, offset=0, axis1=0, axis2=1):
    out = numpy.zeros(shape)
    plane = numpy.moveaxis(out, (axis1, axis2), (-2, -1))
    i = numpy.arange(v.shape[-1])
    plane[..., i - min(offset, 0), i + max(offset, 0)] = v
    return out


def triangle(n, offset, lower):
    """Rows and columns of a packed triangle."""
    if offset < 0 or offset == 0 and lower:
        return numpy.tril_indices(n, offset)
    columns, rows = numpy.tril_indices(n, -offset)
    return rows, columns


def pack_triangle(a, offset=0, lower=True):
    return a[(..., *triangle(a.shape[-1], offset, lower))]


def unpack_triangle(v, offset=0, lower=True):
    n = int(numpy.sqrt(2 * v.shape[-1])) + abs(offset)
    out = numpy.zeros((*v.shape[:-1], n, n))
    out[(..., *triangle(n, offset, lower))] = v
    return out


def solve(a, b):
    return numpy.linalg.inv(a) @ b if b.ndim != a.ndim - 1 else (numpy.linalg.inv(a) @ b[..., None])[..., 0]


def solve_triangular(a, b, lower=True, transpose=False):
    inverse = numpy.linalg.inv(numpy.tril(a) if lower else numpy.triu(a))
    return (numpy.swapaxes(inverse, -1, -2) if transpose else inverse) @ b


def regular(*shape):
    """Matrices far from singular."""
    return smooth(*shape) + 4 * numpy.eye(shape[-1])


def symmetric(*shape):
    """Positive definite matrices with separate eigenvalues."""
    a = smooth(*shape)
    return a @ numpy.swapaxes(a, -1, -2) + numpy.diag(numpy.arange(1.0, shape[-1] + 1))


def cofactor(a):
    minors = numpy.empty_like(a)
    for i, j in numpy.ndindex(a.shape[-2:]):
        rest = numpy.delete(numpy.delete(a, i, -2), j, -1)
        minors[..., i, j] = (-1) ** (i + j) * numpy.linalg.det(rest)
    return minors


def eigh(a):
    return tuple(numpy.linalg.eigh(a))


def svd(a):
    return tuple(numpy.linalg.svd(a, full_matrices=False))


SAMPLES = {
    "matmul": [
        Sample(smooth(2, 3), smooth(3, 4)), Sample(smooth(2, 3, 2), smooth(4, 3), **BOTH),
        Sample(smooth(2, 3, 2), smooth(3, 4), transpose_a=True, reference=matmul),
        Sample(smooth(2, 3), smooth(2, 4, 3), transpose_b=True, reference=matmul),
        Sample(smooth(3), smooth(2, 3), transpose_b=True, reference=matmul),
        Sample(smooth(2, 3, 2), smooth(3), transpose_a=True, reference=matmul), Sample(smooth(3), smooth(3)),
        Sample(smooth(2, 3), smooth(3)),
        Sample(smooth(3), smooth(3, 2)), Sample(smooth(2, 1, 2, 3), smooth(4, 3, 2)),
        Sample(smooth(3), smooth(2, 3, 2)),
        Sample(smooth(2, 2, 3), smooth(3)), Sample(smooth(2, 0), smooth(0, 3)),
        Sample(smooth(0, 2), smooth(2, 3)),
        Sample(smooth(1, 1), smooth(1, 1)),
    ],
    "dot": [
        Sample(smooth(2, 3), smooth(3, 4), reference=dot),
        Sample(smooth(3, 2), smooth(3, 4), transpose_a=True, reference=dot),
        Sample(smooth(2, 3), smooth(4, 3), transpose_b=True, reference=dot),
        Sample(smooth(3, 2), smooth(4, 3), transpose_a=True, transpose_b=True, reference=dot),
        Sample(smooth(3), smooth(3), reference=dot), Sample(smooth(2, 3), smooth(3), reference=dot),
        Sample(smooth(3), smooth(3, 2), transpose_a=True, reference=dot),
        Sample(smooth(2, 3, 4), smooth(4, 2), reference=dot),
        Sample(smooth(4, 2, 3), smooth(4, 2), transpose_a=True, reference=dot),
        Sample(smooth(2, 4), smooth(3, 2, 4), transpose_b=True, reference=dot),
        Sample(smooth(2, 2, 3), smooth(2, 2, 2), transpose_a=True, transpose_b=True, reference=dot),
        Sample(smooth(), smooth(2, 3), reference=dot), Sample(smooth(2), smooth(), reference=dot),
        Sample(smooth(2, 0), smooth(0, 3), reference=dot),
    ],
    "tensordot": [
        Sample(smooth(2, 3, 4), smooth(3, 4, 2)), Sample(smooth(2, 3), smooth(3, 4), axes=1),
        Sample(smooth(2, 3), smooth(2), axes=0),
        Sample(smooth(2, 3, 4), smooth(4, 2, 3), axes=((2, 0), (0, 1))),
        Sample(smooth(2, 3, 4), smooth(3, 2), axes=((-3, 1), (1, 0))),
        Sample(smooth(2), smooth(2), axes=((0,), (0,))),
        Sample(smooth(2, 0), smooth(0, 3), axes=1),
    ],
    "einsum": [
        Sample(*[smooth(*s) for s in shapes], subscripts=text,
               reference=lambda *arrays, subscripts: numpy.einsum(subscripts, *arrays))
        for text, *shapes in (
            ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ba", (2, 3)), ("ij->", (2, 3)),
            ("ij->j", (2, 3)), ("ii->i", (3, 3)), ("ii", (3, 3)), ("iij->ji", (2, 2, 3)),
            ("iji,j->i", (2, 3, 2), (3,)),
            ("i,j->ij", (2,), (3,)), ("i,i,i->", (3,), (3,), (3,)), ("ij,kl->i", (2, 3), (2, 2)),
            ("...ij,...jk->...ik", (2, 1, 2, 3), (4, 3, 2)), ("...i,i->...", (2, 3), (3,)),
            ("i...->...", (2, 3)),
            ("ij,ij->ij", (2, 3), (1, 3)), ("ij,ij->i", (2, 1), (2, 3)), (",i->i", (), (3,)),
            ("ij , jk , kl -> il", (2, 3), (3, 2), (2, 2)), ("ij,jk->ik", (2, 0), (0, 3)),
            ("iiii->i", (2, 2, 2, 2)),
        )
    ],
    "diagonal": [
        Sample(smooth(3, 4)), Sample(smooth(3, 4), offset=-1),
        Sample(smooth(2, 3, 4), offset=1, axis1=2, axis2=0),
        Sample(smooth(2, 3), offset=5),
    ],
    "put_diagonal": [
        Sample(smooth(3), shape=(3, 4), reference=put_diagonal),
        Sample(smooth(2), shape=(3, 4), offset=-1, reference=put_diagonal),
        Sample(smooth(3, 2), shape=(2, 3, 4), offset=-2, axis1=2, axis2=0, reference=put_diagonal),
        Sample(smooth(0), shape=(2, 3), offset=5, reference=put_diagonal),
    ],
    "diag": [
        Sample(smooth(3), reference=diag), Sample(smooth(2), k=-2, reference=diag),
        Sample(smooth(3, 4), k=1, reference=diag),
        Sample(smooth(2, 3, 4), axis1=-1, axis2=0, reference=diag),
    ],
    "tril": [Sample(smooth(3, 4)), Sample(smooth(2, 3, 3), k=-1), Sample(smooth(3))],
    "triu": [Sample(smooth(3, 4)), Sample(smooth(2, 3, 3), k=2), Sample(smooth(3))],
    "pack_triangle": [
        Sample(smooth(3, 3), reference=pack_triangle),
        Sample(smooth(2, 4, 4), lower=False, reference=pack_triangle),
        Sample(smooth(4, 4), offset=-1, reference=pack_triangle),
        Sample(smooth(4, 4), offset=2, reference=pack_triangle),
    ],
    "unpack_triangle": [
        Sample(smooth(6), reference=unpack_triangle),
        Sample(smooth(2, 6), lower=False, reference=unpack_triangle),
        Sample(smooth(3), offset=-2, reference=unpack_triangle),
        Sample(smooth(10), offset=1, reference=unpack_triangle),
    ],
    "inv": [
        Sample(regular(1, 1), reference=numpy.linalg.inv), Sample(regular(3, 3), reference=numpy.linalg.inv),
        Sample(regular(2, 1, 2, 2), reference=numpy.linalg.inv),
    ],
    "det": [
        Sample(regular(3, 3), reference=numpy.linalg.det),
        Sample(regular(2, 2, 2), reference=numpy.linalg.det),
        Sample(smooth(1, 1), reference=numpy.linalg.det), Sample(smooth(0, 0), reference=numpy.linalg.det),
    ],
    "cofactor": [
        Sample(smooth(3, 3), reference=cofactor), Sample(smooth(2, 2, 2), reference=cofactor),
        Sample(numpy.array([[1.0, 2.0], [2.0, 4.0]]), reference=cofactor, differentiate=False),
        Sample(numpy.zeros((3, 3)), reference=cofactor, differentiate=False),
    ],
    "slogdet": [
        Sample(regular(3, 3), reference=lambda a: tuple(numpy.linalg.slogdet(a))),
        Sample(-regular(2, 3, 3), reference=lambda a: tuple(numpy.linalg.slogdet(a))),
    ],
    "solve": [
        Sample(regular(1, 1), smooth(1, 2), reference=solve),
        Sample(regular(3, 3), smooth(3, 2), reference=solve),
        Sample(regular(3, 3), smooth(3), reference=solve),
        Sample(regular(2, 3, 3), smooth(2, 3), reference=solve),
        Sample(regular(2, 3, 3), smooth(1, 3, 2), reference=solve),
        Sample(regular(1, 3, 3), smooth(2, 3, 1), reference=solve),
    ],
    "solve_triangular": [
        Sample(regular(3, 3), smooth(3, 2), reference=solve_triangular),
        Sample(regular(2, 3, 3), smooth(2, 3, 1), transpose=True, reference=solve_triangular),
        Sample(regular(3, 3), smooth(3, 2), lower=False, reference=solve_triangular),
        Sample(regular(3, 3), smooth(3, 2), lower=False, transpose=True, reference=solve_triangular),
    ],
    "cholesky": [
        Sample(symmetric(1, 1), reference=numpy.linalg.cholesky),
        Sample(symmetric(3, 3), reference=numpy.linalg.cholesky, differentiate=False),
        Sample(symmetric(2, 2, 2), reference=numpy.linalg.cholesky, differentiate=False),
    ],
    "eigh": [
        Sample(symmetric(1, 1), reference=eigh),
        Sample(symmetric(3, 3), reference=eigh, differentiate=False),
        Sample(symmetric(2, 2, 2), reference=eigh, differentiate=False),
    ],
    "svd": [
        Sample(regular(3, 3), reference=svd), Sample(smooth(2, 3, 2), reference=svd),
        Sample(smooth(2, 3), reference=svd),
    ],
    "qr": [
        Sample(regular(3, 3), reference=lambda a: tuple(numpy.linalg.qr(a))),
        Sample(smooth(2, 4, 2), reference=lambda a: tuple(numpy.linalg.qr(a))),
        Sample(smooth(2, 3), reference=lambda a: tuple(numpy.linalg.qr(a))),
    ],
}
