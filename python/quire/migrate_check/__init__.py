"""quire migrate-check: what becomes of a script or a command line that was written for vLLM.

Every import, variable, argument and method of vLLM's that a script names is tried on this package,
and what it says is printed. The script is read, not run.
"""

from quire.migrate_check.command import check_line, check_script, main
from quire.migrate_check.finding import Finding
from quire.migrate_check.script import Script

__all__ = ["Finding", "Script", "check_line", "check_script", "main"]
