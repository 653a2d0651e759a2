"""A dataset of posed pictures with depth, normals and masks, for the refine stage and for other programs.

docs/fastgs_dataset.md describes it.
"""

from vistadream.formats.fastgs_dataset.layout import Fault, dataset_files, is_dataset
from vistadream.formats.fastgs_dataset.read import read_dataset
from vistadream.formats.fastgs_dataset.sample import Sample, sample_of
from vistadream.formats.fastgs_dataset.validate import validate_dataset
from vistadream.formats.fastgs_dataset.write import write_dataset

__all__ = [
    "Fault",
    "Sample",
    "dataset_files",
    "is_dataset",
    "read_dataset",
    "sample_of",
    "validate_dataset",
    "write_dataset",
]
