"""A ref as a place to keep files: read whole, and swapped from one commit to the next or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.errors import Busy, NotSaved
from reconciler.ledger.git.program import Answer, Git
from reconciler.ledger.git.remote import NAME, Remote

_BASE = "refs/ledger/base"
_MOST_BYTES = 64 * 1024 * 1024
"""No ledger is larger: what is, is not read."""
_ENTRY = re.compile(rb"100(?:644|755) blob ([0-9a-f]+) +([0-9]+)\t(.+)", re.DOTALL)
_TELLING = re.compile(r"^(?:fatal:|error:|remote:|!)", re.MULTILINE)
_MAY_NOT = "give this run the right to push there (GitHub: `contents: write`), or set RECONCILE_LEDGER to a file"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call of git may take, in seconds."""

    fetch_s: float = 30.0
    push_s: float = 20.0
    ask_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit: its object and its size."""

    blob: str
    size: int


@dataclass(frozen=True, slots=True)
class Tip:
    """What the ref pointed to when it was seen last; `commit` None: there was no such ref."""

    commit: str | None = None
    entries: Mapping[str, Entry] = field(default_factory=dict)


@dataclass(slots=True)
class Ref:
    """One ref of a remote repository, and a bare repository in a temporary folder to work in."""

    git: Git
    remote: Remote
    name: str
    writer: str
    """Random, and written into each commit: no two writers ever make the same one."""
    chain: int = 256
    """After so many commits one has no parent, so that the other side may forget the older ones."""
    patience: Patience = field(default_factory=Patience)

    @property
    def shown(self) -> str:
        """How the ledger is called in messages."""
        return f"git:{self.remote.shown}#{self.name}"

    # --- reading ----------------------------------------------------------------------------------

    def fetch(self) -> Tip:
        """What is there now. Raises `NotSaved` where that cannot be read."""
        answer = self.git.run(
            *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1"),
            *(NAME, f"+{self.name}:{_BASE}"),
            within_s=self.patience.fetch_s,
        )
        if answer.good:
            return self._tip()
        if self._standing(answer) is None:
            return Tip()
        raise self._unreachable(answer)

    def _tip(self) -> Tip:
        commit = self.git.run("rev-parse", "--verify", "--quiet", f"{_BASE}^{{commit}}").out.decode().strip()
        listed = self.git.run("ls-tree", "-r", "-l", "-z", "--full-tree", _BASE)
        found = [_ENTRY.fullmatch(line) for line in listed.out.split(b"\0")]
        entries = {m[3].decode("utf-8", "replace"): Entry(m[1].decode(), int(m[2])) for m in found if m}
        return Tip(commit or _BASE, entries if commit and listed.good else {})

    def read(self, tip: Tip, paths: Iterable[str]) -> dict[str, bytes]:
        """Those of the files that are there; `ValueError` where they are too large for a ledger."""
        wanted = [path for path in paths if path in tip.entries]
        if sum(tip.entries[path].size for path in wanted) > _MOST_BYTES:
            raise ValueError("too large for a ledger")
        asked = "".join(f"{tip.entries[path].blob}\n" for path in wanted).encode()
        rest, files = self.git.run("cat-file", "--batch", stdin=asked).out, {}
        for path in wanted:
            head, _, rest = rest.partition(b"\n")
            size = tip.entries[path].size
            if not head.endswith(b" blob %d" % size) or len(rest) <= size:
                raise ValueError("cannot be read")
            files[path], rest = rest[:size], rest[size + 1 :]
        return files

    # --- writing ----------------------------------------------------------------------------------

    def swap(self, tip: Tip, changes: Mapping[str, bytes | None], epoch: int) -> Tip:
        """Put the next commit in the place of `tip`: its files with `changes`, None for a file that goes.

        Raises `Busy` where the ref is not what it was, and `NotSaved` where it could not be written or nobody knows.
        """
        commit = self._commit(tip, changes, epoch)
        if tip.commit is not None and epoch % self.chain == 0:
            alone = self._without_parent(commit, epoch)
            if self._is_taken(tip.commit, alone):
                return self._after(tip, alone, changes)
        self._push(tip.commit, commit)
        return self._after(tip, commit, changes)

    def _is_taken(self, old: str, alone: str) -> bool:
        """Whether the other side takes a commit without a parent; some insist that a ref only moves forward."""
        try:
            self._push(old, alone)
        except NotSaved:
            return False
        return True

    def _commit(self, tip: Tip, changes: Mapping[str, bytes | None], epoch: int) -> str:
        stream = b"".join(_stream(tip, changes, self._message(epoch)))
        words = ("fast-import", "--quiet", "--done", "--force", "--date-format=now")
        return self._made(self.git.run(*words, stdin=stream))

    def _without_parent(self, commit: str, epoch: int) -> str:
        message = self._message(epoch)
        return self._made(self.git.run("commit-tree", f"{commit}^{{tree}}", stdin=message))

    def _message(self, epoch: int) -> bytes:
        return f"The ledger of reconcile, save {epoch}\n\nWriter: {self.writer}\n".encode()

    def _made(self, answer: Answer) -> str:
        made = answer.out.decode("ascii", "replace").strip()
        if not answer.good or not re.fullmatch(r"[0-9a-f]{40,64}", made):
            why = self.remote.cleaned(answer.err)
            raise NotSaved(f"the ledger {self.shown} cannot be prepared here: {why}", hint="free some space")
        return made

    def _after(self, tip: Tip, commit: str, changes: Mapping[str, bytes | None]) -> Tip:
        kept = {path: entry for path, entry in tip.entries.items() if path not in changes}
        new = {path: Entry(f"{commit}:{path}", len(body)) for path, body in changes.items() if body is not None}
        return replace(tip, commit=commit, entries={**kept, **new})

    def _push(self, old: str | None, new: str) -> None:
        """Compare and swap. What an answer leaves open is settled by asking what stands there; where that is the old
        value, the same commit is sent once more, which makes no difference to one that is still on its way."""
        words = ("push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no")
        lease = f"--force-with-lease={self.name}:{old or ''}"
        answer = Answer(None, b"", "")
        for _ in range(2):
            answer = self.git.run(*words, lease, NAME, f"{new}:{self.name}", within_s=self.patience.push_s)
            standing = new if answer.good else self._standing(answer)
            if standing == new:
                return
            if standing != old:
                message = "another run has written to the ledger since this one read it"
                raise Busy(message, hint="run again when it is done")
        raise NotSaved(f"the ledger {self.shown} cannot be written: {self._why(answer)}", hint=_MAY_NOT)

    def _standing(self, before: Answer) -> str | None:
        """The commit that the ref points to, None where there is none. Raises `NotSaved` when nobody answers."""
        answer = self.git.run("ls-remote", NAME, self.name, within_s=self.patience.ask_s)
        if not answer.good:
            raise self._unreachable(before)
        lines = (line.split("\t") for line in answer.out.decode("utf-8", "replace").splitlines())
        return next((words[0] for words in lines if words[1:] == [self.name]), None)

    def _unreachable(self, answer: Answer) -> NotSaved:
        hint = f"see whether this works here: git ls-remote {self.remote.shown}"
        return NotSaved(f"the ledger {self.shown} cannot be reached: {self._why(answer)}", hint=hint)

    def _why(self, answer: Answer) -> str:
        """The first telling line of what git said."""
        said = [*answer.err.splitlines(), *answer.out.decode("utf-8", "replace").splitlines()]
        telling = [line for line in said if _TELLING.match(line)]
        return self.remote.cleaned((telling or said or ["git does not say why"])[0])


def _stream(tip: Tip, changes: Mapping[str, bytes | None], message: bytes) -> Sequence[bytes]:
    """One commit in the language of `git fast-import`."""
    head = b"commit refs/ledger/next\nmark :1\ncommitter reconcile <reconcile@localhost> now\n"
    parts = [head, b"data %d\n%s\n" % (len(message), message)]
    if tip.commit is not None:
        parts.append(b"from %s\n" % tip.commit.encode())
    for path, body in changes.items():
        if body is not None:
            parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(body), body))
        elif path in tip.entries:
            parts.append(b"D %s\n" % path.encode())
    return [*parts, b"\nget-mark :1\ndone\n"]
