"""Images that are augmented, with the boxes of objects in them, as MXNet 2 contributes them (level 18)."""
from . import dataloader, transforms
from .dataloader import ImageBboxDataLoader, ImageDataLoader, create_bbox_augment, create_image_augment
from .transforms.bbox import (
    ImageBboxCrop,
    ImageBboxRandomCropWithConstraints,
    ImageBboxRandomExpand,
    ImageBboxRandomFlipLeftRight,
    ImageBboxResize,
)

__all__ = [
    "ImageBboxCrop", "ImageBboxDataLoader", "ImageBboxRandomCropWithConstraints", "ImageBboxRandomExpand",
    "ImageBboxRandomFlipLeftRight", "ImageBboxResize", "ImageDataLoader", "create_bbox_augment",
    "create_image_augment", "dataloader", "transforms",
]
