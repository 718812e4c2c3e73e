"""The Dagster layer, thin: assets, checks, partitions, jobs, schedules, sensors and resources.

One module per stage, in flow order. Each asset calls one function of a domain package and says
what came of it as metadata. What a stage computes does not belong here.
"""
