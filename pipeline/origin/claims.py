"""Claims: what must happen once is claimed by a ref on the origin, created by a push that is not forced."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.errors import InvalidInput
from pipeline.origin.git import GitClone, GitOrigin, attempts
from pipeline.origin.shared_clone import shared_clone

# A narrower alphabet than git's own, so that a claim's name never needs quoting.
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


class Claims:
    """Decides who does what must happen only once: MLflow has no compare-and-set, and a git push is one."""

    def __init__(self, origin: str, home: Path) -> None:
        self._origin = GitOrigin(origin, home)

    def take(self, name: str, owner: str) -> bool:
        """Return whether the claim is this owner's now; taking it again is harmless.

        Raises:
            InvalidInput: the name makes no git ref, or the owner is empty.
            OutsideTrouble: the origin cannot be reached.
        """
        ref = _ref(name)
        if not owner.strip():
            raise InvalidInput(f"The claim {name!r} needs an owner, but got {owner!r}. Pass the run's name.")
        with shared_clone(self._origin) as clone:
            for _ in attempts():
                holder = _holder(clone, ref)
                if holder is not None:
                    return holder == owner.strip()
                # A root commit of its own: whatever holds the ref already, this push is no fast-forward of it.
                tree = clone.git("hash-object", "-w", "-t", "tree", "--stdin", stdin="").strip()
                commit = clone.git("commit-tree", tree, stdin=owner.strip()).strip()
                if clone.push(f"{commit}:{ref}"):
                    return True
        raise AssertionError  # unreachable: attempts() ends by raising

    def holder(self, name: str) -> str | None:
        """Return who holds a claim, or None."""
        with shared_clone(self._origin) as clone:
            return _holder(clone, _ref(name))


def _holder(clone: GitClone, ref: str) -> str | None:
    clone.fetch_matching(f"+{ref}*:{ref}*")  # a pattern, so that a claim nobody took is no error
    return clone.git("for-each-ref", "--format=%(contents)", ref).strip() or None


def _ref(name: str) -> str:
    if not NAME.fullmatch(name) or ".." in name or name.endswith((".lock", ".")):
        raise InvalidInput(
            f"The claim {name!r} makes no git ref. Use letters, digits, '_', '-', '.' and '/', for example "
            f"version/demo/3f2a."
        )
    return f"refs/claims/{name}"
