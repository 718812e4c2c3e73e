"""Alerts: telling everyone of the settings, and the sensor that does so of failed runs."""

import logging

import dagster as dg

from inventory_pipeline.defs.resources import Inventory
from inventory_pipeline.outputs import Alert, send


def failure_sensor() -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="failure_alerts",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells the SNS topic and the Slack channel of the settings that a run failed.",
    )
    def failed(context: dg.RunFailureSensorContext, inventory: Inventory) -> None:
        tell(failure_alert(context), inventory, context.log)

    return failed


def tell(alert: Alert, inventory: Inventory, log: logging.Logger) -> bool:
    """Tell every channel of the settings; whether any heard. Which did not is in the log."""
    outcome = send(alert, inventory.settings.notifications, inventory.sns)
    for channel, failure in outcome.items():
        if failure:
            log.error(f"{channel} was not told: {failure}")
    return None in outcome.values()


def failure_alert(context: dg.RunFailureSensorContext) -> Alert:
    """Which run failed, at which steps, and where to look; error texts stay in the event log."""
    run = context.dagster_run
    partition = run.tags.get("dagster/partition", "no partition")
    steps = [event.step_key for event in context.get_step_failure_events() if event.step_key]
    lines = [
        f"Run {run.run_id} of {run.job_name} ({partition}) failed"
        + (f" at {', '.join(steps)}." if steps else "."),
        f"Its log is in the Dagster UI under /runs/{run.run_id}.",
    ]
    return Alert(f"inventory: {run.job_name} failed ({partition})", "\n".join(lines))
