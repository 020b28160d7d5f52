"""Cases that a contract states itself: the page's own calls, and its open questions."""

from __future__ import annotations

import json
from collections.abc import Iterator

from infercheck.cases import Aim, Case, Expectation, Request, Side
from infercheck.generate.builder import Builder

FIRST_CHUNKS = 8
"""How many chunks of an answer without end are read before the connection is closed."""


def examples(builder: Builder) -> Iterator[Case]:
    """The page's own calls, byte for byte."""
    for example in builder.contract.examples:
        yield Case(
            id=f"examples/{example.id.split('/', 1)[-1]}",
            title=example.title,
            expectation=Expectation.VALID,
            request=Request(
                body=example.body,
                content_type=example.content_type,
                stream=builder.streams(json.loads(example.body)),
            ),
            branch=_branch(builder, json.loads(example.body)),
            aims=(Aim(requirement=example.id, side=Side.VALID),),
        )


def open_questions(builder: Builder) -> Iterator[Case]:
    """Bodies that the page leaves open, one a question. Those that may never end are streamed and cut."""
    for question in builder.contract.open:
        body = question.body
        value = json.loads(body)
        streamed = {**value, builder.stream: True} if isinstance(value, dict) and builder.stream else value
        if question.endless and streamed is not value and builder.contract.oracle.is_valid(streamed):
            value = streamed
            body = json.dumps(value, ensure_ascii=False).encode()
        yield Case(
            id=question.id,
            title=question.title,
            expectation=Expectation.OPEN,
            request=Request(
                body=body,
                stream=builder.streams(value),
                stop_after=FIRST_CHUNKS if question.endless else None,
            ),
            branch=_branch(builder, value),
            aims=tuple(Aim(requirement=aim, side=Side.VALID) for aim in question.aims),
            question=question.id,
        )


def _branch(builder: Builder, body: object) -> str | None:
    for branch in builder.branches():
        if not builder.contract.oracle.broken(body, branch.steps):
            return builder.name(branch) or None
    return None
