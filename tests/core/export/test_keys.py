"""Under which key an image goes into another tool's file."""

from __future__ import annotations

import pytest

from ledger_tool.core.export import keys
from ledger_tool.core.export.selection import ImageVersion, image_versions
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import UsageError
from tests.support.values.make import ledger_of, record


def versions(*records: Record) -> list[ImageVersion]:
    return image_versions(ledger_of(*records).records(), Policy(), by_platform=False)


@pytest.mark.parametrize(
    ("image", "variable", "value_key", "service"),
    [
        ("myorg/app", "MYORG_APP_IMAGE", "myorg_app", "app"),
        ("my-org/my.app__x", "MY_ORG_MY_APP__X_IMAGE", "my_org_my_app__x", "my.app__x"),
        ("7zip", "_7ZIP_IMAGE", "_7zip", "7zip"),
    ],
)
def test_keys_are_what_a_shell_a_template_and_compose_take(
    image: str, variable: str, value_key: str, service: str
) -> None:
    assert (keys.variable(image), keys.value_key(image), keys.service(image)) == (variable, value_key, service)


def test_keys_that_clash_are_refused_and_can_be_given() -> None:
    found = versions(record("myorg/app"), record("myorg-app"))
    default = {one.name.image: keys.variable(one.name.image) for one in found}
    with pytest.raises(UsageError, match="myorg-app and myorg/app would both have the key `MYORG_APP_IMAGE`") as clash:
        keys.versions_by_key(found, default, {})
    assert "--key myorg/app=MYORG_APP_IMAGE2" in clash.value.hint
    by_key = keys.versions_by_key(found, default, {"myorg/app": ["APP", "WEB"]})
    assert {key: one.name.image for key, one in by_key.items()} == {
        "APP": "myorg/app", "MYORG_APP_IMAGE": "myorg-app", "WEB": "myorg/app",
    }  # fmt: skip


def test_a_key_for_an_image_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="`--key` names nope"):
        keys.versions_by_key(versions(record()), {"myorg/app": "app"}, {"nope": ["x"]})


@pytest.mark.parametrize("value", ["myorg/app", "a=", "a=1b", "a=b c", "a=b\nc", "a=$(x)", "a=b=c"])
def test_a_key_is_a_name_and_nothing_else(value: str) -> None:
    with pytest.raises(UsageError, match="malformed"):
        keys.parse_keys([value], keys.IDENTIFIER)
