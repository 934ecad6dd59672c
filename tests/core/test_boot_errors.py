"""What hosts say when they cannot start a container, and whose trouble it is."""

from __future__ import annotations

import pytest

from reconciler.core.boot_errors import boot_error

TEXTS = {
    "a tag that is not there": (
        "Error response from daemon: manifest for ghcr.io/acme/june:9 not found: manifest unknown",
        *("image not found", "image"),
    ),
    "a private image": (
        "Error response from daemon: pull access denied for acme/june, repository does not exist or may require login",
        *("pull denied", "image"),
    ),
    "a registry that wants a login": (
        'Head "https://ghcr.io/v2/acme/june/manifests/1": unauthorized: authentication required',
        *("pull denied", "image"),
    ),
    "an image for another processor": (
        "no matching manifest for linux/amd64 in the manifest list entries",
        *("no image for this platform", "image"),
    ),
    "a reference that is none": (
        "invalid reference format: repository name must be lowercase",
        "not an image",
        "image",
    ),
    "an entry point that is not there, inside of a runtime's error": (
        'OCI runtime create failed: runc create failed: exec: "serve": executable file not found in $PATH: unknown',
        *("command not found", "image"),
    ),
    "an entry point that may not be run": (
        'OCI runtime create failed: exec: "/run.sh": permission denied: unknown',
        *("command not permitted", "image"),
    ),
    "a registry that limits the host": (
        "toomanyrequests: You have reached your pull rate limit",
        *("too many pulls", "machine"),
    ),
    "a full disk": ("write /var/lib/docker/tmp: no space left on device", "disk full", "machine"),
    "a port that is taken": ("Bind for 0.0.0.0:40022 failed: port is already allocated", "port taken", "machine"),
    "a host without its driver": (
        'Error response from daemon: could not select device driver "nvidia" with capabilities: [[gpu]]',
        *("no gpu", "machine"),
    ),
    "a device that cannot be injected": (
        "failed to inject CDI devices: unresolvable CDI devices D.1/gpu=0",
        *("no gpu", "machine"),
    ),
    "a host that does not reach the registry": (
        'Get "https://ghcr.io/v2/": net/http: TLS handshake timeout',
        *("registry not reached", "machine"),
    ),
    "a runtime that fails": (
        "failed to create task for container: OCI runtime create failed: runc create failed: container init",
        *("runtime failed", "machine"),
    ),
    "a daemon's error that nobody has seen": ("Error response from daemon: devmapper: gone", "daemon error", "machine"),
}


@pytest.mark.parametrize(("text", "cause", "whose"), TEXTS.values(), ids=TEXTS.keys())
def test_an_error_is_known_by_its_text(text, cause, whose):
    found = boot_error(text)
    assert found is not None
    assert (found.cause, found.whose) == (cause, whose)


NO_ERRORS = {
    "nothing": None,
    "an empty text": "",
    "a layer": "2c5df4aed288: Pull complete",
    "success": "success, running pytorch/pytorch_2.4/ssh",
    "a dead end that says nothing": "success, created",
    "a queue": "Attempting to schedule your instance. Your GPU is currently in use.",
    "a pull that is tried again": "Retrying in 2 seconds",
    "an error that is tried again": "Error response from daemon: i/o timeout. Retrying in 8 seconds",
    "a word nobody has seen": "hibernating since tuesday",
}


@pytest.mark.parametrize("text", NO_ERRORS.values(), ids=NO_ERRORS.keys())
def test_what_is_no_error_says_nothing(text):
    assert boot_error(text) is None


def test_the_same_error_of_two_hosts_has_the_same_cause():
    one = boot_error("Error response from daemon: manifest for a/b:1 not found")
    two = boot_error("docker: manifest unknown: OCI index found, but accept header does not support it")
    assert one == two is not None
