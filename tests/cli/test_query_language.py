"""The command line brings the marketplace's own language along, so that `host.query` is checked field by field."""

from __future__ import annotations

import pytest

from .project import Project

FLAWS = {
    "an unknown field": ("pcie_bandwidth>=10", "unknown-query-field"),
    "a misspelt field": ("pcie_wb>=10", "did you mean pcie_bw?"),
    "a field of the spec": ("gpu_name=RTX_4090", "use gpu.models instead"),
    "the price": ("dph<0.5", "use price.max_per_hour instead"),
    "what the search decides": ("verified=any", "host.require: []"),
    "memory in MB": ("gpu_ram>=24000", "query-value"),
}


@pytest.mark.parametrize(("text", "words"), FLAWS.values(), ids=FLAWS.keys())
def test_a_flawed_query_is_an_invalid_spec(project: Project, text: str, words: str) -> None:
    project.fleet(host__query=text)
    project.run("validate").assert_code(1, "host.query", words)


def test_a_query_of_the_official_client_is_valid(project: Project) -> None:
    project.fleet(host__query="disk_space>146 duration>24 gpu_ram>10 cuda_vers>=12.1 driver_version >= 535.86.05")
    project.run("validate").assert_success("1 fleet")
