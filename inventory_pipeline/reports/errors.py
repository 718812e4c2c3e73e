"""What can be wrong with a report: for good, or only for now."""


class ReportError(Exception):
    """A delivery cannot be ingested. The message, one line, names what is wrong and where."""


class NotReadyError(ReportError):
    """Not yet: the delivery is incomplete, or S3 did not answer. Not a fault of the report."""


class IrregularError(Exception):
    """A CSV file is not in AWS's own dialect; DuckDB is to read it."""
