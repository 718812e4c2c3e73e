"""Tags that are asked for once in a cell reach the right resources."""

from concurrent.futures import ThreadPoolExecutor

from inventory_pipeline.resource_types.cell_tags import tags_of

ARN = "arn:aws:logs:eu-west-1:1:log-group:/app"
TAGS = [{"Key": "Team", "Value": "shop"}]


def test_tags_of_the_right_resource() -> None:
    listed = [{"ResourceARN": ARN, "Tags": TAGS}, {"ResourceARN": f"{ARN}/x", "Tags": []}]
    find = tags_of("arn")
    assert find({"arn": ARN, "tags": listed}) == TAGS
    # Log groups' own ARNs go on to their streams.
    assert find({"arn": f"{ARN}:*", "tags": listed}) == TAGS
    assert list(find({"arn": f"{ARN}/x", "tags": listed}) or ()) == []
    assert list(find({"arn": f"{ARN}/never-tagged", "tags": listed}) or ()) == []


def test_tags_that_were_not_read_are_unknown() -> None:
    assert tags_of("arn")({"arn": ARN}) is None


def test_each_cell_has_its_own_tags() -> None:
    def look(cell: int) -> bool:
        listed = [{"ResourceARN": ARN, "Tags": [{"Key": "Cell", "Value": str(cell)}]}]
        find = tags_of("arn")
        return all(find({"arn": ARN, "tags": listed}) == listed[0]["Tags"] for _ in range(50))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(look, range(100)))
