"""What a planted fact is, and what of the organisation can be seen at all.

Which facts there are: `truth` and the modules it gathers.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from inventory_pipeline.demo.estate import Account, Day, Estate, Resource, Thing, World
from inventory_pipeline.resource_types import resource_types

Value = int | str | bool | Decimal | None
Rows = tuple[tuple[Value, ...], ...]

SERVICES = {kind.name: kind.group for kind in resource_types().values()}
"""Which service each resource type is counted with."""


@dataclass(frozen=True)
class Fact:
    """One planted thing. `sql` with `params` finds it in `tables`: of tables with snapshots they
    are to hold the rows of snapshot number `day` only, where that is not None; else every row."""

    section: str
    title: str
    planted: Rows
    sql: str
    tables: tuple[str, ...]
    day: Day | None = None
    params: Mapping[str, object] = field(default_factory=dict[str, object])

    def agrees(self, found: Iterable[Sequence[Value]]) -> bool:
        """Whether these are the planted rows, in any order; numbers by value."""
        return Counter(self.planted) == Counter(tuple(row) for row in found)


@dataclass(frozen=True)
class Seen:
    """What can be seen on a day: everything but what an account denies."""

    estate: Estate
    world: World

    @property
    def day(self) -> Day:
        return self.world.day

    def of(self, kind: str) -> tuple[Resource, ...]:
        return tuple(r for r in self.world.by_type()[kind] if not self._denied(kind, r))

    def all(self) -> Iterator[tuple[str, Resource]]:
        for kind, resources in self.world.by_type().items():
            yield from ((kind, r) for r in resources if not self._denied(kind, r))

    def things(self, kind: str) -> tuple[Thing, ...]:
        return tuple(t for t in self.world.things if t.type == kind)

    def account(self, resource: Resource) -> Account:
        return self.estate.account(resource.account_id)

    def department(self, resource: Resource) -> str:
        """The resource's own tag wins over its account's."""
        return resource.tags.get("Department", self.account(resource).department)

    def _denied(self, kind: str, resource: Resource) -> bool:
        return self.account(resource).denied_service == SERVICES[kind]


def counted(values: Iterable[str]) -> Rows:
    return tuple(Counter(values).items())


def places(resources: Iterable[Resource]) -> Rows:
    """(account, region, id) of each."""
    return tuple((r.account_id, r.region, r.id) for r in resources)
