"""Which cell is next."""

from __future__ import annotations

from dataclasses import replace

from inventory_pipeline.accounts import Account
from inventory_pipeline.collect import Cell
from inventory_pipeline.collect.dispatch import (
    CELLS_PER_LIMIT,
    SILENT_CELLS_OF_ENDPOINT,
    SILENT_CELLS_OF_REGION,
    Dispatch,
)
from inventory_pipeline_tests.collect.scripted import ACCOUNT, kind_of

OTHER = Account("222222222222", "two")


def cells(
    count: int, account: Account = ACCOUNT, region: str = "r1", service: str = "ec2"
) -> list[Cell]:
    return [Cell(account, region, kind_of(name=f"t{n}", service=service)) for n in range(count)]


def taken(dispatch: Dispatch) -> list[Cell]:
    found: list[Cell] = []
    while (cell := dispatch.next()) is not None:
        found.append(cell)
    return found


def test_a_full_lane_is_passed_over() -> None:
    dispatch = Dispatch([*cells(9), *cells(2, OTHER), *cells(2, service="s3")])
    first = taken(dispatch)
    assert [(c.account, c.kind.service) for c in first] == [
        *[(ACCOUNT, "ec2")] * CELLS_PER_LIMIT,
        *[(OTHER, "ec2")] * 2,
        *[(ACCOUNT, "s3")] * 2,
    ]
    dispatch.finished(first[0], silent=False)
    assert len(taken(dispatch)) == 1


def test_every_cell_is_handed_out_once() -> None:
    wanted = [*cells(20), *cells(7, OTHER), *cells(5, region="r2")]
    dispatch = Dispatch(wanted)
    found: list[Cell] = []
    while batch := taken(dispatch):
        found += batch
        for cell in batch:
            dispatch.finished(cell, silent=False)
    assert sorted(c.key for c in found) == sorted(c.key for c in wanted)


def run(dispatch: Dispatch, count: int, *, silent: bool) -> list[Cell]:
    done: list[Cell] = []
    for _ in range(count):
        cell = dispatch.next()
        assert cell is not None
        dispatch.finished(cell, silent=silent)
        done.append(cell)
    return done


def test_an_endpoint_that_does_not_answer_is_given_up_alone() -> None:
    dispatch = Dispatch([*cells(5), *cells(2, service="s3")])
    run(dispatch, SILENT_CELLS_OF_ENDPOINT, silent=True)
    skipped = run(dispatch, 2, silent=False)
    assert [c.skip and c.skip.status for c in skipped] == ["not_attempted"] * 2
    assert "ec2 in r1" in str(skipped[0].skip)
    assert [c.skip for c in run(dispatch, 2, silent=False)] == [None, None]


def test_a_region_that_does_not_answer_is_given_up_alone() -> None:
    services = [f"s{n}" for n in range(SILENT_CELLS_OF_REGION)]
    in_region = [cell for service in services for cell in cells(3, service=service)]
    dispatch = Dispatch([*in_region, *cells(1, region="r2")])
    run(dispatch, SILENT_CELLS_OF_REGION, silent=True)
    rest = taken(dispatch)
    assert rest[-1].skip is None, "another region"
    assert {c.skip.status for c in rest[:-1] if c.skip} == {"not_attempted"}
    assert "r1 did not answer" in str(rest[0].skip)


def test_an_answer_ends_the_silence() -> None:
    dispatch = Dispatch(cells(10))
    for silent in (True, True, False, True, True):
        run(dispatch, 1, silent=silent)
    assert run(dispatch, 1, silent=False)[0].skip is None


def test_cells_that_were_not_asked_say_nothing_of_the_endpoint() -> None:
    dispatch = Dispatch(cells(8))
    run(dispatch, SILENT_CELLS_OF_ENDPOINT, silent=True)
    assert all(cell.skip for cell in run(dispatch, 5, silent=False))


def test_a_cell_that_must_be_skipped_keeps_its_own_reason() -> None:
    from inventory_pipeline.accounts import Failure

    reason = Failure("denied", "AccessDenied", "no")
    dispatch = Dispatch([replace(cell, skip=reason) for cell in cells(5)])
    assert {cell.skip for cell in run(dispatch, 5, silent=True)} == {reason}
