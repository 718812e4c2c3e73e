import json
from pathlib import Path

from inventory_pipeline.demo import Estate, Simulation, environment_for, settings_for
from inventory_pipeline.demo.estate import FINANCE
from inventory_pipeline.settings import load_settings


def test_settings_are_accepted_as_they_are(
    estate: Estate, simulation: Simulation, tmp_path: Path
) -> None:
    file = tmp_path / "inventory.yaml"
    file.write_text(json.dumps(settings_for(simulation, tmp_path)))
    environment = environment_for(estate)
    settings = load_settings(file, environment)
    assert settings.accounts.keys() == {a.name for a in estate.accounts}
    assert settings.aws_endpoint_url == simulation.endpoint_url
    assert settings.lake.location == str(tmp_path / "lake")
    assert [d.region for d in settings.s3_inventory.destinations] == [
        "us-east-1",
        "eu-west-1",
        "eu-central-2",
    ]
    assert settings.archive.policies[0].target_class == "GLACIER"


def test_a_secret_reference_leads_to_the_environment(estate: Estate) -> None:
    assert FINANCE.external_id in environment_for(estate).values()
