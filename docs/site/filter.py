#!/usr/bin/env python3
"""usage: filter.py FILE

What Doxygen reads in place of FILE: a header with its first comment as the file's documentation and its declarations
in the group that groups.txt names; a page whose headings have the anchors that GitHub gives them and whose links work
on the site.
Only the first line of headers moves, so warnings name the right line or the next.
"""
import os
import re
import sys

SITE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(SITE))
OPENS = ("TERN_BEGIN_NAMESPACE", "TERN_BEGIN_VOCABULARY")
LANGUAGES = {"python": "py"}
CLOSES = ("TERN_END_NAMESPACE", "TERN_END_VOCABULARY")


def group_of(header):
    with open(os.path.join(SITE, "groups.txt"), encoding="utf-8") as table:
        for line in table:
            words = line.split()
            if len(words) == 2 and words[1] == header:
                return words[0]
    return None


def macro_lists(lines):
    """Lists as `#define TERN_CODES(X) X(binary, ...) X(ternary, ...)`: the first argument of every X."""
    text = "\n".join(lines).replace("\\\n", " ")
    found = re.findall(r"^#define (TERN_\w+)\(X\) (.*)$", text, re.M)
    return {name: re.findall(r"\bX\((\w+)", body) for name, body in found}


def header(path, lines):
    group = group_of(os.path.relpath(path, os.path.join(ROOT, "include", "tern")).replace(os.sep, "/"))
    leading = True
    with open(os.path.join(ROOT, "include", "tern", "core", "levels.hpp"), encoding="utf-8") as levels:
        lists = macro_lists(lines + levels.read().split("\n"))
    out = ["/// @file"]
    for line in lines:
        use = re.match(r"\s*(TERN_\w+)\((TERN_\w+)\)$", line)
        if use and use[1] in lists:  # Doxygen does not expand lists of macros
            line = ", ".join(lists[use[1]]) if use[2].endswith("_ENUMERATOR") else ""
        elif re.match(r"#(define|undef) TERN_\w+_ENUMERATOR\b", line):
            line = ""  # it would end the enum
        leading = leading and line.startswith("//")
        if leading:
            line = "///" + line.lstrip("/")
        elif "tern::v1::" in line:
            line = line.replace("tern::v1::", "tern::")  # the inline namespace
        elif group and line in OPENS:
            line += " /** @addtogroup %s\n@{ */" % group
        elif group and line in CLOSES:
            line = "/** @} */ " + line
        out.append(line)
    return out


def slug(heading):
    """The anchor of a heading at GitHub."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def name_of(path):
    return re.sub(r"\W", "_", os.path.splitext(os.path.relpath(path, ROOT))[0])


def pages():
    """The pages of the site: as in the Doxyfile."""
    names = ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
    names += [os.path.join("docs", n) for n in os.listdir(os.path.join(ROOT, "docs")) if n.endswith(".md")]
    return {os.path.join(ROOT, n) for n in names}


def link(folder, text, target):
    """A link as the site has it; to what the site does not have, the text and the file's name."""
    if re.match(r"[a-z]+:", target):
        return "[%s](%s)" % (text, target)
    file, _, anchor = target.partition("#")
    there = os.path.normpath(os.path.join(folder, file))
    if there in pages():
        return "@ref %s \"%s\"" % (name_of(there) + ("_" + anchor if anchor else ""), text.replace('"', "'"))
    if file.endswith((".svg", ".png")):
        return "[%s](%s)" % (text, os.path.basename(file))
    name = os.path.relpath(there, ROOT)
    return text if name in text or text in name else "%s (%s)" % (text, name)


def page(path, lines):
    folder = os.path.dirname(path)
    out = []
    fenced = False
    for line in lines:
        if line.startswith("```"):
            fenced = not fenced
            line = re.sub(r"^```(\w+)$", lambda m: "```{.%s}" % LANGUAGES.get(m[1], m[1]), line)
        elif not fenced and not line.startswith("    "):
            heading = re.match(r"(#+) (.*)", line)
            if heading and heading[1] == "#":
                line = "%s {#%s}" % (line, name_of(path))
            elif heading:
                line = "%s {#%s_%s}" % (line, name_of(path), slug(heading[2]))
            else:
                line = re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", lambda m: link(folder, m[1], m[2]), line)
        out.append(line)
    return out


def own_page(lines):
    """A page of the site's own: names of the API as references, of which Doxygen says where they lead nowhere."""
    out = []
    fenced = False
    for line in lines:
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            line = re.sub(r"tern::([a-z_0-9]+)", r'@ref tern::\1 "\1"', line)
        out.append(line)
    return out


def main():
    path = os.path.abspath(sys.argv[1])
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if path.endswith(".hpp"):
        lines = header(path, lines)
    elif path in pages():
        lines = page(path, lines)
    elif path.endswith(".md"):
        lines = own_page(lines)
    sys.stdout.reconfigure(encoding="utf-8")
    print("\n".join(lines))


main()
