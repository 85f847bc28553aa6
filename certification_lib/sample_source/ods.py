"""What the rows of a sample state are written with."""

from dataclasses import dataclass

from certification_lib.sample_source.copy_rows import TableCopier
from certification_lib.sample_source.descriptors import Descriptors
from certification_lib.sample_source.layout import Layout


@dataclass(frozen=True)
class Ods:
    copier: TableCopier
    descriptors: Descriptors
    layout: Layout
