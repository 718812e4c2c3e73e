"""Benchmarks: `python -m inventory_pipeline_tests.benchmarks NAME [--rows N] [--json]`.

Each compares, in one run and in a process for each side, with what a user would pick instead, and
fails where the sides do not agree. A module is a benchmark; `measuring` is what they share.
"""
