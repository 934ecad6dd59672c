"""What the account has beside its instances: SSH keys, files of logs, charges, answers to hosts, volumes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reconciler.simulator.charges import Charges

MOST_FILES = 32
"""Log files that are kept; older ones vanish, as they do in the real store."""


class Account:
    """Plain values only: all of it goes into the state file as it is."""

    def __init__(self, opened: float, paid_in: float) -> None:
        self.opened = opened
        """When the account began."""
        self.paid_in = paid_in
        """Dollars it began with."""
        self.keys: list[dict[str, Any]] = []
        """SSH keys, deleted ones too: an instance keeps the keys of its day."""
        self.attached: dict[str, dict[str, bool]] = {}
        """By instance, then by key: attached later (true) or taken away (false)."""
        self.files: list[list[Any]] = []
        """Name, moment from which it can be read, text."""
        self.written = 0
        """How many files were ever asked for."""
        self.volumes: list[dict[str, Any]] = []
        self.extensions: dict[str, list[float]] = {}
        """By instance: the price ($/h of the GPUs) and end date that take over when the present term ends."""
        self.answered: list[int] = []
        """Instances whose host's wish for a higher price was answered."""
        self.charges = Charges()

    def saved(self) -> dict[str, Any]:
        """As the state file keeps it."""
        return {**vars(self), "charges": self.charges.saved()}

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> Account:
        """Take over what `saved` gave."""
        account = cls(float(saved["opened"]), float(saved["paid_in"]))
        for name in vars(account):
            setattr(account, name, saved[name])
        account.charges = Charges(saved["charges"])
        return account

    def keep_file(self, name: str, ready: float, text: str) -> None:
        """A file that can be read from `ready` on."""
        self.files = [*self.files, [name, ready, text]][-MOST_FILES:]


def date_text(moment: float) -> str:
    """A moment as the API writes it in the few fields that are texts."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
