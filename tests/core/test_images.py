"""Which images a pattern of the policy admits."""

from __future__ import annotations

import pytest

from reconciler.core.images import MAX_LENGTH, Reference, admitted, pattern_flaw, reference

PIN = "@sha256:" + "0a" * 32
OTHER_PIN = "@sha256:" + "0b" * 32

# sentence: (pattern, images it admits, images it does not)
PATTERNS = {
    "a whole name without a tag admits every tag and digest": (
        "ghcr.io/acme/june",
        ["ghcr.io/acme/june:1", f"ghcr.io/acme/june{PIN}", f"ghcr.io/acme/june:1{PIN}", "GHCR.IO/acme/june:1"],
        ["ghcr.io/acme/june2:1", "ghcr.io/acme/june/x:1", "acme/june:1", "ghcr.io.evil.com/acme/june:1"],
    ),
    "a star stays within its part": (
        "ghcr.io/acme/*",
        ["ghcr.io/acme/june:1", "ghcr.io/acme/july:1"],
        ["ghcr.io/acme/a/b:1", "ghcr.io/acme-evil/june:1", "ghcr.io/acme:1", "evil.io/ghcr.io/acme/june:1"],
    ),
    "a star inside a part": (
        "ghcr.io/acme/june-*",
        ["ghcr.io/acme/june-tts:1", "ghcr.io/acme/june-:1"],
        ["ghcr.io/acme/june:1", "ghcr.io/acme/june-a/b:1"],
    ),
    "two stars stand for one part or more": (
        "ghcr.io/acme/**",
        ["ghcr.io/acme/june:1", "ghcr.io/acme/a/b/c:1"],
        ["ghcr.io/acme:1", "ghcr.io/other/june:1"],
    ),
    "two stars in the middle": (
        "ghcr.io/**/june",
        ["ghcr.io/a/june:1", "ghcr.io/a/b/june:1"],
        ["ghcr.io/june:1", "ghcr.io/a/june/b:1"],
    ),
    "without a registry it is the Hub, under any of its names": (
        "acme/june",
        ["acme/june:1", "docker.io/acme/june:1", "index.docker.io/acme/june:1"],
        ["ghcr.io/acme/june:1", "june:1"],
    ),
    "the Hub written out": ("docker.io/acme/*", ["acme/june:1", "docker.io/acme/june:1"], ["library/june:1"]),
    "an official image of the Hub": ("ubuntu", ["ubuntu:24.04", "docker.io/library/ubuntu:1"], ["acme/ubuntu:24.04"]),
    "the subdomains of a registry": (
        "*.acme.com/**",
        ["eu.acme.com/june:1", "a.b.acme.com/x/y:1"],
        ["acme.com/june:1", "evilacme.com/june:1", "acme.com.evil.io/june:1", "eu.acme.com:5000/june:1"],
    ),
    "a registry with a port": (
        "registry.acme.com:5000/june",
        ["registry.acme.com:5000/june:1"],
        ["registry.acme.com/june:1", "registry.acme.com:5001/june:1"],
    ),
    "a tag admits itself and no digest, which would win over it": (
        "ghcr.io/acme/june:1.4.0",
        ["ghcr.io/acme/june:1.4.0"],
        ["ghcr.io/acme/june:1.4.1", f"ghcr.io/acme/june:1.4.0{PIN}", f"ghcr.io/acme/june{PIN}"],
    ),
    "a family of tags": ("acme/june:2.*", ["acme/june:2.0", "acme/june:2."], ["acme/june:20", "acme/june:1.2.0"]),
    "any digest, but one": (
        "ghcr.io/acme/*@sha256:*",
        [f"ghcr.io/acme/june{PIN}", f"ghcr.io/acme/june:1{PIN}", f"ghcr.io/acme/june{OTHER_PIN}"],
        ["ghcr.io/acme/june:1"],
    ),
    "this digest": (
        f"ghcr.io/acme/june{PIN}",
        [f"ghcr.io/acme/june{PIN}", f"ghcr.io/acme/june:9{PIN}"],
        [f"ghcr.io/acme/june{OTHER_PIN}", "ghcr.io/acme/june:1"],
    ),
    "the tag that Vast.ai resolves": (
        "vastai/pytorch",
        ["vastai/pytorch:@vastai-automatic-tag"],
        ["vastai/comfy:@vastai-automatic-tag"],
    ),
}


@pytest.mark.parametrize(("pattern", "inside", "outside"), PATTERNS.values(), ids=PATTERNS.keys())
def test_a_pattern_admits(pattern, inside, outside):
    assert pattern_flaw(pattern) is None
    assert [image for image in inside if not admitted(image, [pattern])] == []
    assert [image for image in outside if admitted(image, [pattern])] == []


NO_IMAGES = ["", " ", "*", "ghcr.io/acme/*", "a b:1", "ghcr.io/acme/june:1\n", "https://ghcr.io/acme/june",
             "ghcr.io/acme/june@sha256:*", "ghcr.io/acme/june:1…", "ghcr.io//june:1", "../a", "x" * 2000]  # fmt: skip


@pytest.mark.parametrize("image", NO_IMAGES)
def test_what_is_no_image_is_never_admitted(image):
    assert not admitted(image, ["ghcr.io/**", "docker.io/**", "**", "ghcr.io/acme/june"])


def test_no_pattern_admits_nothing():
    assert not admitted("ghcr.io/acme/june:1", [])


FLAWS = ["", "ghcr.io/", "ghcr*/acme/x.y", "ghcr.*/acme", "*.*.io/x", "ghcr.io/a**", "ghcr.io/**/x/**",
         "ghcr.io/x@sha256:12", "a b", "x" * (MAX_LENGTH + 1), "ghcr.io*/acme/june"]  # fmt: skip


@pytest.mark.parametrize("pattern", FLAWS)
def test_a_pattern_that_would_admit_nothing_or_too_much(pattern):
    if pattern == "ghcr*/acme/x.y":
        assert reference(pattern) == Reference("docker.io", "ghcr*/acme/x.y", None, None)  # No dot: a part of the Hub.
    else:
        assert pattern_flaw(pattern)
        assert not admitted("ghcr.io/acme/june:1", [pattern])


def test_a_pattern_of_many_stars_takes_no_long():
    assert not admitted("ghcr.io/" + "a" * 1000 + ":1", ["ghcr.io/" + "a*" * 400 + "b"])
