"""Keys of a place that S3 delivers inventory reports to. Not here: how they are read (`model`)."""

from typing import Annotated

from pydantic import Field

from inventory_pipeline.settings.section import Section
from inventory_pipeline.settings.values import EMPTY_IS_NONE, Bucket, Name, Region


class Destination(Section):
    bucket: Bucket = Field(examples=["example-inventory-reports"])
    """Bucket that receives the reports."""
    prefix: str = Field(default="", examples=["reports"])
    """Prefix set in the inventory configurations."""
    account: Annotated[Name | None, EMPTY_IS_NONE] = Field(default=None, examples=["engineering"])
    """Account, by its name above or its id, whose role reads the bucket; null is the caller."""
    region: Region = "us-east-1"
    """The bucket's region."""
