"""The house's `dataclass` makes what the standard library's makes: each example is made by both and compared."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any

import pytest

from reconciler import values


def _examples(dataclass: Any) -> dict[str, Any]:
    @dataclass(frozen=True, slots=True)
    class Nothing:
        """No field."""

    @dataclass(frozen=True, slots=True)
    class One:
        """A single field."""

        a: int

    @dataclass(frozen=True, slots=True)
    class Many:
        """Every kind of default."""

        a: int
        b: str = "b"
        c: list[int] = field(default_factory=list)
        hidden: str = field(default="secret", repr=False)
        aside: int = field(default=0, compare=False)

        @property
        def twice(self) -> int:
            return 2 * self.a

    @dataclass(frozen=True, slots=True)
    class Own:
        """Methods of its own, which stay."""

        a: int
        b: int = 0

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    @dataclass(frozen=True, slots=True, order=True)
    class Ordered:
        """Left to the original."""

        a: int

    @dataclass(slots=True)
    class Open:
        """Left to the original: it may change."""

        a: int

    @dataclass(frozen=True, slots=True)
    class Heir(One):
        """Inherits."""

        b: int = 2

    return {each.__name__: each for each in (Nothing, One, Many, Own, Ordered, Open, Heir)}


OURS, THEIRS = _examples(values.dataclass), _examples(dataclasses.dataclass)
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Nothing", (), {}),
    ("One", (1,), {}),
    ("One", (), {"a": 1}),
    ("Many", (1,), {}),
    ("Many", (1, "x"), {"c": [1], "aside": 3}),
    ("Many", (1,), {"hidden": "other"}),
    ("Own", (1, 2), {}),
    ("Ordered", (1,), {}),
    ("Open", (1,), {}),
    ("Heir", (1,), {"b": 3}),
]
IDS = [f"{name} {args} {named}" for name, args, named in CALLS]


def _told(thing: Any) -> str:
    return repr(thing).replace("<locals>.", "")


@pytest.mark.parametrize(("name", "args", "named"), CALLS, ids=IDS)
def test_an_instance_has_the_same_values_and_text(name, args, named):
    our, their = OURS[name](*args, **named), THEIRS[name](*args, **named)
    assert _told(our) == _told(their)
    assert dataclasses.asdict(our) == dataclasses.asdict(their)
    assert [each.name for each in fields(our)] == [each.name for each in fields(their)]
    assert OURS[name].__match_args__ == THEIRS[name].__match_args__
    assert OURS[name].__slots__ == THEIRS[name].__slots__


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("args", [(), (1, 2, 3, 4, 5, 6)], ids=["too few", "too many"])
def test_a_call_that_does_not_fit_fails_with_the_same_words(name, args):
    if name == "Nothing" and not args:
        assert OURS[name]() == OURS[name]()
        return
    said = []
    for made in (OURS[name], THEIRS[name]):
        with pytest.raises(TypeError) as caught:
            made(*args)
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_equality_is_by_class_and_by_the_fields_that_compare():
    many = OURS["Many"]
    assert many(1, aside=1) == many(1, aside=2)
    assert many(1) != many(2)
    assert many(1) != many(1, hidden="other")
    assert OURS["One"](1) != THEIRS["One"](1)
    assert OURS["One"](1) != OURS["Heir"](1)
    assert OURS["Nothing"]() == OURS["Nothing"]()
    odd = float("nan")
    assert OURS["One"](odd) == OURS["One"](odd)  # As tuples are: the very same value is equal.


@pytest.mark.parametrize(("name", "args"), [("Nothing", ()), ("One", (1,)), ("Heir", (1, 2)), ("Own", (1,))])
def test_equal_ones_have_the_same_hash_and_it_is_the_original_one(name, args):
    assert hash(OURS[name](*args)) == hash(OURS[name](*args)) == hash(THEIRS[name](*args))


def test_what_holds_a_list_has_no_hash():
    with pytest.raises(TypeError, match="unhashable"):
        hash(OURS["Many"](1))


@pytest.mark.parametrize(
    ("name", "attribute"),
    [("Nothing", "a"), ("One", "a"), ("One", "other"), ("Many", "c"), ("Heir", "a"), ("Heir", "b")],
)
def test_nothing_of_it_changes(name, attribute):
    made = OURS[name]() if name == "Nothing" else OURS[name](1)
    with pytest.raises(FrozenInstanceError):
        setattr(made, attribute, 2)
    with pytest.raises(FrozenInstanceError):
        delattr(made, attribute)


def test_a_default_is_made_anew_each_time():
    assert OURS["Many"](1).c is not OURS["Many"](1).c


def test_replace_and_copies_work():
    many = OURS["Many"](1, c=[1])
    assert replace(many, b="x") == OURS["Many"](1, "x", [1])
    assert copy.copy(many) == many
    deep = copy.deepcopy(many)
    assert deep == many
    assert deep.c is not many.c
    assert many.twice == 2


@dataclasses.dataclass(frozen=True, slots=True)
class _Theirs:
    a: int
    b: str = "b"


@values.dataclass(frozen=True, slots=True)
class _Ours:
    a: int
    b: str = "b"


def test_it_survives_pickling():
    assert pickle.loads(pickle.dumps(_Ours(1, "x"))) == _Ours(1, "x")


def test_the_signature_names_the_same_parameters_and_types():
    ours, theirs = inspect.signature(_Ours), inspect.signature(_Theirs)
    assert str(ours) == str(theirs)
    assert inspect.get_annotations(_Ours.__init__) == inspect.get_annotations(_Theirs.__init__)


def test_a_field_without_a_default_after_one_with_it_is_refused():
    with pytest.raises((TypeError, SyntaxError)):

        @values.dataclass(frozen=True, slots=True)
        class Wrong:
            a: int = 1
            b: int
