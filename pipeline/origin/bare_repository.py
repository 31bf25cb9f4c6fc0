"""A bare git repository on this machine that keeps what it was given: settings, and a hook that git runs at each push.

`python -m pipeline.origin.bare_repository PATH` makes or equips one, as the git service of the compose stack does.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

from ncnc_core.whole_file import whole_file

HOOK = Path(__file__).with_name("update_hook.sh")
OURS = "# ncnc: "  # in our hook, of any version
SETTINGS = ("receive.denyNonFastForwards", "receive.denyDeletes")
logger = logging.getLogger(__name__)


def equip(path: Path, *, branch: str = "main") -> None:
    """Make a bare repository where there is none, and see to it that no push takes anything back.

    Branches move forward only; tags and claims are neither moved nor deleted; ledger and journal only grow. A hook of
    somebody else is left as it is, with a warning.
    """
    if not path.exists():
        subprocess.run(["git", "init", "--quiet", "--bare", f"--initial-branch={branch}", str(path)], check=True)
    for setting in SETTINGS:
        subprocess.run(["git", "-C", str(path), "config", setting, "true"], check=True)
    hook = path / "hooks" / "update"
    found = hook.read_text() if hook.is_file() else ""
    if found and OURS not in found:
        logger.warning("%s is not ours and stays; let it run %s as well, with the same arguments", hook, HOOK)
    elif found != HOOK.read_text():
        hook.parent.mkdir(exist_ok=True)
        with whole_file(hook) as staged:
            staged.write_text(HOOK.read_text())
            staged.chmod(0o755)


if __name__ == "__main__":
    equip(Path(sys.argv[1]))
