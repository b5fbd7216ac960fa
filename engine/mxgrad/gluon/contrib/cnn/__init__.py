"""Contributed convolutions, which MXNet 2 has in `gluon.nn` (level 17)."""
from ...nn import DeformableConvolution, ModulatedDeformableConvolution

__all__ = ["DeformableConvolution", "ModulatedDeformableConvolution"]
