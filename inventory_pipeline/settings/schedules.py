"""Keys of when things run. Not here: what runs then (`defs.schedules`)."""

from datetime import date

from inventory_pipeline.settings.section import Section
from inventory_pipeline.settings.values import Cron, Day, Flag


class Schedule(Section):
    cron: Cron
    enabled: Flag = True
    """false keeps the schedule off."""


class CollectSchedule(Schedule):
    cron: Cron = "0 */12 * * *"
    """When, in UTC."""


class CostAnalysisSchedule(Schedule):
    cron: Cron = "0 8 * * *"
    """When, in UTC."""


class SecurityCheckSchedule(Schedule):
    cron: Cron = "0 10 * * MON"
    """When, in UTC."""


class CleanupSchedule(Schedule):
    cron: Cron = "0 6 1 * *"
    """When, in UTC."""


class DeliveryCheckSchedule(Schedule):
    cron: Cron = "0 9 * * *"
    """When, in UTC."""


class MaintainSchedule(Schedule):
    cron: Cron = "0 3 * * *"
    """When, in UTC."""


class ScheduleSettings(Section):
    collect: CollectSchedule = CollectSchedule()
    """Collection of a snapshot."""
    cost_analysis: CostAnalysisSchedule = CostAnalysisSchedule()
    """Costs and waste."""
    security_check: SecurityCheckSchedule = SecurityCheckSchedule()
    """Security findings and scores."""
    cleanup: CleanupSchedule = CleanupSchedule()
    """Review of stale resources."""
    delivery_check: DeliveryCheckSchedule = DeliveryCheckSchedule()
    """Search for S3 Inventory reports that have not come within 48 hours."""
    maintain: MaintainSchedule = MaintainSchedule()
    """Removal of the lake's files that no table needs any more."""
    snapshots_start: Day = date(2026, 1, 1)
    """Day (UTC) of the first snapshot that may exist."""
