"""What every test may use: the recorded markets, and the rule that a skip is a failure where nothing may be skipped."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

NO_SKIPS = "RECONCILE_NO_SKIPS"
MARKET_DATA = "RECONCILE_MARKET_DATA"

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
"""A busy machine is no failure: nothing here is judged by how long it takes."""


@pytest.fixture(scope="module", autouse=True)
def _small_heap() -> None:
    """What is left for good, of imports and of earlier tests, is not searched again by each collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of recorded markets, which RECONCILE_MARKET_DATA names; the test is skipped without it."""
    named = os.environ.get(MARKET_DATA)
    if not named:
        pytest.skip(f"{MARKET_DATA} is not set: it names the folder of recorded markets")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"{MARKET_DATA} names {named}, which is not a folder")
    return folder.resolve()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two a core: many tests wait for processes and sockets."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for recorded markets carries the marker `recorded`, without having to say so."""
    for item in items:
        if "market_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.recorded)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With RECONCILE_NO_SKIPS=1 a run that skipped something has failed."""
    if _forbidden_skips(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the skips that made the run fail."""
    skips = _forbidden_skips(config)
    if skips:
        terminalreporter.section(f"skipped, which {NO_SKIPS} forbids", red=True)
        for report in skips:
            terminalreporter.line(f"{report.nodeid}: {_reason(report)}")


def _forbidden_skips(config: pytest.Config) -> list[pytest.TestReport]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    worker_of_xdist = hasattr(config, "workerinput")
    if os.environ.get(NO_SKIPS) != "1" or worker_of_xdist or reporter is None:
        return []
    return list(reporter.stats.get("skipped", []))


def _reason(report: pytest.TestReport) -> str:
    where = report.longrepr
    return str(where[2]) if isinstance(where, tuple) else str(where)
