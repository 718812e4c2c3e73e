"""Which keys look like personal data, and that no table of it holds any."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.lake.engine import Session
from inventory_pipeline.marts.storage.personal_data import KEY_RULES
from inventory_pipeline.settings import SettingsError
from inventory_pipeline_tests.archive.planted import open_lake
from inventory_pipeline_tests.marts.storage.planting import House, obj

FOUND = {
    "people_folder": ("data/Users/4711/x.json", "customers/a"),
    "email": ("a/jane.doe+tag@mail.example.co.uk/x", "a/JANE%40example.com.txt"),
    "iban": ("a/DE89370400440532013000.pdf", "a/gb29nwbk60161331926819"),
    "phone": ("a/+4915112345678.vcf", "calls/tel_4930123456.wav"),
    "ssn": ("a/078-05-1120.pdf",),
    "birth_date": ("a/dob/1980.txt", "a/DATE_OF_BIRTH.csv"),
    "identity_document": ("a/passport-scan.png", "a/drivers_license.jpg", "kyc/1"),
    "curriculum_vitae": ("a/jane-cv.pdf", "resumes/jane", "a/Cover Letter.doc".replace(" ", "-")),
    "health": ("medical/1", "a/diagnosis.txt"),
    "payroll": ("a/payslips/2024", "a/salaries.xlsx"),
    "biometrics": ("a/selfie.jpg",),
    "data_request": ("dsar/1.zip", "a/gdpr/2"),
}
HARMLESS = (
    "logs/app/2024-11-20/000123.dat",
    "a/superusers/x",
    "a/recvs.bin",
    "a/de12a4567890b234567890c234567890.dat",
    "img/d41d8cd98f00b204e9800998ecf8427e",
    "a/1078-05-11200.pdf",
    "a/user@localhost",
    "a/19800101123456.txt",
    "a/dobermann.png",
    "a/hotels/+49.txt",
)


def by_rule(rows: list[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row["rule_id"]] = found.get(row["rule_id"], 0) + row["objects"]
    return found


def test_each_rule_finds_its_keys_and_leaves_others_alone(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.deliver(*(obj(key, 10) for keys in FOUND.values() for key in keys))
    house.deliver(*(obj(key, 10) for key in HARMLESS), configuration="harmless")
    rows = house.build("personal_data_prefixes")
    assert FOUND.keys() == {rule.id for rule in KEY_RULES}
    assert by_rule(rows) == {rule: len(keys) for rule, keys in FOUND.items()}
    assert {row["configuration_id"] for row in rows} == {"daily"}


def encoded(acl: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(acl).encode()).decode()


@pytest.mark.parametrize("acl", [None, encoded({"status": "UNAVAILABLE", "grants": []})])
def test_what_one_object_does_not_tell_is_unknown_of_all(tmp_path: Path, acl: str | None) -> None:
    house = House(tmp_path)
    told = {"object_access_control_list": encoded({"status": "AVAILABLE", "grants": []})}
    untold = {"encryption_status": None, "object_access_control_list": acl}
    house.deliver(obj("users/1", **told), obj("users/2", **untold), obj("customers/1", **told))
    rows = house.build("personal_data_prefixes")
    assert {row["prefix"]: (row["unencrypted_objects"], row["public_objects"]) for row in rows} == {
        "users/": (None, None),
        "customers/": (0, 0),
    }


def test_how_well_they_are_kept(tmp_path: Path) -> None:
    grants = [{"uri": "http://acs.amazonaws.com/groups/global/AllUsers", "permission": "READ"}]
    public = encoded({"status": "AVAILABLE", "grants": grants})
    private = encoded({"status": "AVAILABLE", "grants": []})
    open_ = {"ignore_public_acls": False, "account_ignore_public_acls": False, "acl_public": True}
    shut = {"ignore_public_acls": True, "restrict_public_buckets": True, "acl_public": True}
    house = House(
        tmp_path,
        {"resource_id": "open", **open_, "policy_public": False},
        {"resource_id": "shut", **shut, "policy_public": True},
        {"resource_id": "own", **shut, "object_ownership": "BucketOwnerEnforced"},
    )
    users = (
        obj("users/1", 10, encryption_status="NOT-SSE", object_access_control_list=private),
        obj("users/2", 20, object_access_control_list=public),
        obj("users/gone", None, is_delete_marker=True),
    )
    for bucket in ("open", "shut", "own"):
        house.deliver(*users, bucket=bucket)
    house.deliver(*users, bucket="stranger", fields="Bucket, Key, Size")
    assert {
        row["source_bucket"]: (row["objects"], row["bytes"], row["unencrypted_objects"],
                               row["public_objects"], row["public_bucket"])
        for row in house.build("personal_data_prefixes")
    } == {
        "open": (2, 30, 1, 1, "yes"),
        "shut": (2, 30, 1, 1, "no"),
        "own": (2, 30, 1, 0, "no"),
        "stranger": (2, 30, None, None, "unknown"),
    }  # fmt: skip


def test_prefixes_that_are_values_are_masked_and_added_up(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.deliver(
        obj("jane@example.com/x", 1),
        obj("john@example.com/y", 2),
        obj("users/Zoë-7/cv.pdf", 4),
        obj("other/users/1", 8),
        prefixes=["jane@example.com/", "john@example.com/", "users/"],
    )
    rows = {(row["rule_id"], row["prefix"]): row for row in house.build("personal_data_prefixes")}
    assert rows.keys() == {
        ("email", "aaaa@aaaaaaa.aaa/"), ("people_folder", "users/"),
        ("curriculum_vitae", "users/"), ("people_folder", None),
    }  # fmt: skip
    assert rows["email", "aaaa@aaaaaaa.aaa/"]["bytes"] == 3
    assert rows["people_folder", "users/"]["sample"] == "aaaaa/aaa-9/aa.aaa"


def test_settings_add_patterns_and_switch_rules_off(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.deliver(obj("users/M12345678.txt"), obj("a/m00000000/x"), obj("b/dob/x"))

    def found(**about: Any) -> dict[str, int]:
        return by_rule(house.build("personal_data_prefixes", personal_data=about))

    assert found() == {"people_folder": 1, "birth_date": 1}
    assert found(rules_off=["birth_date"]) == {"people_folder": 1}
    member = {"member-number": "/M[0-9]{8}[/.]"}
    assert found(patterns=member)["member-number"] == 2
    assert "member-number" not in found(patterns=member, rules_off=["member-number"])
    assert found(patterns={"people_folder": "^b/"}) == {"people_folder": 1, "birth_date": 1}
    with pytest.raises(SettingsError, match=r"personal_data\.rules_off.*birth_date"):
        found(rules_off=["birth_dates"])


@given(st.text())
def test_a_shape_has_no_letter_or_digit_of_what_it_is_of(shapes: Session, text: str) -> None:
    (shape,) = shapes.query("SELECT shape($text) AS shape", {"text": text})["shape"].to_pylist()
    assert shape.isascii()
    assert {sign for sign in shape if sign.isalnum()} <= {"a", "9"}
    assert len(shape) == len(text)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    _, engine = open_lake(tmp_path_factory.mktemp("shapes"))
    with engine.session({}) as session:
        yield session
