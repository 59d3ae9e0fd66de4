"""Events survive a line of JSON, whatever numbers they hold."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.training import events as E

numbers = st.floats(allow_nan=False, allow_infinity=False)
BY_TYPE: dict[str, Any] = {
    "float": numbers,
    "int": st.integers(0, 10**9),
    "str": st.text(),
    "list[int]": st.lists(st.integers(1, 99)),
    "list[str]": st.lists(st.text()),
    "dict[str, float]": st.dictionaries(st.text(), numbers),
    "dict[str, Any]": st.dictionaries(st.text(), st.integers() | st.text() | st.booleans()),
}


@st.composite
def told(draw: st.DrawFn) -> E.Event:
    cls = draw(st.sampled_from(list(E.KINDS.values())))
    return cls(**{f.name: draw(BY_TYPE[str(f.type)]) for f in dataclasses.fields(cls)})


@given(told())
def test_there_and_back(event: E.Event) -> None:
    line = event.to_json()
    assert "\n" not in line
    assert E.parse(line) == event


def test_numbers_that_json_lacks_become_null() -> None:
    event = E.Evaluated(0.0, 1, 2, "validation", {"loss": math.nan}, {"a": math.inf})
    assert "null" in event.to_json()
    assert E.parse(event.to_json()).metrics == {"loss": None}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", "nonsense", '{"kind": "party"}', '{"kind": "progress"}']
)
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        E.parse(line)


def test_a_field_of_a_later_version_is_passed_over() -> None:
    assert E.parse('{"kind": "noted", "t": 1.0, "text": "a", "colour": "red"}') == E.Noted(1.0, "a")
