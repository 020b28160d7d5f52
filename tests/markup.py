"""Pages and Markdown as they are read, for the tests of reports."""

from __future__ import annotations

from html.parser import HTMLParser

from markdown_it import MarkdownIt
from records import EVIL

BREAKS = [
    EVIL,
    "``` \n```\n# up\n~~~\n",
    "`one` ``two`` ````four```` `",
    "a | b \\| c \\\\| d\n| e | f |",
    "@user #123 GH-1 owner/repo#5 @org/team a@b.example :smile: deadbeef deadbee",
    "https://evil.example www.evil.example [link](https://evil.example) ![img](x) <https://evil.example>",
    "</summary></details><!-- <details> --> <script>alert(1)</script>",
    "\n\n---\n\n* * *\n\n1. x\n\n    code\n\n> quote\n\n[ref]: https://evil.example\n\n$$x$$ $`y`$",
    "**bold** _em_ ~~gone~~ \\` trailing\\",
    "`",
    " ` ",
    "   ",
]
"""Texts that would break out of a code span, a fence, a table or a list."""


def tokens(text):
    """The tokens of a Markdown text, those within others too."""
    parsed = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    return [child for token in parsed for child in (token, *(token.children or ()))]


class Page(HTMLParser):
    """The elements, ids and links of a page, its text, and the text of its sections and boxes."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tags, self.ids, self.attributes = [], [], []
        self.text, self.headings, self._open = [], [], []
        self.misnested = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.misnested.append(tag)

    def handle_data(self, data):
        if {"style", "script"} & set(self._open):
            return
        self.text.append(data)
        if self._open and self._open[-1] == "h2":
            self.headings.append(data.strip())

    @property
    def whole(self):
        return "".join(self.text)
