"""Vast.ai as a `Provider`: each method one call, what it means decided by the modules beside it.

Each of them is loaded by the first call that needs it: most commands only read the list.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.clock import Clock
from reconciler.core.instance import Account, Instance
from reconciler.core.text import safe
from reconciler.provider import (
    BidAnswer,
    BidDoubtful,
    BidSent,
    DestroyAnswer,
    DestroyDoubtful,
    DestroySent,
    Found,
    Gone,
    Listing,
    RelabelAnswer,
    RelabelDoubtful,
    RelabelSent,
    RentAnswer,
    RentRefused,
    Route,
)
from reconciler.vast.answers import Answer, Call, Outcome, doubtful, refuse_key, trusted
from reconciler.vast.client import Wire
from reconciler.vast.decode import Malformed, identifier, number
from reconciler.vast.listing import read_listing
from reconciler.vast.rows import instance

if TYPE_CHECKING:
    from reconciler.core.offer import OfferQuery, RentOrder
    from reconciler.core.rises import Asked
    from reconciler.core.ssh_keys import SshKey
    from reconciler.core.template import Template

TEMPLATE_HOLDS_S = 600.0
"""For so long a template that was found is not asked for again: the passes of one run are close together."""

_MAX_CREDIT = Decimal("1e9")


class VastProvider:
    """One Vast.ai account, through one `Wire`."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock
        self._seen: dict[str, tuple[float, Template]] = {}

    def account(self) -> Account:
        """Whose account it is and its credit: `credit` is what is left, `balance` is commonly 0 (documented)."""
        body, answer = self._read(Call("account", "GET", "/api/v0/users/current"))
        number_of_it, credit = identifier(body.get("id")), number(body, "credit", -_MAX_CREDIT, _MAX_CREDIT)
        if number_of_it is None or credit is None:
            raise doubtful(answer, "it has no id or no credit")
        return Account(number_of_it, credit)

    def instances(self) -> Listing:
        """All instances of the account, complete or an error."""
        return read_listing(self._wire, self._clock)

    def instance(self, instance_id: int) -> Instance | Gone:
        """One instance, read singly. An unknown id answers 200 with `{"instances": null}` (seen in the wild)."""
        outcome = self._wire.patiently(Call("show", "GET", f"/api/v0/instances/{int(instance_id)}/"))
        if isinstance(outcome, Answer) and outcome.says_gone:
            return Gone(instance_id)
        body = trusted(outcome)
        if body.get("instances", 0) is None:
            return Gone(instance_id)
        return _same(outcome, body, instance_id)

    def search(self, query: OfferQuery) -> Found:
        """One search answer: a sample of at most 64 rows, cheapest first."""
        from reconciler.vast.offers import offers
        from reconciler.vast.search import search_body

        body, answer = self._read(Call("search", "POST", "/api/v0/bundles/", body=search_body(query)))
        rows = body.get("offers")
        if not isinstance(rows, list):
            raise doubtful(answer, "it has no list of offers")
        return Found(offers(rows, for_bids=query.interruptible), len(rows))

    def templates(self, words: str) -> tuple[Template, ...]:
        """Templates by name: those in common use, and any of exactly this name."""
        from reconciler.core.template import matching
        from reconciler.vast.templates import in_use, named, read_templates

        found = {**read_templates(self._wire, in_use()), **read_templates(self._wire, named(words))}
        return matching(found, words)

    def template(self, template_hash: str) -> Template | None:
        """The template of a hash; None only where the server says that there is none."""
        from reconciler.vast.templates import read_template

        at, known = self._seen.get(template_hash, (0.0, None))
        if known is None or self._clock.now() - at > TEMPLATE_HOLDS_S:
            known = read_template(self._wire, template_hash)
            self._seen.pop(template_hash, None)
            if known is not None:
                self._seen[template_hash] = (self._clock.now(), known)
        return known

    def rent(self, order: RentOrder) -> RentAnswer:
        """One attempt, one request on the wire, never repeated."""
        from reconciler.vast.encode import flaw_of, rent_body, secrets_of
        from reconciler.vast.renting import rent_answer

        path = f"/api/v0/asks/{int(order.offer_id)}/"
        call = Call("rent", "PUT", path, body=rent_body(order), secrets=secrets_of(order))
        flaw = flaw_of(order)
        if self._wire.carries_key(call):
            flaw = "the host would be given the account's API key"
        if flaw:
            return RentRefused(safe(f"nothing was sent: {flaw}"), stops="fleet")
        return rent_answer(self._wire.once(call), order.offer_id)

    def destroy(self, instance_id: int) -> DestroyAnswer:
        """Ask for the end of one instance, in one request: by the time of another one the instance may be another's.
        Where the answer is lost, a later pass reads afresh and asks again."""
        outcome = self._wire.once(Call("destroy", "DELETE", f"/api/v0/instances/{int(instance_id)}/", body={}))
        refuse_key(outcome)
        if isinstance(outcome, Answer) and outcome.says_gone:
            return Gone(instance_id)
        if isinstance(outcome, Answer) and outcome.status == 200 and outcome.success is True:
            return DestroySent()
        return DestroyDoubtful(outcome.summary)

    def relabel(self, instance_id: int, label: str | None) -> RelabelAnswer:
        """Give one instance another label, in one request. An empty text is the only way to none (untested by anyone
        who wrote about it, so the reading afterwards decides)."""
        path = f"/api/v0/instances/{int(instance_id)}/"
        outcome = self._wire.once(Call("relabel", "PUT", path, body={"label": label or ""}))
        refuse_key(outcome)
        if isinstance(outcome, Answer) and outcome.says_gone:
            return Gone(instance_id)
        if isinstance(outcome, Answer) and outcome.status == 200 and outcome.success is True:
            return RelabelSent()
        return RelabelDoubtful(outcome.summary)

    def logs(self, instance_id: int, tail: int) -> str | None:
        """The last lines of an instance's log, without the secrets that are known here."""
        from reconciler.vast.logs import read_logs

        return read_logs(self._wire, self._clock, instance_id, tail)

    def bid(self, instance_id: int, price: Decimal) -> BidAnswer:
        """Give an interruptible instance a new bid, in one request. Without a price the server would choose one that
        wins, however high (documented); so there always is one."""
        path, body = f"/api/v0/instances/bid_price/{int(instance_id)}/", {"client_id": "me", "price": float(price)}
        outcome = self._wire.once(Call("bid", "PUT", path, body=body))
        refuse_key(outcome)
        if isinstance(outcome, Answer) and outcome.says_gone:
            return Gone(instance_id)
        if isinstance(outcome, Answer) and outcome.status == 200 and outcome.success is True:
            return BidSent()
        return BidDoubtful(outcome.summary)

    def price_rises(self) -> tuple[Asked, ...]:
        """What hosts ask for to go on beyond the end of a contract."""
        from reconciler.vast.rises import read_rises

        return read_rises(self._wire)

    def ssh_keys(self) -> tuple[SshKey, ...]:
        """The public keys of the account."""
        from reconciler.vast.ssh_keys import read_keys

        return read_keys(self._wire)

    def add_ssh_key(self, text: str) -> SshKey:
        """Give the account another public key."""
        from reconciler.vast.ssh_keys import add_key

        return add_key(self._wire, text)

    def attach_ssh_key(self, instance_id: int, text: str) -> bool:
        """Let a public key into one instance; doing it twice is doing it once."""
        from reconciler.vast.ssh_keys import attach_key

        return attach_key(self._wire, instance_id, text)

    def free_at(self, route: Route) -> float:
        """When the next call of `route` may be sent without waiting, epoch seconds."""
        return self._wire.pacing.free_at(route)

    def _read(self, call: Call) -> tuple[dict[str, object], Answer]:
        outcome = self._wire.patiently(call)
        body = trusted(outcome)
        assert isinstance(outcome, Answer)
        return body, outcome


def _same(outcome: Outcome, body: dict[str, object], instance_id: int) -> Instance:
    assert isinstance(outcome, Answer)
    flaw = "it is about another instance"
    try:
        found = instance(body.get("instances"))
        if found.id == instance_id:
            return found
    except Malformed as error:
        flaw = str(error)
    raise doubtful(outcome, flaw)
