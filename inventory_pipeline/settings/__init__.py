"""Settings: one file (YAML or JSON) and the environment, as one typed model.

Imports nothing of the project but column primitives.
"""

from inventory_pipeline.settings.access import CredentialSettings, OrganizationSettings
from inventory_pipeline.settings.errors import SettingsError, near
from inventory_pipeline.settings.model import (
    ArchivePolicy,
    NotificationSettings,
    Settings,
    load_settings,
    require_known,
)
from inventory_pipeline.settings.values import SecretRef

__all__ = [
    "ArchivePolicy",
    "CredentialSettings",
    "NotificationSettings",
    "OrganizationSettings",
    "SecretRef",
    "Settings",
    "SettingsError",
    "load_settings",
    "near",
    "require_known",
]
