"""Times in words."""

from __future__ import annotations

import pytest

from reconciler.core.spans import minute, span

SPANS = {0: "0s", 8.9: "8s", 60: "1m", 161: "2m41s", 1200: "20m", 3600: "1h", 7500: "2h05m", 93_784: "1d02h", -5: "0s"}


@pytest.mark.parametrize(("seconds", "said"), SPANS.items())
def test_a_span_in_words(seconds, said):
    assert span(seconds) == said


def test_a_moment_to_the_minute():
    assert minute(1_795_175_999.0) == "2026-11-20 11:59 UTC"
