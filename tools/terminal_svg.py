#!/usr/bin/env python3
"""Draws what a program printed to a terminal as an SVG picture.

Usage: script -qc 'COMMAND' /dev/null | python3 tools/terminal_svg.py 'COMMAND' > picture.svg
"""

import html
import re
import sys

COLUMNS = 100
LINE_HEIGHT = 18
COLORS = {"2": "#8b949e", "32": "#56d364", "33": "#e3b341", "31": "#ff7b72"}
ESCAPE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")


def cells(text):
    """The lines on the screen at the end: lists of (character, color)."""
    lines, column, color, at = [[]], 0, None, 0
    while at < len(text):
        match = ESCAPE.match(text, at)
        if match:
            if match[2] == "m":
                color = COLORS.get(match[1].lstrip("0"))
            elif match[2] == "K":
                del lines[-1][column:]
            at = match.end()
            continue
        character = text[at]
        at += 1
        if character == "\r":
            column = 0
        elif character == "\n":
            lines.append([])
            column = 0
        else:
            if column >= COLUMNS:
                lines.append([])
                column = 0
            lines[-1][column : column + 1] = [(character, color)]
            column += 1
    return lines


def spans(line):
    """SVG text of a line: one tspan for each run of a color."""
    out, at = "", 0
    while at < len(line):
        end = at
        while end < len(line) and line[end][1] == line[at][1]:
            end += 1
        run = html.escape("".join(character for character, _ in line[at:end]))
        out += f'<tspan fill="{line[at][1] or "#e6edf3"}">{run}</tspan>'
        at = end
    return out


def main():
    screen = cells(f"\x1b[32m$ \x1b[0m{sys.argv[1]}\n" + sys.stdin.read())
    while screen and not screen[-1]:
        screen.pop()
    width, height = COLUMNS * 8.5 + 32, len(screen) * LINE_HEIGHT + 28
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}">')
    print(f'<rect width="{width:g}" height="{height}" rx="8" fill="#0d1117"/>')
    print('<g font-family="monospace" font-size="14" xml:space="preserve">')
    for row, line in enumerate(screen):
        print(f'<text x="16" y="{28 + row * LINE_HEIGHT}">{spans(line)}</text>')
    print("</g></svg>")


if __name__ == "__main__":
    main()
