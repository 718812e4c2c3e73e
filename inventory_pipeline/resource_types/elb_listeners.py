"""Listeners of load balancers of both generations, as rows of one child table.

Not here: the load balancers themselves (`elb`, `elb_classic`).
"""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import ChildTable, Item, field

Listener = dict[str, object]
"""A row of `load_balancer_listeners`, by column."""

LOAD_BALANCER_LISTENERS = ChildTable(
    name="load_balancer_listeners",
    meaning="Listeners of load balancers, classic ones included.",
    grain="listener of a load balancer at a snapshot",
    fields=tuple(
        field(name, kind, meaning, name)
        for name, kind, meaning in (
            ("listener_arn", T.TEXT, "ARN; NULL of classic load balancers."),
            (
                "protocol",
                T.TEXT,
                "HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP, QUIC, ...; SSL of classic ones; NULL of "
                "gateway load balancers.",
            ),
            ("port", T.BIGINT, "Port; NULL of gateway load balancers, which take all."),
            (
                "ssl_policy",
                T.TEXT,
                "Security policy, which sets TLS versions and ciphers; empty without TLS; of "
                "classic ones `custom` if it follows none of AWS's; NULL if not read.",
            ),
            ("certificate_arn", T.TEXT, "Default certificate; empty without TLS."),
            (
                "default_actions",
                T.TEXT_LIST,
                "What it does unless a rule says otherwise: forward, redirect, fixed-response, "
                "authenticate-oidc, ...",
            ),
            (
                "redirects_to_https",
                T.BOOLEAN,
                "By default it sends clients on to HTTPS. Rules of single paths are not looked at.",
            ),
            ("mutual_tls", T.TEXT, "Clients' certificates: off, passthrough or verify."),
            ("target_protocol", T.TEXT, "Protocol to the instances of classic ones."),
            ("target_port", T.BIGINT, "Port of the instances of classic ones."),
        )
    ),
)


def listeners(load_balancer: Item) -> list[Listener] | None:
    """Of an application, network or gateway load balancer; None if not read."""
    found = load_balancer.get("listeners")
    return None if found is None else [_listener(element) for element in found]


def _listener(listener: Item) -> Listener:
    protocol = str(listener.get("Protocol") or "")
    actions = sorted(listener.get("DefaultActions") or (), key=lambda a: a.get("Order") or 0)
    certificates = [c.get("CertificateArn") for c in listener.get("Certificates") or ()]
    mutual = listener.get("MutualAuthentication") or {}
    return {
        "listener_arn": listener.get("ListenerArn"),
        "protocol": protocol or None,
        "port": listener.get("Port"),
        "ssl_policy": (listener.get("SslPolicy") or None) if _tls(protocol) else "",
        "certificate_arn": certificates[0] if certificates else "",
        "default_actions": [action.get("Type") for action in actions],
        "redirects_to_https": any(map(_leads_to_https, actions)),
        "mutual_tls": mutual.get("Mode") or "off",
    }


def _leads_to_https(action: Item) -> bool:
    # A redirect may keep the protocol, which AWS then says as #{protocol}.
    return (action.get("RedirectConfig") or {}).get("Protocol") == "HTTPS"


def classic_listeners(load_balancer: Item) -> list[Listener] | None:
    """Of a classic load balancer; None if not read."""
    found = load_balancer.get("ListenerDescriptions")
    if found is None:
        return None
    return [_classic_listener(element, load_balancer) for element in found]


def _classic_listener(description: Item, load_balancer: Item) -> Listener:
    listener = description["Listener"]
    protocol = str(listener.get("Protocol") or "").upper()
    return {
        "protocol": protocol or None,
        "port": listener.get("LoadBalancerPort"),
        "ssl_policy": _classic_ssl_policy(description, load_balancer) if _tls(protocol) else "",
        "certificate_arn": (listener.get("SSLCertificateId") or "") if _tls(protocol) else "",
        "default_actions": ["forward"],
        "redirects_to_https": False,
        "mutual_tls": "off",
        "target_protocol": listener.get("InstanceProtocol"),
        "target_port": listener.get("InstancePort"),
    }


def has_tls(load_balancer: Item) -> bool:
    """Whether a classic load balancer has a listener with a security policy."""
    return any(
        _tls(str((d.get("Listener") or {}).get("Protocol") or "").upper())
        for d in load_balancer.get("ListenerDescriptions") or ()
    )


def _tls(protocol: str) -> bool:
    return protocol in ("HTTPS", "TLS", "SSL")


def _classic_ssl_policy(description: Item, load_balancer: Item) -> str | None:
    """AWS's policy that the listener's own one refers to, `custom` if none; None if not read.

    A listener without a policy for TLS has AWS's default, whose name is not told: None as well.
    """
    named = description.get("PolicyNames") or ()
    for policy in (load_balancer.get("policies") or {}).get("PolicyDescriptions") or ():
        if policy.get("PolicyName") in named and (
            policy.get("PolicyTypeName") == "SSLNegotiationPolicyType"
        ):
            settings = {
                a.get("AttributeName"): a.get("AttributeValue")
                for a in policy.get("PolicyAttributeDescriptions") or ()
            }
            return settings.get("Reference-Security-Policy") or "custom"
    return None
