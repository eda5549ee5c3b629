"""Readers of data on disk: each gives an `ImageDataset` or one `InvalidDataset` that lists every problem."""

from crt.data.base import ImageDataset, PixelBox, Sample
from crt.data.box_csv import with_boxes
from crt.data.check import check_images
from crt.data.cub import is_cub, read_cub
from crt.data.error_collector import ErrorCollector
from crt.data.folders import read_folders
from crt.data.labels_csv import read_labels_file
from crt.data.report import DatasetReport, require_negatives
from crt.data.voc import VOC_ANIMALS, VOC_CLASSES, read_voc, voc_palette
from crt.data.wsol_metadata import has_wsol_labels, read_wsol

__all__ = [
    "VOC_ANIMALS",
    "VOC_CLASSES",
    "DatasetReport",
    "ErrorCollector",
    "ImageDataset",
    "PixelBox",
    "Sample",
    "check_images",
    "has_wsol_labels",
    "is_cub",
    "read_cub",
    "read_folders",
    "read_labels_file",
    "read_voc",
    "read_wsol",
    "require_negatives",
    "voc_palette",
    "with_boxes",
]
