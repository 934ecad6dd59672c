"""`dataclass` as of the standard library, for the frozen classes of the house: the same, made in a third of the time.

The standard library writes six methods of each class as source and compiles them. A command of half a second defines
a hundred and fifty such classes, which were a quarter of it. Here only `__init__` is written; the other methods are the
same functions for all classes, which know the names of the fields.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

Method = Callable[..., Any]

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool = False, slots: bool = False, order: bool = False) -> Callable[[type], type]:
        """The decorator. What is not simply frozen and slotted, or inherits, is left to the original."""

        def made(cls: type) -> type:
            if not (frozen and slots) or order or "__eq__" in vars(cls) or len(cls.__mro__) > 2:
                return dataclasses.dataclass(frozen=frozen, slots=slots, order=order)(cls)
            own = {"__hash__", "__repr__"} & vars(cls).keys()
            made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
            for method in _methods(dataclasses.fields(made)):
                if method.__name__ not in own:
                    setattr(made, method.__name__, method)
            made.__init__.__qualname__ = f"{made.__qualname__}.__init__"  # A call that lacks a value is told by it.
            made.__dataclass_params__.frozen = True  # What inherits from it must be frozen, too.
            return made

        return made


def _methods(fields: Iterable[Field[Any]]) -> tuple[Method, ...]:
    """The methods of a class with these fields."""
    return _init(fields), *_compared(fields), _repr(fields), *_copied(fields), *_SEALED


def _init(fields: Iterable[Field[Any]]) -> Method:
    known: dict[str, Any] = {"_set": object.__setattr__, "_ABSENT": MISSING}
    heads, lines = ["self"], ["pass"]
    for field in fields:
        head = value = name = field.name
        if field.default_factory is not MISSING:
            known[f"_make_{name}"] = field.default_factory
            head, value = f"{name}=_ABSENT", f"_make_{name}() if {name} is _ABSENT else {name}"
        elif field.default is not MISSING:
            known[f"_default_{name}"] = field.default
            head = f"{name}=_default_{name}"
        heads.append(head)
        lines.append(f"_set(self, {name!r}, {value})")
    exec(f"def __init__({', '.join(heads)}):\n  " + "\n  ".join(lines), known)
    init: Method = known["__init__"]
    init.__annotations__ = {**{field.name: field.type for field in fields}, "return": None}
    return init


def _compared(fields: Iterable[Field[Any]]) -> tuple[Method, Method]:
    values = _values([field.name for field in fields if field.compare])

    def __eq__(self: object, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: object) -> int:
        return hash(values(self))

    return __eq__, __hash__


def _values(names: list[str]) -> Callable[[object], object]:
    """What gives the values of these fields as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple([getattr(self, name) for name in names])


def _repr(fields: Iterable[Field[Any]]) -> Method:
    shown = [field.name for field in fields if field.repr]

    def __repr__(self: object) -> str:
        told = ", ".join([f"{name}={getattr(self, name)!r}" for name in shown])
        return f"{self.__class__.__qualname__}({told})"

    return __repr__


def _copied(fields: Iterable[Field[Any]]) -> tuple[Method, Method]:
    names = [field.name for field in fields]

    def __getstate__(self: object) -> list[object]:
        return [getattr(self, name) for name in names]

    def __setstate__(self: object, state: Iterable[object]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return __getstate__, __setstate__


def _sealed() -> tuple[Method, Method]:
    def __setattr__(_: object, name: str, _value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(_: object, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    return __setattr__, __delattr__


_SEALED = _sealed()
