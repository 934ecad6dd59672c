"""Moving in and out: which instances become ours in which seats, and which are let go. Decided here, done elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from reconciler.core.adopting import adopted_label
from reconciler.core.diff import Diff, FleetDiff, Member, SeatView
from reconciler.core.differences import differences
from reconciler.core.drift import Drift, dynamic_drift
from reconciler.core.gpus import normalise
from reconciler.core.instance import Instance
from reconciler.core.label import Seat
from reconciler.core.model import Blacklist, Fleet
from reconciler.core.record import Record, Relabel
from reconciler.core.states import rate_per_hour

Kind = Literal["adopt", "release"]
StepState = Literal["done", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Ask:
    """`FLEET[/INDEX]=INSTANCE`: what a person wants adopted, and where. None: the lowest seat that is free."""

    fleet: str
    index: int | None
    instance_id: int


@dataclass(frozen=True, slots=True)
class Move:
    """One label to be changed: what it must be before, and what it is to be. None is no label."""

    seat: Seat
    instance: Instance
    before: str | None
    after: str | None
    differences: tuple[Drift, ...] = ()
    """What an adopted instance is taken with."""
    remembered: bool = True
    """False where the label to be put back is not known any more."""

    @property
    def id(self) -> int:
        """The instance's id."""
        return self.instance.id

    @property
    def rate_per_hour(self) -> Decimal:
        """What it bills, in $/h."""
        return rate_per_hour(self.instance)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An instance that is not touched, and why; the way on where there is one."""

    instance_id: int
    why: str
    lift: str | None = None


@dataclass(frozen=True, slots=True)
class Moves:
    """Everything that is to be done at one person's word, and what is not."""

    moves: tuple[Move, ...]
    refusals: tuple[Refusal, ...] = ()

    @property
    def rate_per_hour(self) -> Decimal:
        """What the instances bill together, in $/h."""
        return sum((move.rate_per_hour for move in self.moves), Decimal(0))


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one move. Done: a reading shows the new label."""

    state: StepState
    seat: Seat
    instance_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Ground:
    """What moving in is decided on."""

    diff: Diff
    record: Record
    owner: str
    shared: Blacklist
    now: float
    beside: frozenset[str] = frozenset()
    """Owners whose fleets of the same name are accepted."""


# --- moving in --------------------------------------------------------------------------------------


def under_way(ground: Ground) -> dict[int, Relabel]:
    """Adoptions that were written down and whose label the account does not show yet, by instance."""
    unmanaged = {instance.id: instance for instance in ground.diff.unmanaged}
    return {
        item.id: item
        for item in ground.record.relabels.values()
        if not item.releasing and item.id in unmanaged and unmanaged[item.id].label == item.before
    }


def adopt_named(ground: Ground, asks: Sequence[Ask]) -> Moves:
    """The adoptions that were asked for by name."""
    free, moves, refusals = _Free(ground), [], []
    for ask in sorted(asks, key=lambda ask: (ask.index is None, ask.fleet, ask.index or 0)):
        found = _done_before(ground, ask) or _adoptable(ground, ask.instance_id) or _seated(ground, free, ask)
        if isinstance(found, Refusal):
            refusals.append(found)
        else:
            moves.append(found)
    return Moves(tuple(sorted(moves, key=lambda move: move.seat)), tuple(refusals))


def _done_before(ground: Ground, ask: Ask) -> Move | None:
    """What an earlier run adopted as is asked now: it is confirmed, and nothing is sent."""
    member = next((member for member in _managed(ground.diff) if member.id == ask.instance_id), None)
    if member is None or not member.mark.adopted or member.mark.seat.fleet != ask.fleet:
        return None
    if ask.index not in (None, member.mark.seat.index):
        return None
    return Move(member.mark.seat, member.instance, member.instance.label, member.instance.label, member.accepted)


def adopt_all(ground: Ground) -> Moves:
    """Every unmanaged instance that a declared fleet with a free seat describes: its image or template, GPU, places and
    price. The fewest differences go first; what fits nowhere is told with the reason."""
    free, moves, taken = _Free(ground), [], set()
    waiting = under_way(ground)
    pairs = [
        ((instance.id not in waiting, *_distance(part.fleet, instance), instance.id, part.fleet.name), instance, part)
        for instance in ground.diff.unmanaged
        for part in ground.diff.fleets
        if _adoptable(ground, instance.id) is None and _why_not(ground, part, instance) is None
    ]
    for _, instance, part in sorted(pairs, key=lambda pair: pair[0]):
        seat = free.take(part.fleet.name, None, instance.id) if instance.id not in taken else None
        if seat is not None:
            taken.add(instance.id)
            moves.append(_adoption(ground, seat, part.fleet, instance))
    left = [_left(ground, instance) for instance in ground.diff.unmanaged if instance.id not in taken]
    return Moves(tuple(sorted(moves, key=lambda move: move.seat)), tuple(left))


def _distance(fleet: Fleet, instance: Instance) -> tuple[int, bool]:
    """How many differences there are; then, whether a declared script is not told, which may be one more."""
    script = instance.setup.onstart if instance.setup else None
    return len(differences(fleet, instance)), fleet.container.onstart is not None and script is None


def _adoption(ground: Ground, seat: Seat, fleet: Fleet, instance: Instance) -> Move:
    label = adopted_label(ground.owner, seat, fleet, instance, ground.shared, ground.now)
    drifts = (*differences(fleet, instance), *dynamic_drift(fleet, instance, ground.shared, ground.now))
    return Move(seat, instance, instance.label, label, drifts)


def _seated(ground: Ground, free: _Free, ask: Ask) -> Move | Refusal:
    part = next((part for part in ground.diff.fleets if part.fleet.name == ask.fleet), None)
    if part is None:
        return Refusal(ask.instance_id, f"no fleet is named {ask.fleet}")
    closed = _closed(ground, part)
    if closed is not None:
        return Refusal(ask.instance_id, closed[0], closed[1])
    earlier = under_way(ground).get(ask.instance_id)
    wanted = (ask.fleet, earlier.seat.index if ask.index is None and earlier else ask.index)
    if earlier is not None and (earlier.seat.fleet, earlier.seat.index) != wanted:
        why = f"it is being adopted as {earlier.seat} already"
        return Refusal(ask.instance_id, why, "reconcile adopt, without names, goes on with that")
    seat = free.take(ask.fleet, wanted[1], ask.instance_id)
    if seat is None:
        return Refusal(ask.instance_id, free.why(part, wanted[1]), f"raise replicas in {part.fleet.source.file}")
    return _adoption(ground, seat, part.fleet, _instance(ground.diff, ask.instance_id))


def _closed(ground: Ground, part: FleetDiff) -> tuple[str, str] | None:
    """Why nothing may be taken into a fleet, and what lifts that."""
    name, other = part.fleet.name, part.foreign_owner
    if part.newer_labels:
        return f"fleet {name} has instances whose labels a newer release wrote", "upgrade vast-reconciler"
    if other is not None and other not in ground.beside:
        return (
            f"owner {other} has a fleet {name} in this account, and owner {ground.owner} has none",
            f"--beside {other}",
        )
    return None


def _instance(diff: Diff, instance_id: int) -> Instance:
    return next(instance for instance in diff.unmanaged if instance.id == instance_id)


def _adoptable(ground: Ground, instance_id: int) -> Refusal | None:
    """Why an instance is not adopted, whatever the fleet."""
    diff = ground.diff
    member = next((member for member in _managed(diff) if member.id == instance_id), None)
    if member is not None:
        return Refusal(instance_id, f"it is managed already, as {member.mark.seat}")
    other = next((mark for mark, instance in diff.other_owned if instance.id == instance_id), None)
    if other is not None:
        return Refusal(instance_id, f"it is owner {other.owner}'s, of fleet {other.fleet}", "its owner can release it")
    if instance_id in ground.record.leaving:
        return Refusal(instance_id, "a destroy of it is under way")
    if all(instance.id != instance_id for instance in diff.unmanaged):
        return Refusal(instance_id, "there is no such instance in this account")
    return None


def _why_not(ground: Ground, part: FleetDiff, instance: Instance) -> str | None:
    """Why a fleet does not describe an instance, in words."""
    fleet, container = part.fleet, part.fleet.container
    closed = _closed(ground, part)
    if closed is not None:
        return closed[0]
    if container.image is not None and instance.image != container.image:
        return f"image {instance.image or 'not told'}"
    if container.vast_template is not None and instance.vast_template != container.vast_template:
        return f"template {instance.vast_template or 'none'}"
    if instance.gpu_count != fleet.gpu.count or normalise(instance.gpu_name or "") not in fleet.gpu.models:
        return f"{instance.gpu_count or '?'}x {instance.gpu_name or 'unknown GPU'}"
    if bool(instance.interruptible) != fleet.rental.interruptible:
        return "it is interruptible" if instance.interruptible else "it is on demand"
    broken = dynamic_drift(fleet, instance, ground.shared, ground.now)
    return str(broken[0]) if broken else None


def _left(ground: Ground, instance: Instance) -> Refusal:
    unfit = _adoptable(ground, instance.id)
    if unfit is not None:
        return unfit
    reasons = {part.fleet.name: _why_not(ground, part, instance) for part in ground.diff.fleets}
    full = [name for name, why in reasons.items() if why is None]
    if full:
        return Refusal(instance.id, f"fleet {full[0]} has no free seat for it", "raise its replicas")
    told = "; ".join(f"{name}: {why}" for name, why in sorted(reasons.items()))
    return Refusal(instance.id, f"no fleet describes it ({told})" if told else "no fleet is declared")


class _Free:
    """The seats that may be taken, each once."""

    def __init__(self, ground: Ground) -> None:
        self._views = {view.seat: view for part in ground.diff.fleets for view in part.seats}
        self._reserved = {item.seat: item.id for item in under_way(ground).values()}
        self._taken: set[Seat] = set()

    def take(self, fleet: str, index: int | None, instance_id: int) -> Seat | None:
        """The seat of this index, or the lowest free one; the one that the instance was promised before all."""
        own = [seat for seat, number in self._reserved.items() if number == instance_id and seat.fleet == fleet]
        seats = own or [seat for seat in sorted(self._views) if seat.fleet == fleet and index in (None, seat.index)]
        found = next((seat for seat in seats if self._is_free(seat, instance_id)), None)
        if found is not None:
            self._taken.add(found)
        return found

    def _is_free(self, seat: Seat, instance_id: int) -> bool:
        view = self._views.get(seat)
        promised = self._reserved.get(seat, instance_id) == instance_id
        return view is not None and seat not in self._taken and promised and _empty(view, instance_id)

    def why(self, part: FleetDiff, index: int | None) -> str:
        """Why there is no seat."""
        name, replicas = part.fleet.name, part.fleet.replicas
        if index is None:
            return f"fleet {name} has no free seat: {replicas} wanted"
        view = self._views.get(Seat(name, index))
        if view is None:
            return f"{name}/{index} is beyond the declared replicas: {replicas} wanted"
        return f"{name}/{index} is taken{f' by instance {view.keeper.id}' if view.keeper else ''}"


def _empty(view: SeatView, instance_id: int) -> bool:
    """Nothing sits here and nothing may come; an attempt whose instance lost its label may be mended by adopting it."""
    ours = bool(view.intents) and all(intent.instance_id == instance_id for intent in view.intents)
    return view.bucket == "missing" or (view.bucket == "doubtful" and ours and not set(view.absent) - {instance_id})


# --- moving out -------------------------------------------------------------------------------------


def release_named(diff: Diff, record: Record, ids: Iterable[int]) -> Moves:
    """The releases that were asked for by name."""
    managed = {member.id: member for member in _managed(diff)}
    torn = _torn(diff, record)
    moves: list[Move] = []
    refusals: list[Refusal] = []
    for number in sorted(set(ids)):
        if number in record.leaving:
            refusals.append(Refusal(number, "a destroy of it is under way"))
        elif number in managed:
            moves.append(_release(managed[number].mark.seat, managed[number].instance, record))
        elif number in torn:
            moves.append(_release(record.relabels[number].seat, torn[number], record))
        else:
            refusals.append(Refusal(number, _not_ours(diff, number)))
    return Moves(tuple(sorted(moves, key=lambda move: move.seat)), tuple(refusals))


def release_all(diff: Diff, record: Record) -> Moves:
    """Everything that is ours is let go, but for what is being destroyed."""
    ids = {member.id for member in _managed(diff)} | set(_torn(diff, record))
    going = tuple(Refusal(number, "a destroy of it is under way") for number in sorted(record.leaving))
    return Moves(release_named(diff, record, ids - set(record.leaving)).moves, going)


def _release(seat: Seat, instance: Instance, record: Record) -> Move:
    known = record.relabels.get(instance.id)
    return Move(seat, instance, instance.label, known.before if known else None, remembered=known is not None)


def _torn(diff: Diff, record: Record) -> Mapping[int, Instance]:
    """Instances whose label is but a part of the one that we gave them."""
    pairs = ((instance, record.relabels.get(instance.id)) for instance in diff.unmanaged)
    return {i.id: i for i, item in pairs if item is not None and i.label and item.ours.startswith(i.label)}


def _not_ours(diff: Diff, instance_id: int) -> str:
    other = next((mark for mark, instance in diff.other_owned if instance.id == instance_id), None)
    if other is not None:
        return f"it is owner {other.owner}'s, of fleet {other.fleet}"
    if any(instance.id == instance_id for instance in diff.unmanaged):
        return "it is not managed: there is nothing to release"
    return "there is no such instance in this account"


def _managed(diff: Diff) -> Iterator[Member]:
    for part in diff.fleets:
        yield from part.members()
    yield from diff.undeclared
