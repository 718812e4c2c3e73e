"""ACM: TLS certificates of a region; those of CloudFront are in us-east-1."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Detail, Item, ResourceType, field

# ListCertificates leaves out all but RSA_1024 and RSA_2048 where it is not told otherwise.
KEY_ALGORITHMS = (
    "RSA_1024",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "EC_prime256v1",
    "EC_secp384r1",
    "EC_secp521r1",
)


def in_use(certificate: Item) -> bool | None:
    """The list says it, though not in every answer; the certificate's own answer has the users."""
    if certificate.get("InUse") is not None:
        return bool(certificate["InUse"])
    if "certificate" not in certificate:
        return None
    return bool(certificate["certificate"]["Certificate"].get("InUseBy"))


ACM_CERTIFICATE = ResourceType(
    name="acm_certificate",
    table="acm_certificates",
    group="acm",
    service="acm",
    meaning="Certificates of AWS Certificate Manager.",
    operation="list_certificates",
    arguments={"Includes": {"keyTypes": list(KEY_ALGORITHMS)}, "MaxItems": 1000},
    items="CertificateSummaryList[]",
    iam_actions=("acm:ListCertificates",),
    resource_id="CertificateArn",
    arn="CertificateArn",
    name_source="DomainName",
    state="Status",
    created_at="certificate.Certificate.CreatedAt || certificate.Certificate.ImportedAt",
    tags="tags && (tags.Tags || `[]`)",
    fields=(
        field("domain", T.TEXT, "Domain that it is for.", "DomainName"),
        field(
            "alternative_names",
            T.TEXT_LIST,
            "All domains that it is for.",
            "certificate.Certificate.SubjectAlternativeNames",
        ),
        field("certificate_type", T.TEXT, "AMAZON_ISSUED, IMPORTED or PRIVATE.", "Type"),
        field("valid_from", T.TIMESTAMP, "When it begins to hold.", "NotBefore"),
        field("expires_at", T.TIMESTAMP, "When it expires; NULL until issued.", "NotAfter"),
        field("in_use", T.BOOLEAN, "An AWS resource uses it.", in_use),
        field(
            "used_by",
            T.TEXT_LIST,
            "ARNs of what uses it.",
            "certificate.Certificate.InUseBy",
        ),
        field("key_algorithm", T.TEXT, "Such as RSA_2048 or EC_prime256v1.", "KeyAlgorithm"),
        field(
            "signature_algorithm",
            T.TEXT,
            "Such as SHA256WITHRSA.",
            "certificate.Certificate.SignatureAlgorithm",
        ),
        field(
            "renewal_eligibility",
            T.TEXT,
            "ELIGIBLE where ACM renews it, INELIGIBLE where somebody must.",
            "RenewalEligibility",
        ),
        field(
            "renewal_status",
            T.TEXT,
            "PENDING_AUTO_RENEWAL, PENDING_VALIDATION, SUCCESS or FAILED; NULL before the first.",
            "certificate.Certificate.RenewalSummary.RenewalStatus",
        ),
        field(
            "validation_method",
            T.TEXT,
            "How its domain was shown to be one's own: DNS, EMAIL or HTTP.",
            "certificate.Certificate.DomainValidationOptions[0].ValidationMethod",
        ),
        field(
            "transparency_logging",
            T.TEXT,
            "Certificate transparency: ENABLED or DISABLED.",
            "certificate.Certificate.Options.CertificateTransparencyLoggingPreference",
        ),
        field(
            "authority_arn",
            T.TEXT,
            "Private authority that issued it.",
            "certificate.Certificate.CertificateAuthorityArn",
        ),
        field(
            "failure_reason",
            T.TEXT,
            "Why it was not issued.",
            "certificate.Certificate.FailureReason",
        ),
        field("exported", T.BOOLEAN, "Its private key was exported.", "Exported"),
    ),
    details=(
        Detail(
            "certificate",
            "describe_certificate",
            {"CertificateArn": "CertificateArn"},
            "acm:DescribeCertificate",
        ),
        Detail(
            "tags",
            "list_tags_for_certificate",
            {"CertificateArn": "CertificateArn"},
            "acm:ListTagsForCertificate",
        ),
    ),
    gone=frozenset({"ResourceNotFoundException"}),
)

RESOURCE_TYPES = (ACM_CERTIFICATE,)
