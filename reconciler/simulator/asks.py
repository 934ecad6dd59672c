"""The tree of asks of one machine: which groups of its GPUs are offered, and which exclude each other.

A machine with n GPUs offers all powers of two of its least group, up to the whole: 8 GPUs with groups of 1 give
eight asks of 1, four of 2, two of 4 and one of 8. A group of GPUs is a bit mask; two asks exclude each other when
their masks have a bit in common.
"""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=256)
def tree(gpus: int, least: int) -> tuple[int, ...]:
    """The masks of all asks of a machine with `gpus` GPUs that rents groups of `least` and more, the whole first."""
    masks = [(1 << gpus) - 1]
    size = least
    while size < gpus:
        masks += [((1 << size) - 1) << start for start in range(0, gpus - size + 1, size)]
        size *= 2
    return tuple(masks)


class Occupancy:
    """Who holds which GPUs of a machine, and under which ids its asks stand.

    An ask's id is single-use: it dies when the ask is rented, and all asks that touch GPUs that come free again come
    back under new ids.
    """

    __slots__ = ("ids", "masks", "ours", "soft", "taken")

    def __init__(self, masks: tuple[int, ...], ids: list[int], taken: int) -> None:
        self.masks = masks
        self.ids = ids
        self.taken = taken
        self.ours = 0
        self.soft = 0
        """Those of `ours` that stand on a bid only: whoever pays the full price takes them."""

    def twin(self) -> Occupancy:
        """One that stands alike, and goes its own way from now on."""
        other = Occupancy(self.masks, list(self.ids), self.taken)
        other.ours, other.soft = self.ours, self.soft
        return other

    @property
    def busy(self) -> int:
        """The GPUs somebody holds."""
        return self.taken | self.ours

    def free(self) -> list[int]:
        """The positions in the tree that can be rented now."""
        busy = self.taken | self.ours
        return [position for position, mask in enumerate(self.masks) if not mask & busy]

    def open(self) -> list[int]:
        """The positions that others can rent now at the full price."""
        held = self.taken | (self.ours & ~self.soft)
        return [position for position, mask in enumerate(self.masks) if not mask & held]

    def is_free(self, position: int) -> bool:
        """Whether nobody holds any GPU of this ask."""
        return not self.masks[position] & (self.taken | self.ours)

    def touching(self, mask: int) -> list[int]:
        """The positions of all asks that share a GPU with `mask`."""
        return [position for position, other in enumerate(self.masks) if other & mask]
