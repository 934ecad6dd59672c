"""What sits where, row by row: the same rows for a terminal, a machine and a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from reconciler.core.diff import Diff, Member, SeatView
from reconciler.core.instance import Instance
from reconciler.core.states import rate_per_hour


@dataclass(frozen=True, slots=True)
class SeatRow:
    """One seat, or one further instance of ours."""

    seat: str
    state: str
    """The seat's bucket, or `extra`, `surplus`, `undeclared`."""
    why: str = ""
    """What is wrong with it, where something is."""
    instance: Instance | None = None
    rate_per_hour: Decimal = Decimal(0)

    @property
    def ssh(self) -> str | None:
        """How to log in, as a command."""
        where = self.instance and (self.instance.ssh_direct or self.instance.ssh_proxy)
        return f"ssh -p {where.port} root@{where.host}" if where else None


def seat_rows(diff: Diff) -> Iterator[SeatRow]:
    """Every seat and every further instance of ours."""
    for part in diff.fleets:
        for view in part.seats:
            if view.keeper is None:
                yield SeatRow(str(view.seat), view.bucket, _why_empty(view))
            else:
                yield _row(view.keeper, view.bucket)
            yield from (_row(extra, "extra") for extra in view.extras)
        yield from (_row(member, "surplus") for member in part.surplus)
    yield from (_row(member, "undeclared") for member in diff.undeclared)


def _why_empty(view: SeatView) -> str:
    """What the record holds against an empty seat."""
    if view.suspects:
        return "called gone together with too many others"
    return f"{len(view.lost)} attempts of the day were never made; reconcile free {view.seat}" if view.frozen else ""


def _row(member: Member, state: str) -> SeatRow:
    strange = "rented by another runner of this owner" if member.stranger else ""
    fault = member.fault.kind if member.fault and member.fault.kind != state else ""
    why = "; ".join(map(str, member.drifts)) or fault or strange
    if not why and member.health is not None:
        why = member.health.cause
    if not why and member.accepted:
        why = f"adopted as it is: {'; '.join(map(str, member.accepted))}"
    return SeatRow(str(member.mark.seat), state, why, member.instance, rate_per_hour(member.instance))
