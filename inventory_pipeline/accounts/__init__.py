"""Whom we look at: accounts, the sessions to enter them with, and the regions they have.

Belongs here: everything that makes a call to AWS possible, counted and bounded. Not here: what is
asked of AWS (`resource_types`) nor what becomes of the answers (`collect`).
"""

from inventory_pipeline.accounts.account import (
    Account,
    NoAccountsError,
    account_named,
    accounts_of,
)
from inventory_pipeline.accounts.clients import Clients
from inventory_pipeline.accounts.credentials import CredentialsError
from inventory_pipeline.accounts.discovery import Discovery
from inventory_pipeline.accounts.entry import Entry, enter, own_account
from inventory_pipeline.accounts.failures import DeadlinePassedError, Failure, classify
from inventory_pipeline.accounts.ownership import Ownership, ownership
from inventory_pipeline.accounts.regions import Regions, enabled_regions
from inventory_pipeline.accounts.roster import Absence, Roster, roster_of
from inventory_pipeline.accounts.watch import Watch

__all__ = [
    "Absence",
    "Account",
    "Clients",
    "CredentialsError",
    "DeadlinePassedError",
    "Discovery",
    "Entry",
    "Failure",
    "NoAccountsError",
    "Ownership",
    "Regions",
    "Roster",
    "Watch",
    "account_named",
    "accounts_of",
    "classify",
    "enabled_regions",
    "enter",
    "own_account",
    "ownership",
    "roster_of",
]
