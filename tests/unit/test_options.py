"""Order options: what a chart may list, mistakes that are refused at the start, and how a person names a choice."""

from __future__ import annotations

import re
from typing import Any

import pytest

from provisioner.domain.errors import BadOption
from provisioner.domain.options import Option, change, choose, chosen_in, former_options, place, read_options

LISTED = """
- id: currency
  label: Currency
  value: store.currency
  default: eur
  choices: {eur: "Euro (€)", usd: "US dollar ($)"}
- id: country
  label: Country
  value: store.country
  default: de
  choices: {de: Germany, no: Norway, us: United States}
- {id: color, label: Colour, value: theme.accent, default: "#2f6f4f", choices: {"#2f6f4f": Forest, "#1f5f8b": Ocean}}
"""
VALUES: dict[str, Any] = {"store": {"currency": "eur", "country": "de"}, "theme": {"accent": "", "logo": ""}}


@pytest.fixture
def options() -> tuple[Option, ...]:
    return read_options(LISTED, VALUES)


def test_options_are_read_as_strings_even_if_yaml_reads_them_as_booleans(options: tuple[Option, ...]) -> None:
    assert [option.id for option in options] == ["currency", "country", "color"]
    assert options[1].choices == {"de": "Germany", "no": "Norway", "us": "United States"}


def test_chart_without_options_has_none() -> None:
    assert read_options("", VALUES) == ()


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("{id: x}", "Input should be a valid tuple"),
        ("- {id: x, label: X, default: a, choices: {a: A}}", "entry 1 value: Field required"),
        ("- {id: x, label: X, value: 'a..b', default: a, choices: {a: A}}", "entry 1 value: String should match"),
        ("- {id: X Y, label: X, value: a, default: a, choices: {a: A}}", "entry 1 id: String should match"),
        ("- {id: x, label: X, value: a, default: b, choices: {a: A}}", "the default “b” is not one of the choices"),
        (
            "- {id: x, label: X, value: a, default: a, choices: {}}",
            "the default “a” is not one of the choices",
        ),
        (
            "- {id: x, label: X, value: a, default: a, choices: {a: ''}}",
            "entry 1 choices a: String should have at least",
        ),
        ("- {id: x, label: X, value: a, choices: {a: A}}", "it has no default, so it must be settable"),
        ("- {id: x, label: X, value: a, settable: true}", "it has no choices, so its hint must say what is allowed"),
        ("- {id: x, label: X, value: a, default: a, choice: {a: A}}", "Extra inputs are not permitted"),
        ("- &o {id: x, label: X, value: store.currency, default: a, choices: {a: A}}\n- *o", "x is listed twice"),
        ("- {id: x, label: X, value: store.money, default: a, choices: {a: A}}", "x: values.yaml has no store.money"),
    ],
)
def test_wrong_list_is_refused_with_its_mistake(listed: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_options(listed, VALUES)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ({}, {"currency": "eur", "country": "de", "color": "#2f6f4f"}),
        ({"currency": "USD"}, {"currency": "usd", "country": "de", "color": "#2f6f4f"}),
        ({"currency": "us dollar ($)", "color": "ocean"}, {"currency": "usd", "country": "de", "color": "#1f5f8b"}),
        ({"country": "united  states"}, {"currency": "eur", "country": "us", "color": "#2f6f4f"}),
        ({"country": "no"}, {"currency": "eur", "country": "no", "color": "#2f6f4f"}),
    ],
)
def test_choice_is_named_by_its_value_or_its_label(
    options: tuple[Option, ...], given: dict[str, str], chosen: dict[str, str]
) -> None:
    assert choose(options, given) == chosen


@pytest.mark.parametrize(
    ("given", "option", "message"),
    [
        ({"currency": "uds"}, "currency", "“uds” is not a valid currency. Choose from: eur, usd. Did you mean usd?"),
        ({"color": "forrest"}, "color", "Choose from: Forest, Ocean. Did you mean Forest?"),
        ({"country": ""}, "country", "The country is missing. Choose from: de, no, us."),
        ({"country": "x" * 900}, "country", "“" + "x" * 39 + "…” is not a valid country"),
        (
            {"colour": "forest"},
            "colour",
            "There is no option “colour”. The options are: currency, country, color. Did",
        ),
    ],
)
def test_wrong_choice_is_answered_with_the_valid_choices(
    options: tuple[Option, ...], given: dict[str, str], option: str, message: str
) -> None:
    with pytest.raises(BadOption) as caught:
        choose(options, given)
    assert message in str(caught.value)
    assert caught.value.option == option


def test_option_of_a_type_without_options_is_refused() -> None:
    with pytest.raises(BadOption, match="This store type has no options"):
        choose((), {"currency": "eur"})


def test_choices_are_placed_at_the_paths_of_the_chart(options: tuple[Option, ...]) -> None:
    values: dict[str, Any] = {"store": {"name": "my-shop"}, "theme": {"logo": "/logo.svg"}}
    place(options, {"currency": "usd", "color": "#1f5f8b", "gone": "x"}, values)
    assert values == {
        "store": {"name": "my-shop", "currency": "usd"},
        "theme": {"logo": "/logo.svg", "accent": "#1f5f8b"},
    }


def test_choices_are_found_again_in_the_values(options: tuple[Option, ...]) -> None:
    values: dict[str, Any] = {"store": {"currency": "old"}, "theme": "none"}
    assert chosen_in(options, values) == {}
    chosen = {"currency": "usd", "country": "no", "color": "#1f5f8b"}
    place(options[:2], chosen, values)
    assert chosen_in(options, values) == {"currency": "usd", "country": "no"}


# --- settings ------------------------------------------------------------------------------------------------------

SETTABLE = """
- {id: currency, label: Currency, value: store.currency, default: eur, choices: {eur: Euro, usd: US dollar}}
- {id: color, label: Colour, value: theme.accent, default: red, choices: {red: Red, blue: Blue}, settable: true}
- {id: logo, label: Logo, value: theme.logo, settable: true, hint: An address.}
- {id: pods, label: Pods, value: pods, settable: true, hint: A number.}
"""


@pytest.fixture
def settable() -> tuple[Option, ...]:
    return read_options(SETTABLE, {**VALUES, "pods": 1})


def test_order_chooses_what_has_a_default_and_takes_the_others_if_they_are_typed(settable: tuple[Option, ...]) -> None:
    assert choose(settable, {}) == {"currency": "eur", "color": "red"}
    assert choose(settable, {"logo": "/x.svg"}) == {"currency": "eur", "color": "red", "logo": "/x.svg"}


def test_change_takes_labels_texts_and_numbers(settable: tuple[Option, ...]) -> None:
    changed = change(settable, {"color": "BLUE", "logo": " /x.svg ", "pods": "2"})
    assert changed == {"color": "blue", "logo": "/x.svg", "pods": "2"}
    values: dict[str, Any] = {}
    place(settable, changed, values)
    assert values == {"theme": {"accent": "blue", "logo": "/x.svg"}, "pods": 2}


def test_text_that_is_no_number_stays_a_text_which_the_schema_refuses(settable: tuple[Option, ...]) -> None:
    values: dict[str, Any] = {}
    place(settable, {"pods": "two"}, values)
    assert values == {"pods": "two"}


@pytest.mark.parametrize(
    ("requested", "message"),
    [
        ({"colr": "red"}, "There is no setting “colr”. What can be set: color, logo, pods. Did you mean color?"),
        ({"currency": "usd"}, "The currency is chosen when a store is ordered, and stays."),
        ({"color": "rde"}, "“rde” is not a valid colour. Choose from: red, blue. Did you mean red?"),
        ({"color": ""}, "The colour is missing. Choose from: red, blue."),
    ],
)
def test_unusable_change_is_refused(settable: tuple[Option, ...], requested: dict[str, str], message: str) -> None:
    with pytest.raises(BadOption) as refused:
        change(settable, requested)
    assert message in str(refused.value.problem)


def test_rollback_takes_back_what_was_set(settable: tuple[Option, ...]) -> None:
    before: dict[str, Any] = {}
    place(settable, {"color": "red", "logo": "/a.svg"}, before)
    present = {"currency": "eur", "color": "blue", "logo": "/b.svg", "pods": "2"}
    assert former_options(settable, present, before) == {"currency": "eur", "color": "red", "logo": "/a.svg"}
