"""Requests as tokens, by strict templates, by lenient ones, and by none."""

from __future__ import annotations

import pytest

from checkpoints.tiny import TEMPLATE, tokenizer
from infercheck.runners.transformers.template import Template


def under(template):
    """A tokenizer with another chat template."""
    words = tokenizer()
    words.chat_template = template
    return words


WORDS = tokenizer()
PLAIN = under(None)
LENIENT = under(
    "{{ bos_token }}{% if tools %}[TOOLS]{{ tools | tojson }}{% endif %}"
    "{% for message in messages %}{% if message['role'] in ('system', 'user', 'assistant') %}"
    "<{{ message['role'] }}>{{ message['content'] | trim }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
USER = {"role": "user", "content": "Hi"}
SYSTEM = {"role": "system", "content": "Be terse."}
ASSISTANT = {"role": "assistant", "content": "Yes?"}


def text(words=WORDS, **request):
    return words.decode(Template(words).tokens(request))


def test_a_prompt_is_the_users_message_in_the_form_of_the_template():
    assert text(prompt="Hi") == "<s>[INST] Hi [/INST]" == text(messages=[USER])


def test_raw_is_verbatim_and_begins_once():
    assert text(prompt="Hi", raw=True) == "<s>Hi"
    assert Template(WORDS).tokens({"prompt": "[INST] Hi [/INST]", "raw": True}) == Template(WORDS).tokens(
        {"prompt": "Hi"}
    )
    assert text(prompt="<s>[INST] Hi [/INST]", raw=True) == "<s>[INST] Hi [/INST]"


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([SYSTEM, USER], "<s>[INST] Be terse.\n\nHi [/INST]"),
        ([USER, ASSISTANT, USER], "<s>[INST] Hi [/INST]Yes?</s>[INST] Hi [/INST]"),
        ([USER, SYSTEM], "<s>[INST] Hi\n\nBe terse. [/INST]"),
        ([ASSISTANT], "<s>[INST]  [/INST]Yes?</s>"),
        ([USER, USER], "<s>[INST] Hi\n\nHi [/INST]"),
        ([{"role": "no such role", "content": "Hi"}], "<s>[INST] Hi [/INST]"),
        ([{"role": "tool", "content": "21 °C"}, USER], "<s>[INST] 21 °C\n\nHi [/INST]"),
        ([], "<s>[INST]  [/INST]"),
    ],
    ids=str,
)
def test_whatever_roles_come_every_message_is_in_the_strict_template(messages, expected):
    assert text(messages=messages) == expected


def test_a_lenient_template_is_used_as_it_is_and_what_it_leaves_out_is_put_in():
    assert text(LENIENT, messages=[SYSTEM, USER]) == "<s><system>Be terse.<user>Hi<assistant>"
    other = {"role": "critic", "content": " Why? "}
    assert text(LENIENT, messages=[USER, other]) == "<s><user>Hi\n\n Why?<assistant>"


def test_without_a_template_a_conversation_is_its_texts():
    assert text(PLAIN, prompt="Hi") == "<s>Hi" == text(PLAIN, messages=[USER]) == text(PLAIN, prompt="Hi", raw=True)
    assert text(PLAIN, messages=[SYSTEM, USER]) == "<s>Be terse.\n\nHi"
    assert text(PLAIN, messages=[]) == "<s>"


def test_a_template_that_raises_on_everything_leaves_the_texts():
    words = under("{{ raise_exception('no') }}")
    assert text(words, messages=[SYSTEM, USER]) == "<s>Be terse.\n\nHi"
    words = under("{{ nothing.there['at all'] }}")
    assert text(words, prompt="Hi") == "<s>Hi"


def test_what_a_template_makes_of_a_text_is_its_own_affair():
    words = under(
        "{{ bos_token }}{% for message in messages %}<{{ message['role'] }}>"
        "{{ message['content'].split('</think>')[-1] | replace('\\r', '') }}{% endfor %}"
    )
    thought = {"role": "assistant", "content": "<think>hm</think>Yes?"}
    assert text(words, messages=[USER, thought, {"role": "user", "content": "Go\r\non"}]) == (
        "<s><user>Hi<assistant>Yes?<user>Go\non"
    )


def test_a_message_that_is_left_out_is_put_in_though_another_has_its_text():
    words = under(
        "{{ bos_token }}{% for message in messages %}{% if message['role'] != 'system' %}"
        "<{{ message['role'] }}>{{ message['content'] }}{% endif %}{% endfor %}"
    )
    long = {"role": "user", "content": "Should you Be terse. to me?"}
    assert text(words, messages=[SYSTEM, long]) == "<s><user>Be terse.\n\nShould you Be terse. to me?"


def test_both_shapes_of_tools_reach_a_template_that_takes_them():
    parameters = {"type": "object", "properties": {"city": {"type": "string", "description": "c"}}}
    flat = {"name": "get_weather", "description": "Tells it.", "parameters": parameters}
    shapes = [flat, {"type": "function", "function": flat}]
    told = [text(LENIENT, messages=[USER], tools=[tool]) for tool in shapes]
    assert told[0] == told[1]
    assert '"get_weather"' in told[0]
    assert "[TOOLS]" not in text(LENIENT, messages=[USER])
    assert text(messages=[USER], tools=shapes) == text(messages=[USER])
    words = under("{% if tools %}{{ raise_exception('no') }}{% endif %}<{{ messages[0]['content'] }}>")
    assert text(words, messages=[USER], tools=shapes) == "<Hi>"


def test_the_strict_template_is_as_strict_as_the_real_one():
    assert "raise_exception" in TEMPLATE
    with pytest.raises(Exception, match=r"Only user and assistant|must alternate"):
        WORDS.apply_chat_template([SYSTEM, USER], tokenize=False)
