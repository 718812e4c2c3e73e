"""How a cell is looked at, for each way in which a resource type may want it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from inventory_pipeline.collect import Cell, CellRunner
from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types import (
    Batch,
    Children,
    ChildTable,
    Detail,
    Metric,
    Preparation,
    Within,
)
from inventory_pipeline.resource_types.model import field
from inventory_pipeline_tests.collect.scripted import (
    ACCOUNT,
    AT,
    THINGS,
    Scripted,
    kind_of,
    look,
    refused,
    statuses,
)

GONE = refused("NoSuchThing")
DENIED = refused("AccessDenied")


def ids(result: Any) -> list[str]:
    return [row["resource_id"] for row in result.rows]


def size_from(detail: str) -> tuple[Any, ...]:
    return (field("size", T.BIGINT, "Size.", f"{detail}.Size"),)


def test_without_an_operation_the_place_is_the_only_item() -> None:
    kind = kind_of(
        operation=None,
        resource_id="region",
        fields=size_from("settings"),
        details=(Detail("settings", "get_settings", {"Account": "account_id"}, "things:Get"),),
    )
    result, client = look(kind, {"get_settings": lambda Account: {"Size": 7}})
    assert [(r["resource_id"], r["size"]) for r in result.rows] == [("eu-west-1", 7)]
    assert client.arguments("get_settings") == [{"Account": "111111111111"}]


def test_a_place_whose_settings_are_refused_is_a_row_of_unknowns() -> None:
    kind = kind_of(
        operation=None,
        resource_id="region",
        fields=size_from("settings"),
        details=(Detail("settings", "get_settings", {}, "things:Get"),),
    )
    result, _ = look(kind, {"get_settings": lambda: DENIED})
    assert [row["size"] for row in result.rows] == [None]
    assert statuses(result) == {"thing": "ok", "thing.settings": "denied"}


def test_a_listing_is_told_its_place() -> None:
    kind = kind_of(arguments={"Owner": lambda place: place["account_id"], "Max": 5})
    _, client = look(kind, {"list_things": THINGS})
    assert client.arguments("list_things") == [{"Owner": "111111111111", "Max": 5}]


@pytest.mark.parametrize(("code", "status"), [("ThingsNotInUse", "ok"), ("AccessDenied", "denied")])
def test_a_listing_may_say_that_there_is_none(code: str, status: str) -> None:
    kind = kind_of(absent=frozenset({"ThingsNotInUse"}))
    result, _ = look(kind, {"list_things": [refused(code)]})
    assert (result.status, result.rows) == (status, [])


def test_items_of_each_parent_know_it() -> None:
    kind = kind_of(
        within=Within("list_boxes", "Boxes[]", "things:ListBoxes"),
        arguments={"Box": "Name"},
        resource_id="join('/', [parent.Name, Id])",
    )
    script = {
        "list_boxes": [{"Boxes": [{"Name": "one"}]}, {"Boxes": [{"Name": "two"}]}],
        "list_things": lambda Box: {"Things": [{"Id": f"a{len(Box)}"}]},
    }
    result, _ = look(kind, script)
    assert ids(result) == ["one/a3", "two/a3"]
    assert result.coverage[0]["calls"] == 0, "a script sends nothing"


def test_a_parent_that_fails_leaves_the_others_and_the_cell_says_so() -> None:
    kind = kind_of(
        within=Within(
            "list_boxes", "Boxes[]", "things:ListBoxes", absent=frozenset({"NoSuchThing"})
        ),
        arguments={"Box": "Name"},
    )
    answers = {"one": DENIED, "two": {"Things": [{"Id": "b"}]}, "gone": GONE}
    boxes = [{"Boxes": [{"Name": name} for name in answers]}]
    result, _ = look(kind, {"list_boxes": boxes, "list_things": lambda Box: answers[Box]})
    assert (ids(result), result.status) == (["b"], "denied")
    without_denial = {
        "list_boxes": [{"Boxes": [{"Name": "gone"}]}],
        "list_things": lambda Box: GONE,
    }
    assert look(kind, without_denial)[0].status == "ok"


def test_a_report_is_waited_for() -> None:
    states = iter(["STARTED", "INPROGRESS", "COMPLETE"])
    slept: list[float] = []
    kind = kind_of(prepare=Preparation("make", "State == 'COMPLETE'", "things:Make"))
    script = {"make": lambda: {"State": next(states)}, "list_things": THINGS}
    result, _ = look(kind, script, sleep=slept.append)
    assert (len(slept), result.status, ids(result)) == (2, "ok", ["a", "b", "c"])


def test_a_detail_of_many_pages_is_one_list() -> None:
    kind = kind_of(
        fields=(field("parts", T.TEXT_LIST, "Parts.", "parts"),),
        details=(Detail("parts", "list_parts", {"Id": "Id"}, "things:Parts", items="Parts[]"),),
    )
    script = {"list_things": THINGS, "list_parts": [{"Parts": ["x"]}, {}, {"Parts": ["y", "z"]}]}
    result, _ = look(kind, script)
    assert [row["parts"] for row in result.rows] == [["x", "y", "z"]] * 3


def test_a_detail_that_is_not_configured_is_an_empty_list_where_it_has_pages() -> None:
    kind = kind_of(
        fields=(field("parts", T.TEXT_LIST, "Parts.", "parts"),),
        details=(
            Detail("parts", "list_parts", {}, "t:P", items="Parts[]", absent=frozenset({"None"})),
        ),
    )
    result, _ = look(kind, {"list_things": THINGS, "list_parts": [refused("None")]})
    assert [row["parts"] for row in result.rows] == [[]] * 3


SIZES = Batch("Ids", "Id", "Sizes[]", "Of", 2)


def sizes(**answers: Any) -> Any:
    def call(Ids: list[str]) -> Any:
        for one in Ids:
            if isinstance(answers.get(one), Exception):
                return answers[one]
        return {"Sizes": [{"Of": one, "Size": answers[one]} for one in Ids if one in answers]}

    return call


def batched(**changes: Any) -> Any:
    detail = Detail("size", "get_sizes", {}, "things:Sizes", batch=SIZES)
    return kind_of(fields=size_from("size"), details=(detail,), **changes)


def test_several_items_share_a_call_and_each_gets_its_own() -> None:
    things = [{"Things": [{"Id": i} for i in "abc"]}]
    result, client = look(batched(), {"list_things": things, "get_sizes": sizes(a=1, c=3, b=2)})
    assert {r["resource_id"]: r["size"] for r in result.rows} == {"a": 1, "b": 2, "c": 3}
    assert client.arguments("get_sizes") == [{"Ids": ["a", "b"]}, {"Ids": ["c"]}]
    assert statuses(result)["thing.size"] == "ok"


def test_settings_may_ask_for_fewer_at_a_time() -> None:
    script = {"list_things": THINGS, "get_sizes": sizes(a=1, b=2, c=3)}
    _, client = look(batched(), script, batch_size=1)
    assert client.arguments("get_sizes") == [{"Ids": [i]} for i in "abc"]


def test_an_item_that_a_shared_call_says_nothing_of_is_unknown_and_said() -> None:
    result, _ = look(batched(), {"list_things": THINGS, "get_sizes": sizes(a=1, c=3)})
    assert {r["resource_id"]: r["size"] for r in result.rows} == {"a": 1, "b": None, "c": 3}
    assert statuses(result)["thing.size"] == "error"


def test_an_item_that_is_gone_takes_nothing_from_those_that_shared_its_call() -> None:
    script = {"list_things": THINGS, "get_sizes": sizes(a=GONE, b=2, c=3)}
    result, _ = look(batched(gone=frozenset({"NoSuchThing"})), script)
    assert {r["resource_id"]: r["size"] for r in result.rows} == {"b": 2, "c": 3}
    assert set(statuses(result).values()) == {"ok"}


def test_what_was_deleted_since_it_was_listed_is_not_there_and_no_error() -> None:
    def get(Id: str) -> Any:
        return GONE if Id == "b" else {"Size": 1}

    kind = kind_of(
        gone=frozenset({"NoSuchThing"}),
        fields=size_from("size"),
        details=(Detail("size", "get_size", {"Id": "Id"}, "things:Get"),),
    )
    result, _ = look(kind, {"list_things": THINGS, "get_size": get})
    assert (ids(result), set(statuses(result).values())) == (["a", "c"], {"ok"})


def test_a_detail_whose_argument_was_not_read_is_not_asked_and_the_ledger_says_so() -> None:
    kind = kind_of(
        details=(
            Detail("key", "get_key", {"Id": "Id"}, "things:Key"),
            Detail("policy", "get_policy", {"Key": "key.Id"}, "things:Policy"),
        )
    )
    result, client = look(kind, {"list_things": THINGS, "get_key": lambda Id: DENIED})
    assert client.arguments("get_policy") == []
    assert len(result.rows) == 3
    assert statuses(result) == {
        "thing": "ok",
        "thing.key": "denied",
        "thing.policy": "not_attempted",
    }


def test_an_element_that_a_detail_or_a_metric_trips_over_does_not_hide_the_others() -> None:
    def of_sized(item: Any) -> str:
        return str(item["Size"])

    metric = Metric("load", "Load.", "Things", "Load", "Sum", "sum", {"Size": of_sized})
    kind = kind_of(
        details=(Detail("key", "get_key", {"Size": of_sized}, "things:Key"),), metrics=(metric,)
    )
    pages = [{"Things": [{"Id": "odd"}]}, {"Things": [{"Id": "a", "Size": 5}]}]
    script = {
        "list_things": pages,
        "get_key": lambda Size: {},
        "get_metric_data": [{"MetricDataResults": [{"Id": "q0", "Values": [7.0]}]}],
    }
    result, _ = look(kind, script)
    assert ids(result) == ["odd", "a"]
    assert [(row["resource_id"], row["value"]) for row in result.metrics] == [("a", 7.0)]
    assert statuses(result) == {"thing": "ok", "thing.key": "error", "thing.metrics": "error"}


PARTS = ChildTable(
    "thing_parts", "Parts.", "one part", (field("weight", T.BIGINT, "Weight.", "Weight"),)
)


def test_elements_are_rows_of_their_own_in_order() -> None:
    things = [{"Things": [{"Id": "a", "Parts": [{"Weight": 5}, {}]}, {"Id": "b", "Parts": None}]}]
    kind = kind_of(children=(Children(PARTS, "Parts"),))
    result, _ = look(kind, {"list_things": things})
    found = result.children["thing_parts"]
    assert [(r["resource_id"], r["position"], r["weight"]) for r in found] == [
        ("a", 0, 5),
        ("a", 1, None),
    ]
    assert {r["resource_type"] for r in found} == {"thing"}
    assert set(found[0]) == {
        *("snapshot_at", "account_id", "region", "resource_type", "resource_id"),
        *("position", "weight"),
    }


def test_elements_of_two_kinds_in_one_table_are_counted_on() -> None:
    things = [{"Things": [{"Id": "a", "Old": [{"Weight": 1}], "New": [{"Weight": 2}]}]}]
    kind = kind_of(children=(Children(PARTS, "Old"), Children(PARTS, "New")))
    result, _ = look(kind, {"list_things": things})
    assert [(r["position"], r["weight"]) for r in result.children["thing_parts"]] == [
        (0, 1),
        (1, 2),
    ]


def test_elements_that_make_no_sense_are_said() -> None:
    things = [{"Things": [{"Id": "a", "Parts": [{"Weight": "heavy"}]}]}]
    kind = kind_of(children=(Children(PARTS, "Parts"),))
    result, _ = look(kind, {"list_things": things})
    assert result.status == "error"
    assert "weight" in result.coverage[0]["message"]


def test_what_is_asked_once_in_a_cell_is_not_asked_where_there_is_nothing() -> None:
    kind = kind_of(details=(Detail("all", "get_all", {}, "things:All", per_cell=True),))
    _, client = look(kind, {"list_things": [{"Things": []}, {"Things": []}]})
    assert [name for name, _ in client.asked] == ["list_things"]
    _, client = look(kind, {"list_things": THINGS, "get_all": dict})
    assert [name for name, _ in client.asked].count("get_all") == 1


def test_what_botocore_cannot_page_is_paged_by_its_token() -> None:
    pages = {
        None: {"Things": [{"Id": "a"}], "NextToken": "1"},
        "1": {"Things": [{"Id": "b"}], "NextToken": "2"},
        "2": {"Things": [{"Id": "c"}]},
    }
    kind = kind_of(arguments={"Max": 1})
    result, client = look(kind, {"list_things": lambda Max, NextToken=None: pages[NextToken]})
    assert ids(result) == ["a", "b", "c"]
    assert client.arguments("list_things") == [
        {"Max": 1},
        {"Max": 1, "NextToken": "1"},
        {"Max": 1, "NextToken": "2"},
    ]


def test_a_token_that_comes_again_is_an_error_and_what_was_seen_stays() -> None:
    answer = {"Things": [{"Id": "a"}], "NextToken": "1"}
    result, client = look(kind_of(), {"list_things": lambda NextToken=None: answer})
    assert (ids(result), result.status) == (["a"], "error")
    assert len(client.asked) == 2


@pytest.mark.parametrize(("missing", "status"), [(True, "region_disabled"), (False, "error")])
def test_no_endpoint_means_no_service_only_where_the_region_may_lack_it(
    missing: bool, status: str
) -> None:
    unreachable = EndpointConnectionError(endpoint_url="https://things.eu-west-1.example")
    client = Scripted({"list_things": [unreachable]})
    cell = Cell(ACCOUNT, "eu-west-1", kind_of(), may_be_missing=missing)
    (result,) = CellRunner(client, AT, lambda: AT).run([cell])
    assert result.status == status
