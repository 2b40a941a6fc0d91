"""What a cluster may run, for its API server: a ValidatingAdmissionPolicy, or a ClusterPolicy of Kyverno.

The ConfigMap comes first and what makes a policy bite comes last: `kubectl apply` works from top to bottom.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ledger_tool.core.export import celtext
from ledger_tool.core.export.admission import Admission
from ledger_tool.render.yamltext import Yaml, document

_CONFIG_MAP: Mapping[str, Yaml] = {"apiVersion": "v1", "kind": "ConfigMap"}


def validating_admission_policy(admission: Admission) -> Iterator[str]:
    """Yield a ValidatingAdmissionPolicy (admissionregistration.k8s.io/v1), its ConfigMap and its binding."""
    name = admission.config_map.policy
    yield from _config_map(admission)
    yield from document(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "paramKind": _CONFIG_MAP,
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": [""],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE", "UPDATE"],
                            "resources": ["pods", "pods/ephemeralcontainers"],
                        }
                    ]
                },
                "variables": _variables(admission),
                "validations": celtext.validations(),
            },
        }
    )
    yield from document(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "paramRef": _parameters(admission), "validationActions": ["Deny"]},
        }
    )


def kyverno(admission: Admission) -> Iterator[str]:
    """Yield a ClusterPolicy (kyverno.io/v1) with the same expressions, and its ConfigMap.

    Kyverno sends it `pods/ephemeralcontainers` along with pods. It is told not to derive rules for workloads.
    """
    yield from _config_map(admission)
    yield from document(
        {
            "apiVersion": "kyverno.io/v1",
            "kind": "ClusterPolicy",
            "metadata": {
                "name": admission.config_map.policy,
                "annotations": {"pod-policies.kyverno.io/autogen-controllers": "none"},
            },
            "spec": {
                "background": True,
                "webhookConfiguration": {"failurePolicy": "Fail"},
                "rules": [
                    {
                        "name": "images-of-the-ledger",
                        "match": {"any": [{"resources": {"kinds": ["Pod"], "operations": ["CREATE", "UPDATE"]}}]},
                        "validate": {
                            "failureAction": "Enforce",
                            "cel": {
                                "paramKind": _CONFIG_MAP,
                                "paramRef": _parameters(admission),
                                "variables": _variables(admission),
                                "expressions": celtext.validations(),
                            },
                        },
                    }
                ],
            },
        }
    )


def _config_map(admission: Admission) -> Iterator[str]:
    place = admission.config_map
    yield from document(
        {
            **_CONFIG_MAP,
            "metadata": {"name": place.name, "namespace": place.namespace},
            "data": in_config_map(admission),
        }
    )


def in_config_map(admission: Admission) -> dict[str, str]:
    """Return the data of the ConfigMap: the repositories of each digest, with a space between them."""
    return {key: " ".join(repositories) for key, repositories in admission.repositories.items()}


def _parameters(admission: Admission) -> dict[str, Yaml]:
    place = admission.config_map
    return {"name": place.name, "namespace": place.namespace, "parameterNotFoundAction": "Deny"}


def _variables(admission: Admission) -> list[Yaml]:
    found = celtext.variables(admission.served)
    return [{"name": name, "expression": expression} for name, expression in found.items()]
