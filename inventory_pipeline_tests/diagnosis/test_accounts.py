from __future__ import annotations

import json
from typing import Any

import pytest

from inventory_pipeline.accounts import Account, Failure, accounts_of, roster_of
from inventory_pipeline.diagnosis import AccountExaminer, Caller, Check, organization_checks
from inventory_pipeline.diagnosis.permissions import simulate
from inventory_pipeline.diagnosis.refusals import fix_of
from inventory_pipeline.settings import SecretRef
from inventory_pipeline_tests.accounts.landing_zone import MANAGEMENT, LandingZone
from inventory_pipeline_tests.simulated_aws import (
    CANARY,
    ENGINEERING,
    OPERATIONS,
    Fault,
    FaultyClients,
    ec2_error,
    refused,
    settings_of,
)

CALLER = Caller(MANAGEMENT, f"arn:aws:sts::{MANAGEMENT}:assumed-role/Collector/session")
ROLE = f"arn:aws:iam::{ENGINEERING}:role/AWSInventoryRole"
NO_SIMULATION = Fault("SimulatePrincipalPolicy", [refused("AccessDenied")])


def examined(
    aws: str, *faults: Fault, seconds: float = 60, clock: Any = None, **settings: Any
) -> dict[str, dict[str, Check]]:
    """Checks by name, by account."""
    wanted = settings_of(aws, **({"resource_types": ["ebs_volume", "lambda_function"]} | settings))
    clients = FaultyClients(wanted, *(faults or (NO_SIMULATION,)))
    more = {"clock": clock} if clock else {}
    examiner = AccountExaminer(wanted, clients, CALLER, seconds, **more)
    return {
        account.name: {check.check: check for check in checks}
        for account, checks in examiner.examine(accounts_of(wanted))
    }


class TestRoles:
    def test_all_is_well(self, aws: str) -> None:
        found = examined(aws)
        assert set(found) == {"engineering", "operations"}
        assert found["engineering"]["role"] == Check("engineering", "role", "ok", ROLE)
        assert found["engineering"]["regions"].status == "warning"  # ap-south-2 is off

    def test_one_account_that_is_refused_leaves_the_others(self, aws: str) -> None:
        shut = Fault("AssumeRole", [refused("AccessDenied", "not authorized"), None])
        wanted = settings_of(aws, resource_types=["ebs_volume"])
        clients = FaultyClients(wanted, shut, NO_SIMULATION)
        examiner = AccountExaminer(wanted, clients, CALLER, parallel=1)
        found = {account.name: checks for account, checks in examiner.examine(accounts_of(wanted))}
        assert [check.status for check in found["engineering"]] == ["missing"]
        assert found["operations"][0].status == "ok"
        [role] = found["engineering"]
        assert role.fix is not None
        assert "arn:aws:iam::123456789012:role/Collector" in role.fix

    def test_no_secret_is_shown(self, aws: str) -> None:
        accounts = {"a": {"account_id": ENGINEERING, "external_id": CANARY}}
        said = refused("AccessDenied", f"may not assume it with {CANARY}")
        found = examined(aws, Fault("AssumeRole", [said]), accounts=accounts)
        assert CANARY not in repr(found)
        assert "the external id of accounts.a.external_id" in (found["a"]["role"].fix or "")


def account(external_id: str | None = None, **more: Any) -> Account:
    secret = SecretRef(external_id) if external_id else None
    return Account(ENGINEERING, "engineering", ROLE, secret, **more)


AUTHORIZE = "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: sts:AssumeRole"


class TestFixes:
    @pytest.mark.parametrize(
        ("failure", "words"),
        [
            (Failure("denied", "AccessDenied", AUTHORIZE),
             "needs a role AWSInventoryRole (`inventory infra render`) whose trust policy allows "
             "sts:AssumeRole to arn:aws:iam::123456789012:role/Collector, asking for no external "
             "id, or set accounts.engineering.external_id to the one that it asks for"),
            (Failure("denied", "AccessDenied",
                     f"{AUTHORIZE} because no identity-based policy allows the action"),
             f"let arn:aws:iam::123456789012:role/Collector do sts:AssumeRole on {ROLE}"),
            (Failure("denied", "AccessDenied",
                     f"{AUTHORIZE} with an explicit deny in a service control policy"),
             f"let a service control policy (SCP) of the organisation allow sts:AssumeRole on "
             f"{ROLE}"),
            (Failure("denied", "AccessDenied", "User: x is not authorized to perform: "
                     "sts:TagSession on resource: y"), "allow sts:TagSession beside"),
            (Failure("error", "ValidationError", "The requested DurationSeconds exceeds the "
                     "MaxSessionDuration set for this role."),
             "lower credentials.duration_seconds"),
            (Failure("denied", "RegionDisabledException", "STS is not activated"), "AWS_REGION"),
            (Failure("error", "WrongAccount", "is in account 9"), "correct account_id"),
            (Failure("error", "SettingsError", "env X"), "set what the reference names"),
            (Failure("timeout", "ReadTimeoutError", "slow"), "network"),
        ],
    )  # fmt: skip
    def test_each_refusal_has_its_own(self, failure: Failure, words: str) -> None:
        assert words in fix_of(account(), failure, CALLER)

    def test_a_role_with_a_path_and_the_organisations_external_id(self) -> None:
        deep = account(external_id_setting="organization.external_id", external_id="x")
        deep = Account(
            deep.account_id,
            deep.name,
            f"arn:aws:iam::{ENGINEERING}:role/team/Reader",
            deep.external_id,
            external_id_setting="organization.external_id",
        )
        fix = fix_of(deep, Failure("denied", "AccessDenied", AUTHORIZE), CALLER)
        assert "a role team/Reader" in fix
        assert "organization.external_id, character by character" in fix


class TestRegions:
    def test_counts(self, aws: str) -> None:
        found = examined(aws, regions=["us-*"], excluded_regions=["us-west-?", "us-gov-*"])
        regions = found["engineering"]["regions"]
        assert regions.status == "ok"
        assert regions.found.startswith("2 looked at, ")

    def test_a_region_that_does_not_exist(self, aws: str) -> None:
        regions = examined(aws, regions=["us-east-1", "us-esat-1"])["engineering"]["regions"]
        assert (regions.status, regions.found) == ("missing", "no such region: us-esat-1")

    def test_an_account_that_does_not_tell(self, aws: str) -> None:
        shut = Fault("DescribeRegions", [ec2_error("UnauthorizedOperation")])
        regions = examined(aws, shut, NO_SIMULATION)["engineering"]["regions"]
        assert (regions.status, regions.fix) == ("missing", "allow ec2:DescribeRegions")


def decisions(*results: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """IAM's answer to a simulation."""

    def told(result: dict[str, Any]) -> str:
        scp = json.dumps(result.get("scp", True))
        missing = "".join(f"<member>{key}</member>" for key in result.get("missing", ()))
        return (
            f"<member><EvalActionName>{result['action']}</EvalActionName>"
            f"<EvalDecision>{result.get('decision', 'allowed')}</EvalDecision>"
            f"<OrganizationsDecisionDetail><AllowedByOrganizations>{scp}</AllowedByOrganizations>"
            "</OrganizationsDecisionDetail>"
            f"<MissingContextValues>{missing}</MissingContextValues></member>"
        )

    body = (
        "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>false"
        f"</IsTruncated><EvaluationResults>{''.join(map(told, results))}</EvaluationResults>"
        "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
    )
    return 200, {"content-type": "text/xml"}, body.encode()


class TestActions:
    def test_simulation_names_what_is_denied_and_why(self, aws: str) -> None:
        answer = decisions(
            {"action": "ec2:DescribeRegions"},
            {"action": "ec2:DescribeVolumes", "decision": "implicitDeny"},
            {"action": "cloudwatch:GetMetricData", "decision": "implicitDeny", "scp": False},
        )
        fault = Fault("SimulatePrincipalPolicy", [answer])
        actions = examined(aws, fault, resource_types=["ebs_volume"])["engineering"]["actions"]
        assert actions.status == "missing"
        assert set(actions.details) == {"ec2:DescribeVolumes", "cloudwatch:GetMetricData"}
        assert "by IAM's simulation" in actions.found
        assert "not seen wholly: ebs_volume" in actions.found
        assert "a service control policy" in (actions.fix or "")
        assert "no policy allows it" in (actions.fix or "")

    def test_a_condition_that_the_simulation_lacks_is_no_denial(self, aws: str) -> None:
        missing = {"decision": "implicitDeny", "missing": ["aws:PrincipalTag/team"]}
        answer = decisions({"action": "ec2:DescribeVolumes", **missing})
        clients = FaultyClients(settings_of(aws), Fault("SimulatePrincipalPolicy", [answer]))
        known = simulate(
            clients.client(None, "iam", "us-east-1"), account(), ROLE, ["ec2:DescribeVolumes"]
        )
        assert known.unknown == {"ec2:DescribeVolumes"}
        assert not known.denied

    def test_confined_actions_are_simulated_on_the_accounts_own_resources(self, aws: str) -> None:
        sent: list[dict[str, Any]] = []
        clients = FaultyClients(settings_of(aws), Fault("SimulatePrincipalPolicy", [decisions()]))
        iam = clients.client(None, "iam", "us-east-1")
        iam.meta.events.register(
            "provide-client-params.iam.SimulatePrincipalPolicy",
            lambda params, **_: sent.append(dict(params)),
        )
        many = [f"ec2:Describe{n}" for n in range(150)]
        simulate(iam, account(), ROLE, [*many, "s3:GetBucketAcl", "kms:DescribeKey"])
        assert [len(request["ActionNames"]) for request in sent] == [100, 50, 1, 1]
        by_action = {request["ActionNames"][0]: request for request in sent}
        assert "ResourceArns" not in by_action["ec2:Describe0"]
        assert by_action["s3:GetBucketAcl"]["ResourceArns"] == ["arn:aws:s3:::*"]
        [entry] = by_action["s3:GetBucketAcl"]["ContextEntries"]
        assert entry["ContextKeyValues"] == [ENGINEERING]
        arns = by_action["kms:DescribeKey"]["ResourceArns"]
        assert arns == [f"arn:aws:kms:*:{ENGINEERING}:*"]

    def test_without_simulation_listings_are_tried(self, aws: str) -> None:
        shut = Fault("DescribeVolumes", [ec2_error("UnauthorizedOperation")])
        actions = examined(aws, shut, NO_SIMULATION)["engineering"]["actions"]
        assert actions.status == "missing"
        assert actions.details == ("ec2:DescribeVolumes",)
        assert "by trying each listing" in actions.found
        assert "AWS answers UnauthorizedOperation" in (actions.fix or "")

    def test_what_listings_do_not_tell_is_said_to_be_unknown(self, aws: str) -> None:
        actions = examined(aws)["engineering"]["actions"]
        assert actions.status == "warning"
        assert "cloudwatch:GetMetricData" in actions.details
        assert "iam:SimulatePrincipalPolicy" in (actions.fix or "")

    def test_a_listing_that_fails_otherwise_denies_nothing(self, aws: str) -> None:
        broken = Fault("DescribeVolumes", [ec2_error("InternalError", status=500)])
        actions = examined(aws, broken, NO_SIMULATION)["engineering"]["actions"]
        assert actions.status == "warning"
        assert "ec2:DescribeVolumes" in actions.details


class TestDeadline:
    def test_an_account_that_hangs_is_left_at_its_deadline(self, aws: str) -> None:
        seconds = [0.0]

        def wait() -> None:
            seconds[0] += 100.0

        slow = Fault("DescribeRegions", [None], account_id=OPERATIONS, before=wait)
        wanted = settings_of(aws, resource_types=["ebs_volume"])
        clients = FaultyClients(wanted, slow)
        examiner = AccountExaminer(
            wanted, clients, CALLER, 60, parallel=1, clock=lambda: seconds[0]
        )
        found = {a.name: checks for a, checks in examiner.examine(accounts_of(wanted))}
        assert [c.check for c in found["engineering"]] == ["role", "regions", "actions"]
        left = found["operations"][-1]
        assert (left.check, left.status) == ("deadline", "missing")
        assert left.found == "no answer in 60 seconds: the rest was not looked at"


class TestOrganization:
    def test_what_could_not_be_read_names_the_permission(self, aws: str) -> None:
        settings = LandingZone(aws).settings()
        fault = Fault("ListTagsForResource", [refused("AccessDeniedException", "no")])
        found = list(organization_checks(roster_of(settings, FaultyClients(settings, fault))))
        assert [(c.check, c.status) for c in found] == [
            ("accounts.tags", "missing"),
            ("discovery", "ok"),
        ]
        assert "organizations:ListTagsForResource: no" in found[0].found
        assert MANAGEMENT in (found[0].fix or "")
        assert found[1].found == "5 accounts, of which 5 are looked at"

    def test_a_filter_that_matches_nothing(self, aws: str) -> None:
        settings = LandingZone(aws).settings(exclude_ous=["Nope"])
        [problem, _] = organization_checks(roster_of(settings, FaultyClients(settings)))
        assert problem.fix == "correct the filter, or remove it"

    def test_without_discovery_there_is_none(self, aws: str) -> None:
        settings = settings_of(aws)
        assert not list(organization_checks(roster_of(settings, FaultyClients(settings))))
