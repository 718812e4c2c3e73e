"""What is deployed around the code: today the Dagster instance's embedded configuration.

Later also the IAM policies and templates generated from `resource_types`.
"""
