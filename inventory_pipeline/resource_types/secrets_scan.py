"""Credentials in a text: whether there are any, and which kind; never what they are.

Belongs here: the detectors. Not here: fetching a text, nor what a finding means (`marts`). A text
is looked at in memory and forgotten: the answer has names of detectors, no value, hash or place.

Environment variables are given as lines `NAME=value`. Besides the well-known shapes of tokens and
keys, a value counts by the name it is assigned to: any under a password's name, one that looks
random under a token's. A random value under another name (a commit, an image digest) does not, and
neither do references: ARNs, parameter paths, `${…}`, ciphertext of KMS. Own patterns rather than
detect-secrets: its keyword detector takes `SECRET_NAME=prod/db` for a secret, or, told to want
quotes, misses `export PGPASSWORD=…`; and it does not know tokens newer than its last release.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import log2

VERSION = "1"
"""Changes whenever a detector does, so that two snapshots' findings can be compared."""


@dataclass(frozen=True)
class ScanResult:
    """Whether credentials were found, and the sorted names of the detectors that saw them."""

    found: bool
    detectors: tuple[str, ...]


def scan(text: str) -> ScanResult:
    """What credentials a text has; takes time in proportion to its length, whatever is in it."""
    hits = {name for name, pattern in _shapes().items() if pattern.search(text)}
    hits.update(_assigned(text))
    return ScanResult(bool(hits), tuple(sorted(hits)))


# Bounded repetitions and no nested ones: a hostile text costs no more than a harmless one.
_SHAPES = {
    "anthropic_key": r"\bsk-ant-[\w-]{20}",
    "atlassian_token": r"\bATATT3[\w-]{50}",
    "aws_access_key": r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    "aws_secret_key": (
        r"(?i:secret_?(?:access_?)?key)[\"']?\s{0,3}(?:[=:]|\s)\s{0,3}[\"']?"
        r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
    ),
    "azure_storage_key": r"AccountKey=[A-Za-z0-9+/]{86}==",
    "command_line_password": (
        r"\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"'$]{1,64}:[^\s\"'$]{3}"
        r"|\bmysql(?:dump|admin)?\b[^\n|;]{0,200}?\s-p[^\s\"'$-][^\s\"'$]{2}"
        r"|\bsshpass\s+-p\s?[\"']?[^\s\"'$]{3}"
        r"|\s--[a-z-]{0,20}(?:password|passwd|secret|token)\s[\"']?[^\s\"'$<{-][^\s\"'$<{]{3}"
        r"|[\w.-]{1,32}:[^\s\"':$]{4,64}[\"']?\s{0,3}\|\s{0,3}(?:sudo\s+)?chpasswd\b"
    ),
    "databricks_token": r"\bdapi[0-9a-f]{32}\b",
    "discord_token": r"\b[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,38}\b",
    "github_token": r"\bgh[opsur]_[A-Za-z0-9]{36}|\bgithub_pat_\w{22}_\w{59}",
    "gitlab_token": r"\bgl(?:pat|dt|ft|soat|rt|cbt|ptt|oas)-[\w-]{20}",
    "google_api_key": r"\bAIza[\w-]{35}",
    "huggingface_token": r"\bhf_[A-Za-z0-9]{34}\b",
    "json_web_token": r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8}",
    "new_relic_key": r"\bNRAK-[A-Z0-9]{27}\b",
    "npm_token": r"\bnpm_[A-Za-z0-9]{36}\b|:_authToken=\s?[0-9a-f-]{36}",
    "openai_key": r"\bsk-(?:proj|svcacct|admin)-[\w-]{20}|\bsk-\w{20}T3BlbkFJ\w{20}",
    "private_key": (
        r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-[23]"
    ),
    "pypi_token": r"\bpypi-AgE[\w-]{50}",
    "sendgrid_key": r"\bSG\.[\w-]{22}\.[\w-]{43}",
    "shopify_token": r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b",
    "slack_token": r"\bxox[abeoprs]-[\w-]{20}|\bxapp-\d-[\w-]{20}",
    "slack_webhook": r"https://hooks\.slack\.com/(?:services|workflows)/T\w{8,}/\w{8,}/\w{8}",
    "square_token": r"\bsq0(?:csp|atp)-[\w-]{22}",
    "stripe_key": r"\b[rs]k_live_[0-9A-Za-z]{24}|\bwhsec_[0-9A-Za-z+/]{32}",
    "telegram_token": r"\b\d{8,10}:AA[\w-]{33}\b",
    "twilio_key": r"\bSK[0-9a-f]{32}\b",
    "url_password": r"://[^\s:/?#@\"']{0,64}:(?![$<{%*])[^\s/@\"'<>{}]{3,200}@",
    "vault_token": r"\bhv[sb]\.[\w-]{24}",
}

# The value is only looked at, so that an assignment within it is found as well. Unquoted after a
# colon it must end its line: all else after a colon may be prose. Parts of ARNs, image names and
# `{{resolve:…}}` are no names.
_ASSIGNMENT = (
    r"(?:(?<![\w.:/-])|(?<=\s--))(?P<name>[A-Za-z_][\w.-]{0,100})[\"']?[ \t]{0,3}"
    r"(?:(?::=|=>?|:)[ \t]{0,3}(?=\"(?P<double>[^\"\n]{1,512})\"|'(?P<single>[^'\n]{1,512})')"
    r"|=[ \t]{0,3}(?=(?P<bare>[^\s\"',;]{1,200}))"
    r"|:[ \t]{0,3}(?=(?P<last>[^\s\"',;]{1,200})[ \t]{0,3}$))"
)
_WORD = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+"
_PASSWORD_ENDINGS = ("password", "passwd", "passphrase", "secret")
_PASSWORD_WORDS = {"pass", "pwd", "pw"}
_TOKEN_WORDS = {"accesskey", "apikey", "token", "credential", "credentials", "jwt", "webhook"}
_KEYS = {
    "access", "account", "api", "app", "auth", "client", "db", "encryption", "license", "master",
    "private", "service", "shared", "signing",
}  # fmt: skip
# Words of a name that says something about a secret rather than being one.
_ABOUT = {
    "alias", "algorithm", "allowed", "arn", "attempts", "authentication", "bucket", "class",
    "count", "days", "enable", "enabled", "endpoint", "expiration", "expires", "expiry", "field",
    "file", "filename", "header", "id", "ids", "length", "location", "max", "min", "mode",
    "name", "names", "param", "parameter", "path", "policy", "prefix", "provider", "public",
    "reference", "ref", "region", "require", "required", "rotation", "suffix", "table", "timeout",
    "ttl", "type", "uri", "url", "version",
}  # fmt: skip
_NO_VALUE = {
    "default", "disabled", "empty", "enabled", "false", "none", "null", "optional", "redacted",
    "required", "true", "undefined", "unset",
}  # fmt: skip
# What points to a secret kept elsewhere, is a mask, or is ciphertext of KMS (AQICA…).
_REFERENCE = (
    r"\$[A-Za-z_{(]|[{`]|<(?:.*>|[A-Za-z]+)$|%\w+%$|arn:|[a-z][a-z0-9+.-]*://|AQICA|[xX*.•]+$"
    r"|(?:env|file|ref|resolve|secretsmanager|sm|ssm|vault):"
    r"|[a-z0-9_.-]*(?:/[a-z0-9_.-]+)+$|[A-Za-z_][\w.]*[(\[](?:$|.*[)\]]$)"
)
_RANDOM = r"(?=[^A-Za-z]*[A-Za-z])(?=\D*\d)[\w+/=.~-]{16,}$"
_RANDOM_BITS = 3.0


@cache
def _shapes() -> dict[str, re.Pattern[str]]:
    return {name: re.compile(pattern) for name, pattern in _SHAPES.items()}


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


def _assigned(text: str) -> Iterator[str]:
    for match in _pattern(_ASSIGNMENT).finditer(text):
        kind = _kind(match["name"])
        if kind is None:
            continue
        value = match["double"] or match["single"] or match["bare"] or match["last"]
        if _is_reference(value.strip()):
            continue
        if kind == "password" or _is_random(value.strip()):
            yield f"assigned_{kind}"


def _kind(name: str) -> str | None:
    """What a variable's name says that it holds: a password, a token, or neither."""
    words = [word.lower() for word in _pattern(_WORD).findall(name)]
    if not words or _ABOUT.intersection(words):
        return None
    if any(word.endswith(_PASSWORD_ENDINGS) or word in _PASSWORD_WORDS for word in words):
        return "password"
    pairs = pairwise(words)
    if _TOKEN_WORDS.intersection(words) or any(a in _KEYS and b == "key" for a, b in pairs):
        return "token"
    return None


def _is_reference(value: str) -> bool:
    if len(value) < 4 or value.lower() in _NO_VALUE or "${" in value or "{{" in value:
        return True
    return _pattern(_REFERENCE).match(value) is not None


def _is_random(value: str) -> bool:
    """Long, of letters and digits, and of at least 3 bits a character (hexadecimal has 4)."""
    if not _pattern(_RANDOM).match(value):
        return False
    shares = [value.count(character) / len(value) for character in set(value)]
    return -sum(share * log2(share) for share in shares) >= _RANDOM_BITS
