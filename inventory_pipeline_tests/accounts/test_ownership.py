import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.accounts import Ownership, ownership


@pytest.mark.parametrize("key", ["CostCenter", "cost-center", "COST_CENTER", "Cost Centre"])
def test_usual_spellings_of_a_key(key: str) -> None:
    assert ownership({key: "1001"}).cost_center == "1001"


@pytest.mark.parametrize("key", ["Environment", "env", "Stage"])
def test_environment_has_short_names(key: str) -> None:
    assert ownership({key: "prod"}).environment == "prod"


def test_the_full_word_wins_over_the_short_one() -> None:
    assert ownership({"dept": "B", "Department": "A", "stage": "x", "env": "y"}) == Ownership(
        department="A", environment="y"
    )


def test_blank_values_tell_nothing() -> None:
    assert ownership({"Department": "  ", "Dept": "Data"}).department == "Data"
    assert ownership({"Departments": "no such key"}) == Ownership()


def test_what_one_does_not_tell_the_other_may() -> None:
    resource = Ownership(department="Data")
    account = Ownership("Engineering", "1001", "prod")
    assert resource.over(account) == Ownership("Data", "1001", "prod")


@given(st.dictionaries(st.sampled_from(["Dept", "dept", "DEPT", "de-pt"]), st.text()))
def test_the_order_of_tags_does_not_matter(tags: dict[str, str]) -> None:
    assert ownership(tags) == ownership(dict(reversed(tags.items())))
