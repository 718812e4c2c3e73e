"""What every group of keys has in common. Not here: which keys there are (`model`, `access`)."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A group of keys: unchangeable, refusing unknown keys, never showing input in errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
