from inventory_pipeline_tests.simulated_aws import aws, aws_server

__all__ = ["aws", "aws_server"]
