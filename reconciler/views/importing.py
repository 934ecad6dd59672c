"""What `import` wrote, for a person and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.importing import Group, Left
from reconciler.core.text import safe
from reconciler.views.document import FORMAT, VERSION
from reconciler.views.parts import Document, value
from reconciler.views.wording import money, plural

Row = tuple[str, Group]
"""A file and what it describes."""


def import_lines(rows: Sequence[Row], left: Sequence[Left]) -> Iterator[str]:
    """A line for each spec, then what none was written for."""
    if not rows and not left:
        yield "There is no unmanaged instance to describe."
    for file, group in rows:
        ids = ", ".join(str(instance.id) for instance in group.instances)
        count, cap = plural(len(group.instances), "instance"), money(group.max_per_hour)
        yield f"wrote {file}  fleet {group.name}, {count} ({ids}), each at most {cap}"
    for one in left:
        yield f"not described: instance {one.instance_id}, {safe(one.why, 200)}"


def import_document(rows: Sequence[Row], left: Sequence[Left]) -> Document:
    """The same for machines."""
    written = [
        {
            "file": file,
            "fleet": group.name,
            "instances": [instance.id for instance in group.instances],
            "max_per_hour": value(group.max_per_hour),
        }
        for file, group in rows
    ]
    refused = [{"instance": one.instance_id, "why": safe(one.why, 200)} for one in left]
    return {"format": FORMAT, "version": VERSION, "command": "import", "written": written, "not_described": refused}
