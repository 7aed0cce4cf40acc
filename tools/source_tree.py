"""The files of the repository, and C++ and Rust text with comments and literals blanked out."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent

# One alternative per thing that is not code. Rust lifetimes ('a) are no character literals, and
# apostrophes in C++ numbers (1'000) open none.
_NOT_CODE = re.compile(
    r"""
    //[^\n]*
  | /\*.*?\*/
  | \b(?:u8|u|U|L)?R"(?P<cpp_tag>[^\s()\\]{0,16})\(.*?\)(?P=cpp_tag)"
  | \bb?r(?P<rust_tag>\#*)".*?"(?P=rust_tag)
  | "(?:\\.|[^"\\\n]|\\\n)*"
  | (?<![0-9a-fA-F])b?'(?:\\[^\n]{1,10}?|[^'\\\n])'
    """,
    re.VERBOSE | re.DOTALL,
)


def files(*suffixes, root=ROOT):
    """Tracked and new files that git does not ignore, relative to `root`, as sorted paths."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    paths = {pathlib.PurePosixPath(name) for name in listing.split("\0") if name}
    return sorted(
        path
        for path in paths
        if (not suffixes or path.suffix in suffixes) and (root / path).is_file()
    )


def blank_literals(text):
    """`text` with comments and literals replaced by spaces; line breaks stay where they are."""
    return _NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def blank_comments(text):
    """Like blank_literals, but literals stay."""

    def blank(match):
        if match.group().startswith(("//", "/*")):
            return re.sub(r"[^\n]", " ", match.group())
        return match.group()

    return _NOT_CODE.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def report(problems, what):
    """Prints the problems and a closing line; returns the exit code."""
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems)} problems" if problems else f"{what}: ok")
    return 1 if problems else 0
