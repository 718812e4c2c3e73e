"""Commitments to spend: EC2 reserved instances and capacity, and Savings Plans of any service."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.ec2 import PAGE
from inventory_pipeline.resource_types.model import Metric, ResourceType, field
from inventory_pipeline.resource_types.vpc import owned

# All but those that never came into force.
PLAN_STATES = ["payment-pending", "active", "queued", "retired", "pending-return", "returned"]

RESERVED_INSTANCE = ResourceType(
    name="reserved_instance",
    table="reserved_instances",
    group="ec2",
    service="ec2",
    meaning="EC2 reserved instances, those that ended included.",
    operation="describe_reserved_instances",
    items="ReservedInstances[]",
    iam_actions=("ec2:DescribeReservedInstances",),
    resource_id="ReservedInstancesId",
    arn="arn:{partition}:ec2:{region}:{account_id}:reserved-instances/{resource_id}",
    name_source="ReservedInstancesId",
    state="State",
    created_at="Start",
    tags="Tags || `[]`",
    fields=(
        field("instance_type", T.TEXT, "Instance type.", "InstanceType"),
        field("instances", T.BIGINT, "How many it covers.", "InstanceCount"),
        field("product", T.TEXT, "Operating system, as AWS bills it.", "ProductDescription"),
        field("tenancy", T.TEXT, "default, dedicated or host.", "InstanceTenancy"),
        field("scope", T.TEXT, "Region or Availability Zone.", "Scope"),
        field("availability_zone", T.TEXT, "Zone of one scoped to a zone.", "AvailabilityZone"),
        field("offering_class", T.TEXT, "standard or convertible.", "OfferingClass"),
        field("payment", T.TEXT, "All, Partial or No Upfront.", "OfferingType"),
        field("starts_at", T.TIMESTAMP, "When it begins.", "Start"),
        field("ends_at", T.TIMESTAMP, "When it ends.", "End"),
        field("currency", T.TEXT, "Currency of its prices.", "CurrencyCode"),
        field("upfront_price", T.MONEY, "Paid at once, for each instance.", "FixedPrice"),
        field(
            "hourly_price",
            T.UNIT_PRICE,
            "Paid every hour of the term, for each instance, whether it runs or not.",
            "RecurringCharges[?Frequency=='Hourly'].Amount | [0]",
        ),
    ),
)

SAVINGS_PLAN = ResourceType(
    name="savings_plan",
    table="savings_plans",
    group="savingsplans",
    service="savingsplans",
    meaning="Savings Plans, those that ended included.",
    scope="global",
    # Other partitions have none of their own.
    asked_in={"aws": "us-east-1", "aws-cn": "cn-northwest-1"},
    operation="describe_savings_plans",
    arguments={"maxResults": 1000, "states": PLAN_STATES},
    items="savingsPlans[]",
    iam_actions=("savingsplans:DescribeSavingsPlans",),
    resource_id="savingsPlanId",
    arn="savingsPlanArn",
    name_source="savingsPlanId",
    state="state",
    created_at="start",
    tags="tags || `{}`",
    fields=(
        field(
            "plan_type", T.TEXT, "Compute, EC2Instance, SageMaker or Database.", "savingsPlanType"
        ),
        field("products", T.TEXT_LIST, "Services it covers.", "productTypes"),
        field("instance_family", T.TEXT, "Family of an EC2Instance plan.", "ec2InstanceFamily"),
        field("plan_region", T.TEXT, "Region of an EC2Instance plan.", "region"),
        field("payment", T.TEXT, "All, Partial or No Upfront.", "paymentOption"),
        field("currency", T.TEXT, "Currency of its amounts.", "currency"),
        field("hourly_commitment", T.MONEY, "Committed every hour.", "commitment"),
        field("upfront_amount", T.MONEY, "Paid at once.", "upfrontPaymentAmount"),
        field("monthly_amount", T.MONEY, "Paid every month.", "recurringPaymentAmount"),
        field("starts_at", T.TIMESTAMP, "When it begins.", "start"),
        field("ends_at", T.TIMESTAMP, "When it ends.", "end"),
    ),
)

CAPACITY_RESERVATION = ResourceType(
    name="capacity_reservation",
    table="capacity_reservations",
    group="ec2",
    service="ec2",
    meaning="Reservations of EC2 capacity that the account owns; they cost as much unused as used.",
    operation="describe_capacity_reservations",
    arguments={"MaxResults": PAGE, "Filters": owned},
    items="CapacityReservations[]",
    iam_actions=("ec2:DescribeCapacityReservations",),
    resource_id="CapacityReservationId",
    arn="CapacityReservationArn",
    name_source="Tags[?Key=='Name'].Value | [0]",
    state="State",
    created_at="CreateDate",
    tags="Tags || `[]`",
    fields=(
        field("instance_type", T.TEXT, "Instance type.", "InstanceType"),
        field("platform", T.TEXT, "Operating system, as AWS bills it.", "InstancePlatform"),
        field("tenancy", T.TEXT, "default or dedicated.", "Tenancy"),
        field("availability_zone", T.TEXT, "Availability zone.", "AvailabilityZone"),
        field("instances", T.BIGINT, "Instances reserved.", "TotalInstanceCount"),
        field("unused_instances", T.BIGINT, "Of them, those not in use.", "AvailableInstanceCount"),
        field("ends_at", T.TIMESTAMP, "When it ends by itself; NULL is never.", "EndDate"),
    ),
    volatile=frozenset({"unused_instances"}),
    metrics=(
        Metric(
            "utilization_average",
            "Mean share of its instances in use, percent.",
            "AWS/EC2CapacityReservations",
            "InstanceUtilization",
            "Average",
            "average",
            {"CapacityReservationId": "CapacityReservationId"},
            window_days=7,
        ),
    ),
)

RESOURCE_TYPES = (RESERVED_INSTANCE, SAVINGS_PLAN, CAPACITY_RESERVATION)
