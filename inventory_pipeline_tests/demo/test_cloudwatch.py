from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inventory_pipeline.demo.cloudwatch import MetricKey, Metrics, metric_data, statistic
from inventory_pipeline.demo.estate import PLATFORM, Database, Estate, Function, Instance
from inventory_pipeline_tests.demo.conftest import NOW

END = datetime(2026, 11, 20, tzinfo=UTC)
START = END - timedelta(days=14)


def query(namespace: str, name: str, stat: str, period: int = 86400, **dimensions: str) -> Any:
    return {
        "Id": "q0",
        "Label": "q0",
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": name,
                "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
            },
            "Period": period,
            "Stat": stat,
        },
    }


def cpu(instance: Instance, stat: str = "Maximum", period: int = 86400) -> Any:
    return query("AWS/EC2", "CPUUtilization", stat, period, InstanceId=instance.id)


def instances(estate: Estate, name: str) -> Instance:
    return next(i for i in estate.world(1).instances if i.tags.get("Name") == name)


def answer(estate: Estate, query: Any, start: datetime = START, end: datetime = END) -> Any:
    metrics = Metrics([*estate.world(1).instances, *estate.world(1).buckets], estate.now)
    return metric_data(metrics, [query], start, end, newest_first=False)[0]


@pytest.mark.parametrize("period", [86400, 3 * 86400])
@pytest.mark.parametrize("stat", ["Average", "Maximum", "Minimum", "Sum", "SampleCount"])
def test_answers_equal_those_of_moto_itself(estate: Estate, stat: str, period: int) -> None:
    from moto.cloudwatch.models import CloudWatchBackend

    moto = CloudWatchBackend("us-east-1", "1")
    watched = [instances(estate, name) for name in ("web-1", "report-server", "agent")]
    ours = Metrics(watched, estate.now)
    for instance in watched:
        dimensions = [{"Name": "InstanceId", "Value": instance.id}]
        key = MetricKey("AWS/EC2", "CPUUtilization", frozenset({("InstanceId", instance.id)}))
        for point in ours.datapoints(key, START, END):
            statistics = {
                "Sum": point.total,
                "Minimum": point.minimum,
                "Maximum": point.maximum,
                "SampleCount": point.samples,
            }
            moto.put_metric_data(
                "AWS/EC2",
                [
                    {
                        "MetricName": "CPUUtilization",
                        "Dimensions": dimensions,
                        "Timestamp": point.at,
                        "StatisticValues": statistics,
                    }
                ],
            )
    for instance in watched:
        asked = [cpu(instance, stat, period)]
        mine = metric_data(ours, asked, START, END, newest_first=False)[0]
        theirs = moto.get_metric_data(asked, START, END)[0]
        assert mine["Timestamps"] == theirs["timestamps"]
        assert mine["Values"] == pytest.approx(
            theirs["vals"] if "vals" in theirs else theirs["values"]
        )


def test_a_window_of_days_has_a_datapoint_each(estate: Estate) -> None:
    assert len(answer(estate, cpu(instances(estate, "web-1")))["Values"]) == 14
    odd = (NOW - timedelta(days=14), NOW)
    assert len(answer(estate, cpu(instances(estate, "web-1")), *odd)["Values"]) == 14


def test_busy_and_idle_stand_far_apart_and_the_silent_say_nothing(estate: Estate) -> None:
    assert min(answer(estate, cpu(instances(estate, "web-1")))["Values"]) > 60
    assert max(answer(estate, cpu(instances(estate, "report-server")))["Values"]) < 2
    assert answer(estate, cpu(instances(estate, "agent")))["Values"] == []


def test_a_stopped_instance_says_nothing_after_it_stopped(estate: Estate) -> None:
    assert answer(estate, cpu(instances(estate, "importer")))["Values"] == []
    stopped = instances(estate, "paused")
    assert stopped.stopped_at is not None
    times = answer(estate, cpu(stopped))["Timestamps"]
    assert max(times) < stopped.stopped_at


def test_a_function_is_silent_on_days_without_a_call() -> None:
    function = Function(
        account_id=PLATFORM.account_id,
        region="us-east-1",
        id="f",
        created_at=NOW - timedelta(days=90),
        daily_invocations=3,
        days_called=2,
    )
    asked = query("AWS/Lambda", "Invocations", "Sum", FunctionName="f")
    found = metric_data(
        Metrics([function], NOW), [asked], END - timedelta(days=30), END, newest_first=True
    )
    assert found[0]["Values"] == [3, 3]


def test_dimensions_must_all_fit(estate: Estate) -> None:
    bucket = next(b for b in estate.world(1).buckets if b.id == "example-analytics-models")

    def size(**dimensions: str) -> list[float]:
        asked = query("AWS/S3", "BucketSizeBytes", "Average", **dimensions)
        return answer(estate, asked, END - timedelta(days=3))["Values"]

    assert size(BucketName=bucket.id, StorageType="GlacierStorage") == [2**40] * 3
    assert size(BucketName=bucket.id, StorageType="DeepArchiveStorage") == []
    assert size(BucketName=bucket.id) == []
    assert size(StorageType="GlacierStorage") == []


def test_a_database_and_an_instance_never_mix() -> None:
    database = Database(
        account_id=PLATFORM.account_id,
        region="us-east-1",
        id="same",
        created_at=START,
        instance_class="db.t3.medium",
        engine="mysql",
    )
    instance = Instance(
        account_id=PLATFORM.account_id,
        region="us-east-1",
        id="same",
        created_at=START,
        type="t3.micro",
        use="idle",
    )
    metrics = Metrics([database, instance], NOW)
    asked = [
        query("AWS/RDS", "CPUUtilization", "Average", DBInstanceIdentifier="same"),
        query("AWS/EC2", "CPUUtilization", "Average", InstanceId="same"),
        query("AWS/EC2", "CPUUtilization", "Average", DBInstanceIdentifier="same"),
    ]
    busy, idle, none = metric_data(metrics, asked, START, END, newest_first=False)
    assert min(busy["Values"]) > max(idle["Values"])
    assert none["Values"] == []


def test_an_unknown_statistic_is_refused() -> None:
    with pytest.raises(ValueError, match="p99"):
        statistic("p99", [])


def test_a_day_is_asked_by_the_hour_from_any_hour_on(estate: Estate) -> None:
    instance = instances(estate, "web-1")
    noon = timedelta(hours=12)
    asked = query("AWS/EC2", "NetworkIn", "Sum", 3600, InstanceId=instance.id)
    by_hour = answer(estate, asked, START + noon, END + noon)
    assert len(by_hour["Values"]) == 14 * 24
    assert by_hour["Timestamps"][0] == START + noon
    asked = query("AWS/EC2", "NetworkIn", "Sum", InstanceId=instance.id)
    day, *_ = answer(estate, asked)["Values"]
    assert sum(by_hour["Values"][12:36]) == pytest.approx(day)


def test_a_percentile_is_between_the_mean_and_the_maximum(estate: Estate) -> None:
    instance = instances(estate, "web-1")
    mean, percentile, maximum = (
        answer(estate, cpu(instance, stat))["Values"][0] for stat in ("Average", "p99.5", "Maximum")
    )
    assert mean < percentile <= maximum
