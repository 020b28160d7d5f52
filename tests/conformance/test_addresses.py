"""Where in an address the model stands, however its slashes are spelled."""

from __future__ import annotations

import pytest

from infercheck.addresses import names_model, with_model

MODEL = "@cf/mistral/mistral-7b-instruct-v0.2-lora"
BASE = "http://x/client/v4/accounts/a/ai/run/"


@pytest.mark.parametrize(
    ("url", "other"),
    [
        (BASE + MODEL, BASE + "@cf/mistral/none"),
        (BASE + MODEL + "?a=b", BASE + "@cf/mistral/none?a=b"),
        (BASE + MODEL.replace("/", "%2F"), BASE + "@cf%2Fmistral%2Fnone"),
    ],
)
def test_another_model_takes_the_place_of_the_one_that_is_named(url, other):
    assert names_model(url, MODEL)
    assert with_model(url, MODEL, "@cf/mistral/none") == other


@pytest.mark.parametrize("url", ["http://x/run", BASE, f"http://x/?model={MODEL}", ""])
def test_an_address_that_names_no_model_stays_as_it_is(url):
    assert not names_model(url, MODEL)
    assert with_model(url, MODEL, "none") == url
    assert not names_model(url, "")
