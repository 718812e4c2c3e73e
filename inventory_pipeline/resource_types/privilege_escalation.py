"""Combinations of actions by which an identity can give itself more rights than it has.

Belongs here: the list, and which of them a set of statements allows. Not here: reading policies
(`policies`). The methods are those published by Rhino Security Labs ("AWS IAM Privilege
Escalation: Methods and Mitigation"), Bishop Fox ("Privilege Escalation in AWS") and Datadog's
pathfinding.cloud, as Prowler's check `iam_policy_allows_privilege_escalation` uses them. One that
contains another is left out, since the shorter one suffices.
"""

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

from inventory_pipeline.resource_types.policies import Statement, covers_action
from inventory_pipeline.resource_types.policy_documents import EVERYONE

_ALONE = (
    # Rights of oneself, of one's groups and roles.
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreatePolicyVersion",
    "iam:PutGroupPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    # Credentials of others.
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    # Work that runs with a role already.
    "apprunner:UpdateService",
    "cloudformation:UpdateStack",
    "codebuild:StartBuild",
    "codebuild:StartBuildBatch",
    "glue:UpdateDevEndpoint",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "sagemaker:CreatePresignedNotebookInstanceUrl",
    "ssm:SendCommand",
    "ssm:StartSession",
)
_TOGETHER = (
    ("bedrock-agentcore:InvokeCodeInterpreter", "bedrock-agentcore:StartCodeInterpreterSession"),
    ("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"),
    ("ec2-instance-connect:SendSSHPublicKey", "ec2:DescribeInstances"),
    ("ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"),
    ("ec2:ModifyInstanceAttribute", "ec2:StartInstances", "ec2:StopInstances"),
    ("ecs:DescribeTasks", "ecs:ExecuteCommand"),
    (
        "sagemaker:CreateNotebookInstanceLifecycleConfig",
        "sagemaker:StartNotebookInstance",
        "sagemaker:StopNotebookInstance",
        "sagemaker:UpdateNotebookInstance",
    ),
)
# New work that is handed a role.
_WITH_PASS_ROLE = (
    ("apprunner:CreateService",),
    ("autoscaling:CreateAutoScalingGroup", "autoscaling:CreateLaunchConfiguration"),
    ("autoscaling:CreateLaunchConfiguration", "autoscaling:UpdateAutoScalingGroup"),
    ("bedrock-agentcore:CreateCodeInterpreter", "bedrock-agentcore:InvokeCodeInterpreter"),
    ("cloudformation:CreateStack",),
    ("cloudformation:CreateStackInstances", "cloudformation:CreateStackSet"),
    ("cloudformation:UpdateStackSet",),
    ("codestar:CreateProject",),
    (
        "datapipeline:ActivatePipeline",
        "datapipeline:CreatePipeline",
        "datapipeline:PutPipelineDefinition",
    ),
    ("ec2:RequestSpotInstances",),
    ("ec2:RunInstances",),
    ("ecs:CreateService", "ecs:RegisterTaskDefinition"),
    ("ecs:DeregisterContainerInstance", "ecs:RegisterContainerInstance", "ecs:StartTask"),
    ("ecs:RegisterTaskDefinition", "ecs:StartTask"),
    ("ecs:RunTask",),
    ("glue:CreateDevEndpoint",),
    ("glue:CreateJob", "glue:CreateTrigger"),
    ("glue:CreateJob", "glue:StartJobRun"),
    ("glue:CreateTrigger", "glue:UpdateJob"),
    ("glue:StartJobRun", "glue:UpdateJob"),
    ("lambda:AddPermission", "lambda:CreateFunction"),
    ("lambda:CreateEventSourceMapping", "lambda:CreateFunction"),
    ("lambda:CreateFunction", "lambda:InvokeFunction"),
    ("sagemaker:CreateNotebookInstance",),
    ("sagemaker:CreateProcessingJob",),
    ("sagemaker:CreateTrainingJob",),
)


@cache
def methods() -> tuple[tuple[str, ...], ...]:
    """The actions that each method needs together."""
    return (
        *((action,) for action in _ALONE),
        *_TOGETHER,
        *(("iam:PassRole", *actions) for actions in _WITH_PASS_ROLE),
    )


def escalations(statements: Iterable[Statement]) -> list[str]:
    """Methods that statements in force together allow, as `action+action`.

    Which resources, and under which conditions, is not looked at for what they allow; a denial
    counts where it is of all resources and unconditional.
    """
    allowed: set[str] = set()
    denied: set[str] = set()
    for statement in statements:
        if statement["effect"] == "Allow":
            allowed |= _needed_actions(statement)
        elif EVERYONE in statement["resources"] and not statement["conditions"]:
            denied |= _needed_actions(statement)
    in_force = allowed - denied
    return ["+".join(method) for method in methods() if in_force.issuperset(method)]


def _needed_actions(statement: Statement) -> frozenset[str]:
    return _covered(tuple(statement["actions"]), tuple(statement["not_actions"]))


@lru_cache(maxsize=4096)  # the same patterns stand in many policies
def _covered(actions: Sequence[str], not_actions: Sequence[str]) -> frozenset[str]:
    statement = {"actions": actions, "not_actions": not_actions}
    needed = {action for method in methods() for action in method}
    return frozenset(action for action in needed if covers_action(statement, action))
