"""Templates that were found, for a person and for machines."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.template import Template
from reconciler.core.text import safe
from reconciler.views.document import FORMAT, VERSION
from reconciler.views.markup import shortened
from reconciler.views.parts import Document, maybe, value

MOST_ROWS = 50
"""So many are shown to a person; of more, their number."""

_HEAD = ("hash", "name", "image", "creator", "connect", "disk")


def templates_document(words: str, templates: Sequence[Template]) -> Document:
    """The templates in their order, with what a spec needs of each."""
    rows = [_parts(template) for template in templates]
    return {"format": FORMAT, "version": VERSION, "command": "templates", "words": words, "templates": rows}


def _parts(template: Template) -> Document:
    return {
        "hash": template.hash,
        "name": template.name,
        "image": template.image,
        "creator": template.creator,
        "connect": None if template.connect is None else list(template.connect),
        "recommended_disk_gb": maybe(template.disk_gb),
    }


def templates_text(words: str, templates: Sequence[Template]) -> str:
    """A table, the best match first, and the line that a spec takes."""
    if not templates:
        return f"No template in common use has {safe(words)} in its name or image, and none is called so."
    table = [_HEAD, *map(_cells, templates)]
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEAD))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join(
        [*shortened(lines, MOST_ROWS + 1), "", f"In a spec: container: {{vast_template: {templates[0].hash}}}"]
    )


def _cells(template: Template) -> tuple[str, ...]:
    ways = "?" if template.connect is None else ", ".join(template.connect)
    disk = "?" if template.disk_gb is None else f"{value(template.disk_gb)} GB"
    creator = "?" if template.creator is None else str(template.creator)
    return template.hash, template.name, template.image or "?", creator, ways, disk
