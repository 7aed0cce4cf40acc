"""The file that keeps the last result of each stage of `make test-all`, so that a run of hours may
come in parts.

A stage is one line, `name: counts (seconds) at commit`, and an indented line for each case that did
not pass; or `name: not run`.
"""

import subprocess

import source_tree

NOT_RUN = ": not run"
HEADER = "# The last result of each stage of `make test-all`, and the commit that it ran at.\n"


def commit(result):
    """Of the checkout, marked when files beside the result itself differ from it."""

    def git(*words):
        command = ["git", "-C", str(source_tree.ROOT), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    lines = git("status", "--porcelain", "--untracked-files=no").splitlines()
    changed = {source_tree.ROOT / line.split(maxsplit=1)[1] for line in lines}
    is_changed = bool(changed - {result.resolve()})
    return git("rev-parse", "--short=10", "HEAD") + (" with changes" if is_changed else "")


def read(path):
    """Stage that has run -> its lines."""
    stages = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in lines:
        if line.startswith("  "):
            stages[next(reversed(stages))].append(line)
        elif line and not line.startswith("#") and not line.endswith(NOT_RUN):
            stages[line.split(":")[0]] = [line]
    return stages


def update(path, stage, closing_line, listing, order):
    """Puts in the result of one stage; those of the others stay. `order`: names of all stages."""
    stages = read(path)
    stages[stage] = [f"{closing_line} at {commit(path)}", *(f"  {line}" for line in listing)]
    lines = [line for name in order for line in stages.get(name, [name + NOT_RUN])]
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
