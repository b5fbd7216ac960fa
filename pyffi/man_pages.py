"""Writes the manual pages of the C library, section 3, from the comments of mxgrad.h.

mxgrad(3) is the comment at the top of the header, its constants and types; each function has a page.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path


# functions whose int is no status of their own
NO_STATUS = {"mxg_version", "mxg_abi_version", "mxg_last_code", "mxg_set_error"}


@dataclass
class Item:
    """A declaration of the header and the comment before it; `name` is '' where it is no function."""

    name: str
    code: str
    text: str


@dataclass
class Section:
    title: str
    items: list[Item] = field(default_factory=list)


def sections(header: str) -> list[Section]:
    """The parts of the header, each of which begins with ``/* ---- title ---- */``."""
    found: list[Section] = []
    declared = header.split("/* MXG-BEGIN", 1)[1].split("*/", 1)[1].split("/* MXG-END", 1)[0]
    for part in re.split(r"^(?=/\* ---- )", declared, flags=re.M):
        title = re.match(r"/\* ---- (.*?) -*(?: \*/)?$", part.split("\n", 1)[0])
        section = Section(title[1] if title else "version")
        body = part.split("\n", 1)[1] if title else part
        pattern = r"(?:/\*(?P<text>(?:(?!\*/).)*)\*/\n)?(?P<code>[A-Za-z#](?:[^\n]*\n)+?)(?=\n|/\*|#|\Z)"
        for match in re.finditer(pattern, body, flags=re.S):
            code = match["code"].rstrip("\n")
            name = re.search(r"(\w+)\(", code) if code.startswith("MXG_API") else None
            section.items.append(Item(name[1] if name else "", code, comment_text(match["text"] or "")))
        found.append(section)
    return found


def comment_text(inner: str) -> str:
    """What a comment says, without the stars at the beginning of its lines."""
    return "\n".join(re.sub(r"^ \* ?", "", line).rstrip() for line in inner.strip().split("\n"))


# -- roff ------------------------------------------------------------------------------------------------


def escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"^\.", r"\\&.", text, flags=re.M)


def prose(text: str) -> str:
    """A paragraph: `names` in italics, functions and constants in bold."""
    def piece(match: re.Match[str]) -> str:
        name = match[0]
        return f"\\fI{escaped(name[1:-1])}\\fP" if name[0] == "`" else f"\\fB{name}\\fP"

    out, end = "", 0
    for match in re.finditer(r"`[^`\n]*`|\b(?:mxg_|MXG_)\w+\*?", text):
        out += escaped(text[end:match.start()]) + piece(match)
        end = match.end()
    return "\n".join(line.lstrip() for line in (out + escaped(text[end:])).split("\n"))


def roff(text: str) -> str:
    """Paragraphs, and code where lines are indented."""
    blocks = []
    code: list[str] = []
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("    "):
            code.append(paragraph)
            continue
        if code:
            blocks.append(example("\n\n".join(code)))
            code = []
        # an example may follow its introduction without an empty line
        words, _, follows = paragraph.partition("\n    ")
        blocks.append(".PP\n" + prose(words))
        if follows:
            blocks.append(example("    " + follows))
    if code:
        blocks.append(example("\n\n".join(code)))
    return "\n".join(blocks)


def example(code: str) -> str:
    lines = (re.sub("^    ", "", line) for line in code.split("\n"))
    return ".PP\n.RS 4\n.nf\n" + escaped("\n".join(lines)) + "\n.fi\n.RE"


def first_sentence(text: str) -> str:
    sentence = re.match(r".*?[.;](?=\s|$)|.+", " ".join(text.split()))
    return sentence[0].rstrip(".;").replace("`", "") if sentence else ""


def title(name: str, version: str) -> str:
    return f'.TH {name.upper()} 3 "" "mxgrad {version}" "mxgrad"'


def function_page(item: Item, section: Section, version: str) -> str:
    start = "MXG_API "
    prototype = item.code.replace("\n" + " " * len(start), "\n").removeprefix(start)
    text, _, errors = re.sub(r"\s+Errors: ", "\0", item.text).partition("\0")
    others = [i.name for i in section.items if i.name and i.name != item.name]
    also = ",\n".join(f".BR {name} (3)" for name in ["mxgrad", *others]).replace(",\n", " ,\n")
    status = prototype.startswith("int ") and item.name not in NO_STATUS
    return "\n".join([
        title(item.name, version),
        ".SH NAME", f"{item.name} \\- {escaped(first_sentence(text))}",
        ".SH SYNOPSIS", ".nf", "\\fB#include <mxgrad.h>\\fP", "", escaped(prototype), ".fi",
        ".SH DESCRIPTION", roff(text).removeprefix(".PP\n"),
        *([".SH RETURN VALUE",
           prose("MXG_OK, or the negative number of an error, which mxg_last_error describes.")]
          if status else []),
        *([".SH ERRORS", prose(errors)] if errors else []),
        ".SH SEE ALSO", also, "",
    ])


def overview(header: str, parts: list[Section], version: str) -> str:
    top = comment_text(header.split("/*", 1)[1].split("*/", 1)[0])
    line, _, body = top.partition("\n")
    lines = [
        title("mxgrad", version),
        ".SH NAME", "mxgrad \\- " + escaped(line.partition(" - ")[2]),
        ".SH SYNOPSIS", ".nf", "\\fB#include <mxgrad.h>\\fP", "",
        escaped("cc program.c $(mxgrad-config --cflags --libs)"), ".fi",
        ".SH DESCRIPTION", roff(body.strip("\n")).removeprefix(".PP\n"),
        ".SH FUNCTIONS",
    ]
    for part in parts:
        functions = [i for i in part.items if i.name]
        if functions:
            lines += [f".SS {escaped(part.title.capitalize())}"]
            for item in functions:
                lines += [".TP", f".BR {item.name} (3)", escaped(first_sentence(item.text)) + "."]
    lines.append(".SH CONSTANTS AND TYPES")
    for part in parts:
        for item in part.items:
            if not item.name:
                lines += [".PP", ".nf", escaped(item.code), ".fi"]
                if item.text:
                    lines += [".RS 4", roff(item.text).removeprefix(".PP\n"), ".RE"]
    lines += [".SH SEE ALSO", "The header \\fBmxgrad.h\\fP, which is this manual as one file,",
              "\\fBmxgrad_ops.h\\fP, which has a function for each operator, and",
              "\\fBmxgrad.hpp\\fP, which is for C++.", ""]
    return "\n".join(lines)


def pages(header: str, version: str) -> dict[str, str]:
    """The text of each page by the name of its file, for the text of mxgrad.h."""
    parts = sections(header)
    made = {"mxgrad.3": overview(header, parts, version)}
    for part in parts:
        for item in part.items:
            if item.name:
                made[f"{item.name}.3"] = function_page(item, part, version)
    return made


def write(header: str, version: str, directory: Path) -> None:
    """Writes the pages into a directory, from which pages of functions that are gone are removed."""
    directory.mkdir(parents=True, exist_ok=True)
    made = pages(header, version)
    for old in directory.glob("*.3"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (directory / name).write_text(text, encoding="utf-8")
