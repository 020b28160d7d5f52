"""Schemas in the shapes that the models of the catalogue have, in few words and none of them anybody's."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


def text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


def numbers(low: float, high: float, **more: Any) -> dict[str, Any]:
    return {"type": "number", "minimum": low, "maximum": high, **more}


def or_null(schema: Schema, **more: Any) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}], **more}


SETTINGS: Schema = {
    "stream": {"type": "boolean", "default": False, "description": "Whether the answer comes as a stream."},
    "max_tokens": {"type": "integer", "default": 256, "description": "How many tokens an answer has at most."},
    "temperature": numbers(0, 5, default=0.6, description="How much is left to chance."),
    "seed": {"type": "integer", "minimum": 1, "maximum": 9999999999, "description": "What chance begins with."},
}
PROMPT: Schema = text(minLength=1, description="What the model answers.")
MESSAGE: Schema = {
    "type": "object",
    "properties": {"role": text(description="Who speaks."), "content": text(description="What is said.")},
    "required": ["role", "content"],
}
ANSWER: Schema = {
    "oneOf": [
        {"type": "object", "contentType": "application/json", "properties": {"response": text()}},
        {"type": "string", "contentType": "text/event-stream", "format": "binary"},
    ]
}


def asked(*forms: Schema, keyword: str = "oneOf") -> dict[str, Any]:
    return {"type": "object", keyword: copy.deepcopy(list(forms))}


def prompt(**more: Any) -> dict[str, Any]:
    return {"properties": {"prompt": PROMPT, **SETTINGS, **more}, "required": ["prompt"]}


def messages(items: Schema = MESSAGE, **more: Any) -> dict[str, Any]:
    listed = {"type": "array", "items": items}
    return {"properties": {"messages": listed, **SETTINGS, **more}, "required": ["messages"]}


BATCH: Schema = {
    "title": "Async Batch",
    "type": "object",
    "properties": {"requests": {"type": "array", "items": asked(prompt(), messages())}},
}
PARTS: Schema = {
    "oneOf": [
        text(),
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": text(),
                    "text": text(),
                    "image_url": {"type": "object", "properties": {"url": text(pattern="^data:*")}},
                },
            },
        },
        {"type": "object", "properties": {"type": text(), "text": text()}},
    ]
}
SPOKEN: Schema = {"type": "object", "properties": {"role": text(), "content": PARTS}}
FORMAT: Schema = {
    "type": "object",
    "properties": {"type": text(enum=["json_object", "json_schema"]), "json_schema": {}},
}
BY_ROLE: Schema = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"role": text(enum=[role]), "content": or_null(text())},
            "required": ["role", "content"],
        }
        for role in ("system", "user", "assistant")
    ]
}
COMPLETION: Schema = {
    "type": "object",
    "properties": {"id": text(), "choices": {"type": "array", "items": {"type": "object"}}},
    "required": ["id", "choices"],
}
CHAT: Schema = {
    "temperature": or_null(numbers(0, 2), default=1),
    "top_p": or_null(numbers(0, 1), default=1),
    "max_tokens": or_null({"type": "integer"}),
    "seed": or_null({"type": "integer"}),
    "stop": or_null({"anyOf": [text(), {"type": "array", "items": text(), "minItems": 1, "maxItems": 4}]}),
    "reasoning_effort": or_null(text(enum=["low", "high"])),
    "stream": or_null({"type": "boolean"}, default=False),
}

PENALTIES: Schema = {
    "top_p": numbers(0, 1),
    "top_k": {"type": "integer", "minimum": 1, "maximum": 50},
    "repetition_penalty": numbers(0, 2),
    "frequency_penalty": numbers(-2, 2),
    "presence_penalty": numbers(-2, 2),
}
SHORT: Schema = {"max_tokens": {"type": "integer", "default": 16, "minimum": 1, "maximum": 32}}
TOOL: Schema = {
    "type": "object",
    "properties": {
        "name": text(),
        "description": text(),
        "parameters": {
            "type": "object",
            "properties": {"type": text(), "properties": {"type": "object"}},
            "required": ["type", "properties"],
        },
    },
    "required": ["name", "description", "parameters"],
}

SHAPES: Mapping[str, Schema] = {
    "untitled": {"input": asked(prompt(), messages()), "output": ANSWER},
    "titled-after-the-model": {
        "input": asked(
            {"title": "Acme_9B_It_Prompt", **prompt()}, {"title": "Acme_9B_It_Messages", **messages(SPOKEN)}
        ),
        "output": ANSWER,
    },
    "format-and-guided": {
        "input": asked(prompt(response_format=FORMAT, guided_json={"type": "object"}), messages(SPOKEN)),
        "output": ANSWER,
    },
    "a-batch-that-requires-nothing": {
        "input": asked(prompt(), messages(), BATCH),
        "output": {"oneOf": [*ANSWER["oneOf"], {"type": "object", "properties": {"request_id": text()}}]},
    },
    "forms-in-forms": {
        "input": {
            "oneOf": [
                asked({"title": "Prompt", **prompt()}, {"title": "Messages", **messages()}),
                {
                    "type": "object",
                    "title": "Responses",
                    "properties": {"input": {"anyOf": [text(), {"type": "array", "items": {}}]}},
                    "required": ["input"],
                },
                {**BATCH, "required": ["requests"]},
            ]
        },
        "output": {"oneOf": [{"type": "object"}, {"type": "string", "format": "binary"}]},
    },
    "chat-completions": {
        "input": {
            "anyOf": [
                asked(
                    {"title": "Prompt", "properties": {"prompt": PROMPT, **CHAT}, "required": ["prompt"]},
                    {
                        "title": "Messages",
                        "properties": {"messages": {"type": "array", "minItems": 1, "items": BY_ROLE}, **CHAT},
                        "required": ["messages"],
                    },
                ),
                {**BATCH, "required": ["requests"]},
            ]
        },
        "output": {"oneOf": [COMPLETION, {"type": "string", "format": "binary"}]},
    },
    "forms-with-defaults-and-bounds-of-their-own": {
        "input": asked(
            prompt(**PENALTIES),
            messages(
                **PENALTIES,
                max_tokens={"type": "integer", "default": 512},
                temperature=numbers(0, 2, default=1),
            ),
        ),
        "output": ANSWER,
    },
    "streamed-unless-told-otherwise": {
        "input": asked(prompt(stream={"type": "boolean", "default": True}), messages()),
        "output": ANSWER,
    },
    "short-answers": {
        "input": asked(prompt(**PENALTIES, **SHORT), messages(**PENALTIES, **SHORT)),
        "output": ANSWER,
    },
    "limits-that-exclude-small-ones": {
        "input": {"type": "object", **messages(max_tokens={"type": "integer", "minimum": 16, "maximum": 4096})},
        "output": ANSWER,
    },
    "limits-in-a-list": {
        "input": {"type": "object", **messages(max_tokens={"type": "integer", "enum": [64, 128, 256]})},
        "output": ANSWER,
    },
    "a-limit-that-is-required": {
        "input": {
            "type": "object",
            "properties": prompt(max_tokens={"type": "integer", "minimum": 1, "maximum": 500})["properties"],
            "required": ["prompt", "max_tokens"],
        },
        "output": ANSWER,
    },
    "multiples": {
        "input": {
            "type": "object",
            **messages(
                max_tokens={"type": "integer", "minimum": 2, "maximum": 8192, "multipleOf": 2, "default": 256},
                top_k={"type": "integer", "minimum": 3, "maximum": 48, "multipleOf": 5},
                warmth={"type": "number", "exclusiveMinimum": 0, "maximum": 0.9, "multipleOf": 0.25},
            ),
        },
        "output": ANSWER,
    },
    "no-small-top-k": {
        "input": {
            "type": "object",
            **messages(
                top_k={"type": "integer", "minimum": 10, "maximum": 40},
                temperature=numbers(0.3, 0.9),
            ),
        },
        "output": ANSWER,
    },
    "top-k-that-may-be-off": {
        "input": {"type": "object", **messages(top_k={"type": "integer", "minimum": -1, "maximum": 50})},
        "output": ANSWER,
    },
    "always-a-stream": {
        "input": {"type": "object", **messages(stream={"type": "boolean", "const": True, "default": True})},
        "output": ANSWER,
    },
    "never-a-stream": {
        "input": {"type": "object", **messages(stream={"type": "boolean", "const": False, "default": False})},
        "output": ANSWER,
    },
    "what-comes-together-and-what-is-unlike": {
        "input": {
            "type": "object",
            "dependentRequired": {"top_logprobs": ["logprobs"]},
            **messages(
                logprobs={"type": "boolean"},
                top_logprobs={"type": "integer", "minimum": 0, "maximum": 5},
                stop={"type": "array", "items": text(minLength=1), "maxItems": 4, "uniqueItems": True},
            ),
        },
        "output": ANSWER,
    },
    "another-answer": {
        "input": {"type": "object", **prompt()},
        "output": {
            "type": "object",
            "properties": {
                "generated_text": text(),
                "scores": {"type": "array", "minItems": 1, "items": numbers(1, 2)},
            },
            "required": ["generated_text", "scores"],
        },
    },
    "names-of-its-own": {
        "input": {
            "type": "object",
            "properties": {
                "messages": {"type": "array", "items": MESSAGE},
                "max_completion_tokens": {"type": "integer", "minimum": 1, "default": 300},
                **{name: schema for name, schema in SETTINGS.items() if name != "max_tokens"},
            },
            "required": ["messages"],
        },
        "output": COMPLETION,
    },
    "tools-of-any-kind": {
        "input": asked(messages(tools={"type": "array", "items": TOOL}), prompt()),
        "output": {"type": "object", "properties": {"response": text(), "tool_calls": {"type": "array"}}},
    },
    "one-form": {
        "input": {"type": "object", **messages()},
        "output": {"type": "object", "properties": {"response": text()}},
    },
    "shared-parameters": {
        "input": {
            "type": "object",
            "properties": {**prompt()["properties"], **messages()["properties"]},
            "anyOf": [{"required": ["prompt"]}, {"required": ["messages"]}],
        }
    },
    "references": {
        "input": {
            "$defs": {
                "message": {**MESSAGE, "additionalProperties": False},
                "tree": {"type": "object", "properties": {"child": {"$ref": "#/$defs/tree"}}},
                "warmth": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 2},
            },
            "allOf": [
                {
                    "type": "object",
                    "properties": {"messages": {"type": "array", "items": {"$ref": "#/$defs/message"}}},
                },
                {"properties": {**SETTINGS, "temperature": {"$ref": "#/$defs/warmth", "default": 1}}},
                {
                    "properties": {
                        "tree": {"$ref": "#/$defs/tree"},
                        "kind": {"const": "chat"},
                        "step": {"multipleOf": 0.5},
                    }
                },
                {"required": ["messages"]},
            ],
        },
        "output": {"type": "object", "properties": {"response": text()}, "required": ["response"]},
    },
    "closed": {
        "input": {"type": "object", **prompt(user=text(pattern="^[a-z]+$")), "additionalProperties": False},
        "output": {"type": "object", "properties": {"response": text()}, "required": ["response"]},
    },
    "draft-4": {
        "input": {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "type": "object",
            **prompt(temperature={"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 1}),
        },
        "output": {"type": "object", "properties": {"response": text()}},
    },
    "no-text-generation": {
        "input": asked(
            {"title": "Query", "properties": {"query": text(minLength=1)}, "required": ["query"]},
            {
                "title": "Embedding",
                "properties": {"text": {"oneOf": [text(), {"type": "array", "items": text(), "maxItems": 100}]}},
                "required": ["text"],
            },
        ),
        "output": {"type": "object", "properties": {"data": {"type": "array", "items": {"type": "number"}}}},
    },
    "an-image-to-tell-about": {
        "input": {
            "oneOf": [
                {"type": "string", "format": "binary"},
                {
                    "type": "object",
                    "properties": {"prompt": text(), "image": {"type": "array", "items": {"type": "number"}}},
                    "required": ["image"],
                },
            ]
        },
        "output": {"type": "object", "properties": {"description": text()}},
    },
}
"""Pairs of schemas by what is special about them."""

PICTURE: Schema = {
    "input": {"type": "object", "properties": {"prompt": PROMPT}, "required": ["prompt"]},
    "output": {"type": "string", "contentType": "image/png", "format": "binary"},
}
"""What a model that paints takes and gives."""
