"""Roles that are assumed in the accounts: who may, on which conditions, and how a template says it.

Belongs here: what such roles have in common. Not here: what they allow (`member`, `organization`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from inventory_pipeline.infrastructure.policies import Statement, document
from inventory_pipeline.infrastructure.template import FORMAT_VERSION, Template, managed_policies
from inventory_pipeline.settings import Settings

SHORTEST_SESSION = 3600
"""Seconds; IAM lets no role's longest session be shorter."""

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "CollectorRoleArn": {
        "Type": "String",
        "Description": "ARN of the collector role, which must exist before this role is made.",
        "AllowedPattern": r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$",
    },
    "ConfiguratorArn": {
        "Type": "String",
        "Description": "ARN of the role or user that runs `inventory configs apply`; it must exist "
        "before this role is made.",
        "AllowedPattern": r"^arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+$",
    },
    "ExternalId": {
        "Type": "String",
        "NoEcho": True,
        "Description": "External id, the same as in the settings (external_id).",
        "AllowedPattern": r"^[\w+=,.@:/-]{2,1224}$",
    },
    "OrganizationId": {
        "Type": "String",
        "Description": "Id of the AWS organisation that the collector's account belongs to.",
        "AllowedPattern": r"^o-[a-z0-9]{10,32}$",
    },
}

CONDITION_MEANINGS = {
    "CollectorRoleArn": "Only the collector role may assume this role.",
    "ConfiguratorArn": "Only who runs `inventory configs apply` may assume this role.",
    "sts:ExternalId": "The caller must know this id: whoever else can make the collector assume "
    "roles (the confused deputy) cannot make it enter this account.",
    "aws:PrincipalOrgID": "The caller must belong to this AWS organisation, so a collector whose "
    "account has left it is refused.",
}


def trusting_role(
    name: str,
    description: str,
    role_name: str,
    statements: Sequence[Statement],
    settings: Settings,
    *,
    external_id: bool,
    in_organization: bool,
    metadata: Mapping[str, Any] | None = None,
    trusted: str = "CollectorRoleArn",
    policy: str = "ReadPolicy",
) -> Template:
    """The template of a role that the parameter `trusted` alone may assume, on these conditions."""
    description = f"Inventory: {description}"
    conditions = {
        **({"sts:ExternalId": {"Ref": "ExternalId"}} if external_id else {}),
        **({"aws:PrincipalOrgID": {"Ref": "OrganizationId"}} if in_organization else {}),
    }
    parameters = [trusted, *(value["Ref"] for value in conditions.values())]
    policies = managed_policies(policy, description, statements)
    bare_name = split_role_name(role_name)[1]
    trust = _trust(settings, trusted, conditions)
    role = role_resource(role_name, description, [trust], policies, settings)
    return Template(
        name,
        {
            "AWSTemplateFormatVersion": FORMAT_VERSION,
            "Description": description,
            "Metadata": {
                "Conditions": _meanings(trusted, conditions),
                **(metadata or {}),
            },
            "Parameters": {
                **{key: dict(PARAMETERS[key]) for key in parameters},
                "RoleName": role_name_parameter(bare_name),
            },
            "Resources": {**policies, "Role": role},
            "Outputs": role_output("Role"),
        },
    )


def _meanings(trusted: str, conditions: Mapping[str, Any]) -> dict[str, str]:
    """What each condition of a trust policy is for."""
    named = {"Principal": trusted, **{key: key for key in conditions}}
    return {name: CONDITION_MEANINGS[key] for name, key in named.items()}


def role_resource(
    role_name: str,
    description: str,
    trust: Sequence[Any],
    policies: Mapping[str, Any],
    settings: Settings,
) -> dict[str, Any]:
    """A role named by the parameter RoleName, with the path of `role_name` and these policies."""
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Ref": "RoleName"},
            "Path": split_role_name(role_name)[0],
            "Description": description,
            "MaxSessionDuration": max(SHORTEST_SESSION, settings.credentials.duration_seconds),
            "AssumeRolePolicyDocument": document(trust),
            "ManagedPolicyArns": [{"Ref": policy} for policy in policies],
        },
    }


def role_output(role: str) -> dict[str, Any]:
    arn = {"Description": "ARN of the role.", "Value": {"Fn::GetAtt": [role, "Arn"]}}
    return {f"{role}Arn": arn}


def role_name_parameter(default: str) -> dict[str, Any]:
    return {
        "Type": "String",
        "Default": default,
        "Description": "Name of the role, the same as in the settings.",
        "AllowedPattern": r"^[\w+=,.@-]{1,64}$",
    }


def split_role_name(name: str) -> tuple[str, str]:
    """The path, which begins and ends with a slash, and the name behind it."""
    path, _, bare = name.strip("/").rpartition("/")
    return (f"/{path}/" if path else "/"), bare


def assuming_actions(settings: Settings) -> list[str]:
    """What assuming a role takes; session tags need an action of their own on both sides."""
    tags = ["sts:TagSession"] if settings.credentials.session_tags else []
    return ["sts:AssumeRole", *tags]


def _trust(settings: Settings, trusted: str, conditions: Mapping[str, Any]) -> Statement:
    trust: Statement = {
        "Sid": f"{trusted.removesuffix('Arn').removesuffix('Role')}Only",
        "Effect": "Allow",
        "Principal": {"AWS": {"Ref": trusted}},
        "Action": assuming_actions(settings),
    }
    return trust | ({"Condition": {"StringEquals": dict(conditions)}} if conditions else {})
