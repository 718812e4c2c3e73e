"""One resource of each kind that ministack can make, so that every detail is asked of something."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

Make = Callable[[str], Any]
"""Gives the account owner's client of a service."""

ROLE = "arn:aws:iam::{account_id}:role/service"
NAME = "least-privilege"
TRUST = {"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def plant(make: Make, account_id: str) -> None:
    role = ROLE.format(account_id=account_id)
    _identities(make)
    _network(make)
    _compute(make, role)
    _storage(make, account_id)
    _databases(make)
    _messages(make)
    _operations(make, role)


def _policy(**statement: Any) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Sid": "One", "Effect": "Allow", **statement}]}
    )


def _identities(make: Make) -> None:
    iam = make("iam")
    iam.create_role(RoleName="service", AssumeRolePolicyDocument=_policy(**TRUST))
    iam.create_user(UserName=NAME)
    iam.create_access_key(UserName=NAME)
    iam.create_group(GroupName=NAME)
    iam.create_instance_profile(InstanceProfileName=NAME)
    document = _policy(Action="s3:ListAllMyBuckets", Resource="*")
    iam.create_policy(PolicyName=NAME, PolicyDocument=document)
    make("kms").create_key()
    make("secretsmanager").create_secret(Name=NAME, SecretString="x")
    make("acm").request_certificate(DomainName="example.org")


def _network(make: Make) -> None:
    ec2 = make("ec2")
    subnets = ec2.describe_subnets()["Subnets"]
    vpc = subnets[0]["VpcId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=subnets[0]["SubnetId"], AllocationId=address)
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3")
    ec2.create_managed_prefix_list(
        PrefixListName=NAME, MaxEntries=1, AddressFamily="IPv4", Entries=[{"Cidr": "10.0.0.0/8"}]
    )
    elb = make("elbv2")
    two = [subnet["SubnetId"] for subnet in subnets[:2]]
    [balancer] = elb.create_load_balancer(Name=NAME, Subnets=two)["LoadBalancers"]
    [group] = elb.create_target_group(Name=NAME, Protocol="HTTP", Port=80, VpcId=vpc)[
        "TargetGroups"
    ]
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )


def _compute(make: Make, role: str) -> None:
    ec2 = make("ec2")
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="t3.micro")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    ec2.create_snapshot(VolumeId=volume)
    ec2.create_launch_template(
        LaunchTemplateName=NAME, LaunchTemplateData={"InstanceType": "t3.micro"}
    )
    make("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=NAME,
        MinSize=0,
        MaxSize=1,
        LaunchTemplate={"LaunchTemplateName": NAME},
        AvailabilityZones=["us-east-1a"],
    )
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): pass")
    make("lambda").create_function(
        FunctionName=NAME,
        Runtime="python3.12",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
    )
    make("ecs").create_cluster(clusterName=NAME)
    make("eks").create_cluster(name=NAME, roleArn=role, resourcesVpcConfig={})


def _storage(make: Make, account_id: str) -> None:
    s3 = make("s3")
    s3.create_bucket(Bucket=NAME)
    policy = _policy(
        Principal={"AWS": account_id}, Action="s3:ListBucket", Resource=f"arn:aws:s3:::{NAME}"
    )
    s3.put_bucket_policy(Bucket=NAME, Policy=policy)
    make("s3control").create_access_point(AccountId=account_id, Name=NAME, Bucket=NAME)
    make("efs").create_file_system(CreationToken=NAME)
    make("ecr").create_repository(repositoryName=NAME)


def _databases(make: Make) -> None:
    make("dynamodb").create_table(
        TableName=NAME,
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    rds = make("rds")
    login = {"MasterUsername": "someone", "MasterUserPassword": "password"}
    rds.create_db_instance(
        DBInstanceIdentifier=NAME,
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        **login,
    )
    rds.create_db_snapshot(DBInstanceIdentifier=NAME, DBSnapshotIdentifier="one")
    rds.create_db_cluster(DBClusterIdentifier="cluster", Engine="aurora-postgresql", **login)
    rds.create_db_cluster_snapshot(
        DBClusterIdentifier="cluster", DBClusterSnapshotIdentifier="one-of-cluster"
    )
    rds.create_db_parameter_group(
        DBParameterGroupName="one", DBParameterGroupFamily="postgres16", Description="d"
    )
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="one",
        DBParameterGroupFamily="aurora-postgresql16",
        Description="d",
    )
    cache = make("elasticache")
    cache.create_cache_cluster(
        CacheClusterId="one", Engine="redis", CacheNodeType="cache.t3.micro", NumCacheNodes=1
    )
    cache.create_replication_group(
        ReplicationGroupId="two", ReplicationGroupDescription="d", CacheNodeType="cache.t3.micro"
    )
    make("opensearch").create_domain(DomainName=NAME)


def _messages(make: Make) -> None:
    make("sns").create_topic(Name=NAME)
    queue = make("sqs").create_queue(QueueName=NAME)["QueueUrl"]
    arn = make("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    make("lambda").create_event_source_mapping(
        FunctionName=NAME, EventSourceArn=arn["Attributes"]["QueueArn"]
    )


def _operations(make: Make, role: str) -> None:
    make("logs").create_log_group(logGroupName=NAME)
    make("cloudtrail").create_trail(Name=NAME, S3BucketName=NAME)
    make("config").put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": role}
    )
    make("apigateway").create_rest_api(name=NAME)
    make("apigatewayv2").create_api(Name=NAME, ProtocolType="HTTP")
    states = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    make("stepfunctions").create_state_machine(
        name=NAME, definition=json.dumps(states), roleArn=role
    )
