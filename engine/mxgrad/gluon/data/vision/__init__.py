"""`gluon.data.vision`: data sets of images, and what is done to images (level 16)."""
from __future__ import annotations

from . import transforms as transforms
from .datasets import (
    CIFAR10,
    CIFAR100,
    MNIST,
    FashionMNIST,
    ImageFolderDataset,
    ImageListDataset,
    ImageRecordDataset,
)

__all__ = ["CIFAR10", "CIFAR100", "FashionMNIST", "ImageFolderDataset", "ImageListDataset",
           "ImageRecordDataset", "MNIST", "transforms"]
