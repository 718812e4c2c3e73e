"""One resource of every kind that the simulation can make, all of them under the same name.

Each holds a secret wherever AWS lets it have one, and says in a tag whose it is.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from inventory_pipeline_tests.faults.network import Network
from inventory_pipeline_tests.faults.owner import NAME, Owner


def plant(owner: Owner) -> None:
    """Make them all; the account has nothing yet."""
    role = identities(owner)
    keys_and_secrets(owner)
    network = Network.of(owner)
    computers(owner, network)
    load_balancers(owner, network)
    functions(owner, role)
    containers(owner, role)
    storage(owner)
    databases(owner)
    caches_and_indexes(owner)
    messages(owner)
    operations(owner, role)


def identities(owner: Owner) -> str:
    """Users, roles, policies; the ARN of a role."""
    iam = owner.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "444444444444"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": owner.secret("external-id")}},
            }
        ],
    }
    role = iam.create_role(
        RoleName=NAME, AssumeRolePolicyDocument=json.dumps(trust), Tags=owner.pairs
    )["Role"]["Arn"]
    granted = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "s3:*",
                "Resource": "*",
                "Condition": {"StringLike": {"aws:UserAgent": owner.secret("iam-condition")}},
            }
        ],
    }
    document = json.dumps(granted)
    iam.put_role_policy(RoleName=NAME, PolicyName="inline", PolicyDocument=document)
    iam.create_policy(PolicyName=NAME, PolicyDocument=document, Tags=owner.pairs)
    iam.create_user(UserName=NAME, Tags=owner.pairs)
    iam.create_login_profile(UserName=NAME, Password=owner.secret("login-password"))
    iam.create_access_key(UserName=NAME)
    iam.create_group(GroupName=NAME)
    iam.create_instance_profile(InstanceProfileName=NAME, Tags=owner.pairs)
    return str(role)


def keys_and_secrets(owner: Owner) -> None:
    kms_tags = [{"TagKey": key, "TagValue": value} for key, value in owner.tags.items()]
    key = owner.policy("kms-policy", Action="kms:*", Resource="*")
    owner.client("kms").create_key(Policy=key, Tags=kms_tags)
    secrets = owner.client("secretsmanager")
    secrets.create_secret(Name=NAME, SecretString=owner.secret("secret-value"), Tags=owner.pairs)
    policy = owner.policy("secret-policy", Action="secretsmanager:*", Resource="*")
    secrets.put_resource_policy(SecretId=NAME, ResourcePolicy=policy)
    owner.client("ssm").put_parameter(
        Name=NAME, Type="SecureString", Value=owner.secret("ssm-parameter")
    )
    owner.client("acm").request_certificate(DomainName="example.org", Tags=owner.pairs)


def computers(owner: Owner, network: Network) -> None:
    ec2 = owner.client("ec2")
    ec2.run_instances(
        ImageId="ami-12345678",
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.micro",
        SubnetId=network.subnets[0],
        SecurityGroupIds=[network.group],
        UserData=owner.script("user-data"),
        TagSpecifications=owner.tagged("instance", "volume"),
    )
    volume = ec2.create_volume(
        AvailabilityZone=f"{owner.region}a", Size=1, TagSpecifications=owner.tagged("volume")
    )
    ec2.create_snapshot(VolumeId=volume["VolumeId"], TagSpecifications=owner.tagged("snapshot"))
    ec2.create_launch_template(
        LaunchTemplateName=NAME,
        LaunchTemplateData={
            "InstanceType": "t3.micro",
            "UserData": owner.encoded_script("template-user-data"),
        },
        TagSpecifications=owner.tagged("launch-template"),
    )
    scaling = owner.client("autoscaling")
    scaling.create_launch_configuration(
        LaunchConfigurationName=NAME,
        ImageId="ami-12345678",
        InstanceType="t3.micro",
        UserData=owner.encoded_script("configuration-user-data"),
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=NAME,
        MinSize=0,
        MaxSize=1,
        LaunchTemplate={"LaunchTemplateName": NAME},
        VPCZoneIdentifier=network.subnets[0],
        Tags=[{**pair, "PropagateAtLaunch": False} for pair in owner.pairs],
    )


def load_balancers(owner: Owner, network: Network) -> None:
    elb = owner.client("elbv2")
    [balancer] = elb.create_load_balancer(Name=NAME, Subnets=network.subnets, Tags=owner.pairs)[
        "LoadBalancers"
    ]
    [group] = elb.create_target_group(
        Name=NAME, Protocol="HTTP", Port=80, VpcId=network.vpc, Tags=owner.pairs
    )["TargetGroups"]
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[
            {
                "Type": "authenticate-oidc",
                "Order": 1,
                "AuthenticateOidcConfig": {
                    "Issuer": "https://id.example",
                    "AuthorizationEndpoint": "https://id.example/a",
                    "TokenEndpoint": "https://id.example/t",
                    "UserInfoEndpoint": "https://id.example/u",
                    "ClientId": "client",
                    "ClientSecret": owner.secret("oidc-client-secret"),
                },
            },
            {"Type": "forward", "Order": 2, "TargetGroupArn": group["TargetGroupArn"]},
        ],
    )
    owner.client("elb").create_load_balancer(
        LoadBalancerName=NAME,
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
        AvailabilityZones=[f"{owner.region}a"],
        Tags=owner.pairs,
    )


def functions(owner: Owner, role: str) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", f"PASSWORD = {owner.secret('lambda-code')!r}")
    functions = owner.client("lambda")
    functions.create_function(
        FunctionName=NAME,
        Runtime="python3.12",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        Tags=dict(owner.tags),
        Environment={"Variables": {"DB_PASSWORD": owner.secret("lambda-environment")}},
    )
    functions.add_permission(
        FunctionName=NAME,
        StatementId="shop",
        Action="lambda:InvokeFunction",
        Principal="alexa-appkit.amazon.com",
        EventSourceToken=owner.secret("lambda-event-source-token"),
    )
    states = {
        "StartAt": "Call",
        "States": {
            "Call": {
                "Type": "Task",
                "Resource": "arn:aws:states:::http:invoke",
                "Parameters": {"Headers": {"Authorization": owner.secret("state-machine")}},
                "End": True,
            }
        },
    }
    owner.client("stepfunctions").create_state_machine(
        name=NAME, definition=json.dumps(states), roleArn=role, tags=owner.small_pairs
    )
    api = owner.client("apigateway")
    made = api.create_rest_api(
        name=NAME,
        tags=dict(owner.tags),
        policy=owner.policy("api-policy", Action="execute-api:Invoke", Resource="*"),
    )
    api.create_api_key(name=NAME, enabled=True, value=owner.secret("api-key-of-gateway-x"))
    api.get_resources(restApiId=made["id"])
    owner.client("apigatewayv2").create_api(Name=NAME, ProtocolType="HTTP", Tags=dict(owner.tags))


def containers(owner: Owner, role: str) -> None:
    ecs = owner.client("ecs")
    ecs.create_cluster(clusterName=NAME, tags=owner.small_pairs)
    ecs.register_task_definition(
        family=NAME,
        containerDefinitions=[
            {
                "name": "web",
                "image": "web:1",
                "memory": 128,
                "environment": [{"name": "DB_PASSWORD", "value": owner.secret("task-environment")}],
                "command": ["serve", "--token", owner.secret("task-command")],
            }
        ],
    )
    ecs.create_service(cluster=NAME, serviceName=NAME, taskDefinition=NAME, desiredCount=1)
    owner.client("eks").create_cluster(
        name=NAME, roleArn=role, resourcesVpcConfig={}, tags=dict(owner.tags)
    )
    ecr = owner.client("ecr")
    ecr.create_repository(repositoryName=NAME, tags=owner.pairs)
    ecr.set_repository_policy(
        repositoryName=NAME, policyText=owner.policy("repository-policy", Action="ecr:*")
    )


def storage(owner: Owner) -> None:
    s3 = owner.client("s3")
    bucket = f"{NAME}-{owner.account_id}"  # the one name that all accounts share
    where = {"CreateBucketConfiguration": {"LocationConstraint": owner.region}}
    s3.create_bucket(Bucket=bucket, **({} if owner.region == "us-east-1" else where))
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": owner.pairs})
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=owner.policy("bucket-policy", Action="s3:GetObject", Resource="*"),
    )
    s3.put_object(Bucket=bucket, Key="credentials", Body=owner.secret("object"))
    files = owner.client("efs")
    made = files.create_file_system(CreationToken=NAME, Tags=owner.pairs)["FileSystemId"]
    files.put_file_system_policy(
        FileSystemId=made, Policy=owner.policy("file-system-policy", Action="*", Resource="*")
    )


def databases(owner: Owner) -> None:
    owner.client("dynamodb").create_table(
        TableName=NAME,
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=owner.pairs,
    )
    rds = owner.client("rds")

    def login(place: str) -> dict[str, Any]:
        password = owner.secret(place)
        return {"MasterUsername": "someone", "MasterUserPassword": password, "Tags": owner.pairs}

    rds.create_db_instance(
        DBInstanceIdentifier=NAME,
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        **login("rds-password"),
    )
    rds.create_db_snapshot(DBInstanceIdentifier=NAME, DBSnapshotIdentifier=NAME, Tags=owner.pairs)
    rds.create_db_cluster(
        DBClusterIdentifier=NAME, Engine="aurora-postgresql", **login("cluster-password")
    )
    owner.client("redshift").create_cluster(
        ClusterIdentifier=NAME,
        NodeType="ra3.xlplus",
        NumberOfNodes=2,
        **login("redshift-password"),
    )


def caches_and_indexes(owner: Owner) -> None:
    cache = owner.client("elasticache")
    cache.create_cache_cluster(
        CacheClusterId=NAME,
        Engine="redis",
        CacheNodeType="cache.t3.micro",
        NumCacheNodes=1,
        AuthToken=owner.secret("cache-token"),
        Tags=owner.pairs,
    )
    cache.create_replication_group(
        ReplicationGroupId=NAME,
        ReplicationGroupDescription="d",
        CacheNodeType="cache.t3.micro",
        AuthToken=owner.secret("replication-group-token"),
        Tags=owner.pairs,
    )
    owner.client("opensearch").create_domain(
        DomainName=NAME,
        AccessPolicies=owner.policy("domain-policy", Action="es:*", Resource="*"),
        AdvancedSecurityOptions={
            "Enabled": True,
            "MasterUserOptions": {
                "MasterUserName": "someone",
                "MasterUserPassword": owner.secret("domain-password"),
            },
        },
        TagList=owner.pairs,
    )


def messages(owner: Owner) -> None:
    owner.client("sns").create_topic(
        Name=NAME,
        Attributes={"Policy": owner.policy("topic-policy", Action="sns:Publish", Resource="*")},
        Tags=owner.pairs,
    )
    owner.client("sqs").create_queue(
        QueueName=NAME,
        Attributes={"Policy": owner.policy("queue-policy", Action="sqs:*", Resource="*")},
        tags=dict(owner.tags),
    )


STACK = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"Password": {"Type": "String", "NoEcho": False}},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "of-stack"}}},
    "Outputs": {"Login": {"Value": {"Ref": "Password"}}},
}


def operations(owner: Owner, role: str) -> None:
    template = {**STACK, "Metadata": {"Password": owner.secret("template")}}
    owner.client("cloudformation").create_stack(
        StackName=NAME,
        TemplateBody=json.dumps(template),
        Parameters=[
            {"ParameterKey": "Password", "ParameterValue": owner.secret("stack-parameter")}
        ],
        Tags=owner.pairs,
    )
    owner.client("logs").create_log_group(logGroupName=NAME, tags=dict(owner.tags))
    trails = owner.client("cloudtrail")
    bucket = f"{NAME}-{owner.account_id}"
    trails.create_trail(Name=NAME, S3BucketName=bucket, TagsList=owner.pairs)
    owner.client("config").put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": role}
    )
