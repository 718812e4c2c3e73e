"""Whose role asks for buckets' configurations, and whose changes them.

They are read as a collection reads them. They are changed by another role, so that who collects
can change nothing. Not here: what these roles allow (`infrastructure`).
"""

from __future__ import annotations

from dataclasses import replace

from inventory_pipeline.accounts import Account, Clients, account_named
from inventory_pipeline.accounts.account import role_arn
from inventory_pipeline.configurations.model import Bucket
from inventory_pipeline.configurations.observed import ClientFor, S3Client
from inventory_pipeline.settings import Settings


def readers(settings: Settings, clients: Clients) -> ClientFor:
    """The clients that may list a bucket's configurations."""

    def client_for(bucket: Bucket) -> S3Client:
        account = _account(settings, clients, bucket)
        s3: S3Client = clients.client(account, "s3", bucket.region)
        return s3

    return client_for


def configurators(settings: Settings, clients: Clients) -> ClientFor:
    """The clients that may change them: by the settings' role, or else as they are read."""
    role = settings.s3_inventory.configurator_role

    def client_for(bucket: Bucket) -> S3Client:
        account = _account(settings, clients, bucket)
        if role and account and account.role_arn:
            entered = role_arn(clients.partition, bucket.account_id, role)
            account = replace(account, role_arn=entered)
        s3: S3Client = clients.client(account, "s3", bucket.region)
        return s3

    return client_for


def _account(settings: Settings, clients: Clients, bucket: Bucket) -> Account | None:
    """The bucket's account; None, the caller itself, where the settings look at no other."""
    if not settings.accounts and not settings.organization.discover:
        return None
    return account_named(settings, bucket.account_id, clients.partition)
