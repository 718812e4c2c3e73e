"""The lake's one error."""


class LakeError(Exception):
    """The lake cannot do what was asked; the message says why and what to do."""
