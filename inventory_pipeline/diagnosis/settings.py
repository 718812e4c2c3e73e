"""What settings say beyond their own form: names that other parts own, secrets that lead somewhere.

Not here: the form itself, which `load_settings` checks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from inventory_pipeline.diagnosis.check import Check
from inventory_pipeline.resource_types import type_names
from inventory_pipeline.settings import SecretRef, SettingsError, require_known

if TYPE_CHECKING:
    from inventory_pipeline.settings import Settings

SUBJECT = "settings"


def settings_checks(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[Check]:
    """Each problem of the settings; one check that is ok where there is none."""
    problems = list(_problems(settings, environ))
    return problems or [Check(SUBJECT, "valid", "ok", "every key is known and every name exists")]


def _problems(settings: Settings, environ: Mapping[str, str]) -> Iterator[Check]:
    try:
        require_known("resource_types", settings.resource_types, type_names())
    except SettingsError as error:
        for line in str(error).splitlines():
            yield Check(SUBJECT, "names", "missing", line, "see `inventory list resource-types`")
    for path, secret in _secrets(settings):
        try:
            secret.resolve(path, environ)
        except SettingsError as error:
            yield Check(SUBJECT, "secrets", "missing", str(error), "set what the reference names")


def _secrets(settings: Settings) -> Iterator[tuple[str, SecretRef]]:
    """Every secret that the settings use, by its path."""
    used = {
        f"accounts.{name}.external_id": account.external_id
        for name, account in settings.accounts.items()
        if account.enabled
    }
    if settings.organization.discover:
        used["organization.external_id"] = settings.organization.external_id
    for index, step in enumerate(settings.credentials.role_chain):
        used[f"credentials.role_chain[{index}].external_id"] = step.external_id
    used["notifications.slack_webhook_url"] = settings.notifications.slack_webhook_url
    yield from ((path, secret) for path, secret in used.items() if secret is not None)
