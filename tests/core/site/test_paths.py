"""Each part of a site stands at a path of its own, which every file system takes, whatever the images are called."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import parse_image
from ledger_tool.core.site import paths
from tests.support.values.make import digest
from tests.support.values.strategies import digests, images, tags

_ENDS = ["", ".html", ".json", ".html.json", ".html.html", "2", "__2", ".xml", ".js"]
_stems = st.sampled_from(["a", "index", "v1", "images", "drift", "a" * 170, "a" * 174, "a" * 235])
_near = st.builds(lambda stem, more, end: stem + "a" * more + end, _stems, st.integers(0, 12), st.sampled_from(_ENDS))
_names = st.lists(_near, min_size=1, max_size=3).map("/".join).filter(lambda name: len(name) <= 255) | images


def of_images(names: set[str]) -> Iterator[str]:
    """Yield the paths of all that a site has of images."""
    for name in names:
        yield from (paths.image_data(name), paths.renovate_data(name), *map(paths.image_page, [name] * 3, (1, 2, 22)))


def assert_apart(all_paths: list[str]) -> None:
    """Assert that all can be written to one folder, also where case makes no difference."""
    assert len({path.casefold() for path in all_paths}) == len(all_paths)
    folders = {path[:at] for path in all_paths for at, letter in enumerate(path) if letter == "/"}
    assert not folders.intersection(all_paths)
    for path in all_paths:
        assert paths.is_path(path)
        assert all(len(component.encode()) <= 255 for component in path.split("/"))


@given(
    st.sets(_names.map(parse_image), max_size=8), st.sets(digests, max_size=2), st.sets(tags.map(str.lower), max_size=3)
)
def test_no_two_parts_of_a_site_are_in_each_others_way(names: set[str], sums: set[str], environments: set[str]) -> None:
    fixed = [paths.START, paths.ICON, paths.DIGEST, paths.STYLE, paths.SCRIPT, paths.FEED, paths.LEDGER_DATA]
    shards = {paths.digest_search(each) for each in sums}
    assert_apart(
        [
            *fixed, paths.NO_JEKYLL, paths.IMAGE_SEARCH, paths.DIGEST_SEARCH, *shards, *of_images(set(names)),
            *map(paths.digest_data, sums), *map(paths.environment_data, environments),
            *(paths.list_page("drift", number) for number in (1, 2, 22)),
        ]
    )  # fmt: skip


def test_names_that_differ_only_where_there_is_no_room_stand_apart() -> None:
    assert_apart([*of_images({"a" * length for length in range(170, 256)} | {"a" * 254 + "b", "b" + "a" * 254})])


def test_a_usual_name_is_its_own_path() -> None:
    assert paths.image_page("myorg/app") == "images/myorg/app.html"
    assert paths.image_page("myorg/app", 2) == "images/myorg/app~2.html"
    assert paths.image_data("myorg/app") == "v1/images/myorg/app.json"
    assert paths.renovate_data("myorg/app") == "v1/renovate/myorg/app.json"
    assert paths.image_data("myorg/app.json/x") == "v1/images/myorg/app.json_/x.json"
    assert paths.digest_data(digest()) == f"v1/digests/{digest()[7:9]}/{digest()[7:]}.json"
    assert paths.environment_data("prod") == "v1/environments/prod.json"
