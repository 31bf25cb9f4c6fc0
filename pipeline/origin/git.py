"""The data repository's git origin, reached by URL through the git command line."""

from __future__ import annotations

import logging
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import OutsideTrouble
from pipeline.origin.git_command import answer_of, git_trouble, run_git

logger = logging.getLogger(__name__)
RETRY_SECONDS = 90
STAGED = "refs/ncnc/staged"  # where a clone puts a commit that is about to be pushed

# What git answers when another push came first. Anything else that rejects (a hook, a permission) is trouble.
LOST_RACE = (
    "fetch first",
    "non-fast-forward",
    "already exists",
    "stale info",
    "failed to update ref",
    "cannot lock ref",
    "incorrect old value provided",
    "atomic push failed",
    "atomic transaction failed",
    "remote ref updated since checkout",
)


@dataclass(frozen=True)
class GitOrigin:
    """A repository at a URL; work that needs files on disk gets a private clone below home/tmp, removed afterwards.

    What only reads and appends text uses `shared_clone`, which is kept for the whole process.
    """

    url: str
    home: Path

    def refs(self, *patterns: str) -> dict[str, str]:
        """Return the refs that match, name to object id; a peeled annotated tag is not listed."""
        answer = run_git(None, "ls-remote", "--refs", self.url, *patterns)
        return {name: oid for oid, name in (line.split("\t") for line in answer.splitlines())}

    @contextmanager
    def clone(self) -> Iterator[GitClone]:
        """Give an empty private repository whose origin is this one; fetch into it what is needed."""
        parent = self.home / "tmp"
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="git-", dir=parent, ignore_cleanup_errors=True) as folder:
            yield self.new_clone(Path(folder) / "clone")

    def new_clone(self, path: Path) -> GitClone:
        """Make an empty repository at a path, whose origin is this one."""
        # Without the template: sample hooks, which nobody reads, were half of the files to write and to remove again.
        run_git(None, "init", "--quiet", "--template=", "--initial-branch=main", str(path))
        return GitClone(path, self.url)


@dataclass(frozen=True)
class GitClone:
    """A private working copy, shallow: only the fetched commits are in it."""

    path: Path
    url: str

    def git(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a git command here and return its output."""
        return run_git(self.path, *arguments, stdin=stdin)

    def fetch(self, *refspecs: str) -> None:
        """Fetch the newest commit of each refspec, without its history."""
        self.git("fetch", "--quiet", "--no-tags", "--depth=1", self.url, *refspecs)

    def fetch_matching(self, *patterns: str) -> None:
        """Fetch the newest commit of whatever matches refspecs that are patterns; nothing may match.

        A ref that was fetched before and is gone from the origin is removed here too.
        """
        command = ("fetch", "--quiet", "--no-tags", "--prune", "--depth=1", self.url, *patterns)
        answer = answer_of(self.path, command, None)
        # Where nothing matches, a shallow fetch fails without a word.
        if answer.returncode != 0 and answer.stderr.strip():
            raise git_trouble(command, answer.stderr)

    def fetch_branch(self, branch: str) -> bool:
        """Check out the newest commit of a branch; False, with an empty working copy, where origin has none."""
        if not self.git("ls-remote", "--refs", self.url, f"refs/heads/{branch}"):
            self.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
            return False
        self.fetch(f"refs/heads/{branch}")
        self.git("checkout", "--quiet", "--force", "-B", branch, "FETCH_HEAD")
        return True

    def fetch_tip(self, branch: str) -> str | None:
        """Fetch a branch and return the id of its newest commit, None where origin has none; no files are written."""
        ref = f"refs/remotes/origin/{branch}"
        # A pattern, so that a repository without the branch is fetched without an error.
        self.fetch_matching(f"+refs/heads/{branch}*:{ref}*")
        return self.git("for-each-ref", "--format=%(objectname)", ref).strip() or None

    def fetch_history(self, branch: str) -> str | None:
        """Fetch a branch with its whole history; return the id of its newest commit, None where origin has none."""
        ref = f"refs/remotes/origin/{branch}"
        command = ("fetch", "--quiet", "--no-tags", self.url, f"+refs/heads/{branch}*:{ref}*")
        self.git(*command)
        return self.git("for-each-ref", "--format=%(objectname)", ref).strip() or None

    def local_refs(self, prefix: str) -> tuple[str, ...]:
        """Return the names of the refs fetched or made below a prefix, sorted."""
        return tuple(self.git("for-each-ref", "--format=%(refname)", prefix).splitlines())

    def contents(self, names: Sequence[str]) -> dict[str, str | None]:
        """Return the text at each `revision:path`, None where there is none; one process however many are asked."""
        answer = self.git("cat-file", "--batch", stdin="".join(f"{name}\n" for name in names))
        rest, found = answer.encode(errors="surrogateescape"), dict[str, str | None]()
        for name in names:
            header, _, rest = rest.partition(b"\n")
            if header.endswith((b" missing", b" ambiguous")):
                found[name] = None
                continue
            size = int(header.rpartition(b" ")[2])
            found[name] = rest[:size].decode(errors="surrogateescape")
            rest = rest[size + 1 :]
        return found

    def commit(self, message: str, *paths: str) -> None:
        """Commit the named paths; an unchanged tree makes a commit too, for it is an event of its own."""
        self.git("add", "--force", "--", *paths)
        self.git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)

    def commit_files(
        self, message: str, files: Mapping[str, str], *, onto: str | None, removed: Sequence[str] = ()
    ) -> str:
        """Commit texts by path on top of a commit, or as a first commit, and return the new commit's id.

        No working tree is touched, so that commits for several branches can go in one push.
        """
        stream = [
            f"commit {STAGED}\nmark :1\ncommitter ncnc <ncnc@localhost> now\n{_data(message)}",
            f"from {onto}\n" if onto else "",
            *(f"D {path}\n" for path in removed),
            *(f"M 100644 inline {path}\n{_data(text)}" for path, text in files.items()),
            "\nget-mark :1\n",
        ]
        return self.git("fast-import", "--quiet", "--force", "--date-format=now", stdin="".join(stream)).strip()

    def push(self, *refspecs: str) -> bool:
        """Push all refspecs or none, never by force; False where another push came first.

        Raises:
            OutsideTrouble: the origin cannot be reached, or refuses for another reason than a lost race.
        """
        command = ("push", "--porcelain", "--atomic", "--no-verify", self.url, *refspecs)
        answer = answer_of(self.path, command, None)
        if answer.returncode == 0:
            return True
        rejections = [line for line in answer.stdout.splitlines() if line.startswith("!")]
        said = answer.stdout + answer.stderr
        if rejections and any(reason in said for reason in LOST_RACE):
            logger.info("push lost a race: %s", rejections[0])
            return False
        raise git_trouble(command, said)


def attempts() -> Iterator[int]:
    """Count the tries of a lost race, each after a growing random pause, until patience ends.

    Raises:
        OutsideTrouble: the race was lost again and again.
    """
    deadline = time.monotonic() + RETRY_SECONDS
    attempt = 0
    while time.monotonic() < deadline:
        yield attempt
        attempt += 1
        time.sleep(random.uniform(0, min(0.05 * 2**attempt, 1.0)))  # noqa: S311 - a pause, no secret
    raise OutsideTrouble(
        f"The data repository's origin changed under {attempt} pushes in {RETRY_SECONDS} s. "
        f"Try again; if it stays so, look for a writer that loops."
    )


def _data(text: str) -> str:
    return f"data {len(text.encode(errors='surrogateescape'))}\n{text}\n"
