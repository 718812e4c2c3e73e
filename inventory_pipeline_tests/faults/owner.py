"""An account's owner at work: the clients, tags, policies and secrets to make resources with."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

NAME = "namesake"
"""What everything is called that has a name."""


@dataclass(frozen=True)
class Owner:
    """An account's owner at work in a region. `client` gives a client of a service there.

    `secret` makes the secret for a place, such as `lambda-environment`.
    """

    account_id: str
    region: str
    client: Callable[[str], Any]
    secret: Callable[[str], str]
    tags: Mapping[str, str]

    @property
    def pairs(self) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]

    @property
    def small_pairs(self) -> list[dict[str, str]]:
        """As ECS spells them."""
        return [{"key": key, "value": value} for key, value in self.tags.items()]

    def tagged(self, *kinds: str) -> list[dict[str, Any]]:
        """As EC2 wants them."""
        return [{"ResourceType": kind, "Tags": self.pairs} for kind in kinds]

    def policy(self, place: str, **statement: Any) -> str:
        """A policy whose conditions have secrets, as those of some CDNs and vendors do."""
        conditions = {
            "StringEquals": {
                "aws:Referer": self.secret(f"{place}-referer"),
                "aws:UserAgent": [self.secret(f"{place}-agent"), "a browser"],
            }
        }
        whole = {"Sid": "One", "Effect": "Allow", "Principal": "*", "Condition": conditions}
        return json.dumps({"Version": "2012-10-17", "Statement": [{**whole, **statement}]})

    def script(self, place: str) -> str:
        return f"#!/bin/sh\nexport DB_PASSWORD={self.secret(place)}\n"

    def encoded_script(self, place: str) -> str:
        return base64.b64encode(self.script(place).encode()).decode()
