"""Which variables never go to a rented host."""

from __future__ import annotations

from fnmatch import fnmatchcase

_OFF_LIMITS = (
    # The account's own key under any name, and our own settings.
    "VAST*KEY*", "VAST*TOKEN*", "VAST*SECRET*", "CONTAINER_API_KEY", "RECONCILE_*",
    # The tokens that a CI system gives to a job.
    "GITHUB_*TOKEN*", "GITHUB_TOKEN", "GITHUB_PAT", "GH_TOKEN", "GH_*TOKEN*", "GH_PAT", "ACTIONS_*", "RUNNER_*TOKEN*",
    "CI_*TOKEN*", "CI_*JWT*", "CI_*PASSWORD*", "GITLAB_*TOKEN*", "GITLAB_TOKEN", "SYSTEM_ACCESSTOKEN",
    "BITBUCKET_*TOKEN*", "BUILDKITE_*TOKEN*", "CIRCLE_*TOKEN*", "TRAVIS_*TOKEN*", "DRONE_*TOKEN*", "JENKINS_*TOKEN*",
    # What opens a cloud, a vault, a cluster, a package registry or a person's other machines.
    "AWS_*", "AZURE_*", "ARM_*", "GOOGLE_*CREDENTIALS*", "CLOUDSDK_*", "DIGITALOCEAN_*TOKEN*", "VAULT_*", "OP_*TOKEN*",
    "SOPS_*", "TF_TOKEN_*", "KUBECONFIG", "KUBE_TOKEN", "SSH_*", "GPG_*", "NPM_TOKEN", "NODE_AUTH_TOKEN", "TWINE_*",
    "PYPI_*TOKEN*", "CARGO_REGISTRY_TOKEN", "DOCKER_AUTH_CONFIG",
)  # fmt: skip
"""Variables that no policy can allow: the owner of a rented host can read whatever goes there."""


def is_off_limits(name: str) -> bool:
    """True for the variables that never go to a rented host: the account's own key, the tokens of CI and the like."""
    return any(fnmatchcase(name.upper(), pattern) for pattern in _OFF_LIMITS)
