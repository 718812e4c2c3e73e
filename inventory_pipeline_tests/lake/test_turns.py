"""Turns: one process at a time, and a dead one holds nobody up."""

import multiprocessing
from multiprocessing.synchronize import Event

from inventory_pipeline.lake import Lake
from inventory_pipeline.lake.turns import alone


def hold(location: str, held: Event) -> None:
    with alone(Lake.open(location), "work"):
        held.set()
        multiprocessing.Event().wait()  # until killed


def take(location: str, taken: Event) -> None:
    with alone(Lake.open(location), "work"):
        taken.set()


def test_a_turn_is_waited_for_and_let_go_by_dying(lake: Lake) -> None:
    spawn = multiprocessing.get_context("spawn")
    held, taken = spawn.Event(), spawn.Event()
    holder = spawn.Process(target=hold, args=(lake.location, held))
    holder.start()
    assert held.wait(60)
    waiting = spawn.Process(target=take, args=(lake.location, taken))
    waiting.start()
    assert not taken.wait(3)
    holder.kill()
    assert taken.wait(60)
    waiting.join()
    holder.join()
