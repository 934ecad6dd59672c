"""The only place that knows how Vast.ai spells things: its routes, fields, limits and refusals."""
