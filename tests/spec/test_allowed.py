"""What the policy lets a fleet run and know: each refusal at the very place, and nothing lifts what never may leave."""

from __future__ import annotations

import pytest

from reconciler.core.model import ImageRules, SecretRules
from reconciler.spec.secrets import is_off_limits

from .builders import fleet

POLICY = "kind: Policy\n"
SECRETS = fleet(
    container="{image: a/b:1, env: {A: {from_env: HF_TOKEN}, B: {from_env: STRIPE_KEY, version: 2}}, "
    "registry_login: {server: a.io, username: b, password: {from_env: PULL}}}"
)

# sentence: (policy, fleet, findings)
CASES = {
    "no word about images": ("", fleet(container="{image: a/b:1}"), []),
    "an image that is admitted": ("images: {allow: [acme/*]}", fleet(container="{image: acme/june:1}"), []),
    "an image that is not": (
        "images: {allow: [ghcr.io/acme/*]}",
        fleet(container="{image: a/b:1}"),
        ["f.yaml:5:20 image-not-allowed"],
    ),
    "an empty list admits nothing": (
        "images: {allow: []}",
        fleet(container="{image: a/b:1}"),
        ["f.yaml:5:20 image-not-allowed"],
    ),
    "no list admits everything": ("images: {}", fleet(container="{image: a/b:1}"), []),
    "an image without the digest that is asked for": (
        'images: {allow: ["a/b@sha256:*"]}',
        fleet(container="{image: a/b:1}"),
        ["f.yaml:5:20 image-not-allowed"],
    ),
    "a template's image is not known here": (
        "images: {allow: [ghcr.io/acme/*]}",
        fleet(container="{vast_template: 4e17788f74f075dd9aab7d0d4427968f}"),
        [],
    ),
    "what is no image is refused as such": (
        "images: {allow: [ghcr.io/acme/*]}",
        fleet(container="{image: 'a b:1'}"),
        ["f.yaml:5:20 bad-image"],
    ),
    "an image of the defaults": (
        "images: {allow: [ghcr.io/acme/*]}\ndefaults: {container: {image: a/b:1}}",
        fleet(container=""),
        ["p.yaml:3:31 image-not-allowed"],
    ),
    "no word about secrets": ("", SECRETS, []),
    "secrets that are admitted": ("secrets: {allow: [HF_TOKEN, STRIPE_*, P*]}", SECRETS, []),
    "secrets that are not, wherever they stand": (
        "secrets: {allow: [HF_*]}",
        SECRETS,
        ["f.yaml:5:72 secret-not-allowed", "f.yaml:5:163 secret-not-allowed"],
    ),
    "a name in another case is another name": (
        "secrets: {allow: [hf_token, STRIPE_KEY, PULL]}",
        SECRETS,
        ["f.yaml:5:47 secret-not-allowed"],
    ),
    "an empty list admits no secret": (
        "secrets: {allow: []}",
        fleet(container="{image: a/b:1, env: {A: {from_env: X}}}"),
        ["f.yaml:5:47 secret-not-allowed"],
    ),
    "a star does not lift what never leaves": (
        'secrets: {allow: ["*"]}',
        fleet(container="{image: a/b:1, env: {A: {from_env: GITHUB_TOKEN}}}"),
        ["f.yaml:5:47 forbidden-secret"],
    ),
    "nor can it be allowed by name": (
        "secrets: {allow: [HF_TOKEN, VAST_API_KEY]}",
        fleet(),
        ["p.yaml:2:29 forbidden-secret"],
    ),
    "a pattern that admits too much": (
        'images: {allow: ["ghcr.*/acme"]}',
        fleet(container="{image: a/b:1}"),
        ["p.yaml:2:18 bad-image"],
    ),
    "a pattern of odd letters": (
        'images: {allow: ["ghcr.io/acme/[a-z]"]}',
        fleet(),
        ["p.yaml:2:18 wrong-form"],
    ),
    "a variable of odd letters": ('secrets: {allow: ["A-B"]}', fleet(), ["p.yaml:2:19 wrong-form"]),
    "one text is no list": ("images: {allow: ghcr.io/acme}", fleet(), ["p.yaml:2:17 wrong-type"]),
    "another word": ("images: {alow: []}", fleet(), ["p.yaml:2:10 unknown-field"]),
}


@pytest.mark.parametrize(("policy", "document", "expected"), CASES.values(), ids=CASES.keys())
def test_a_policy_and_a_fleet(folder, policy, document, expected):
    folder.write("p.yaml", POLICY + policy + "\n").write("f.yaml", document)
    if expected:
        assert folder.codes() == expected
    else:
        folder.load()


def test_the_policy_arrives(folder):
    folder.write("p.yaml", POLICY + "images: {allow: [acme/*]}\nsecrets: {allow: [HF_*]}\n").write("f.yaml")
    loaded = folder.load().policy
    assert (loaded.images, loaded.secrets) == (ImageRules(("acme/*",)), SecretRules(("HF_*",)))


def test_a_refusal_says_what_is_admitted(folder):
    patterns = "images: {allow: [ghcr.io/a/*, ghcr.io/b/*, ghcr.io/c/*, ghcr.io/d/*]}\n"
    folder.write("p.yaml", POLICY + patterns).write("f.yaml", fleet(container="{image: a/b:1}"))
    (found,) = folder.refused()
    assert '"a/b:1"' in found.message
    assert found.suggestion == "admitted is ghcr.io/a/*, ghcr.io/b/*, ghcr.io/c/* and 1 more"


_NEVER = """
    VAST_API_KEY VASTAI_API_KEY VAST_API_KEY_FILE VAST_READ_KEY vast_api_key VAST_TOKEN CONTAINER_API_KEY
    RECONCILE_PLAN_KEY GITHUB_TOKEN GH_TOKEN GH_ENTERPRISE_TOKEN GITHUB_ENTERPRISE_TOKEN ACTIONS_RUNTIME_TOKEN
    ACTIONS_ID_TOKEN_REQUEST_TOKEN ACTIONS_ID_TOKEN_REQUEST_URL ACTIONS_CACHE_URL CI_JOB_TOKEN CI_JOB_JWT CI_JOB_JWT_V2
    CI_REGISTRY_PASSWORD CI_DEPLOY_PASSWORD CI_DEPLOY_TOKEN GITLAB_TOKEN SYSTEM_ACCESSTOKEN BITBUCKET_STEP_OIDC_TOKEN
    BUILDKITE_AGENT_ACCESS_TOKEN CIRCLE_OIDC_TOKEN AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
    AWS_WEB_IDENTITY_TOKEN_FILE AZURE_CLIENT_SECRET ARM_CLIENT_SECRET GOOGLE_APPLICATION_CREDENTIALS KUBECONFIG
    VAULT_TOKEN SSH_AUTH_SOCK SSH_AGENT_PID GPG_PRIVATE_KEY NPM_TOKEN TWINE_PASSWORD TF_TOKEN_app_terraform_io
"""
_FREE = "HF_TOKEN GHCR_READ_TOKEN JUNE_S3_KEY WANDB_API_KEY OPENAI_API_KEY CIVITAI_TOKEN DATABASE_URL TOKEN"


@pytest.mark.parametrize("name", _NEVER.split())
def test_a_variable_that_never_leaves(name):
    assert is_off_limits(name)


@pytest.mark.parametrize("name", _FREE.split())
def test_a_variable_that_may_leave(name):
    assert not is_off_limits(name)
