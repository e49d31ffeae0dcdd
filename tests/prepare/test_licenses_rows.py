"""The licence of each row: its own, that of its part, that of its source; and what is known of data sets."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langadapt.errors import ConfigError
from langadapt.prepare.known import FACTS, folded, known, licensing, parts_of, read_datasets, terms_of
from langadapt.prepare.licenses import UNKNOWN, allows, is_known
from langadapt.prepare.readers import read_source, readers
from langadapt.schema import Source, check

PLATYPUS = "garage-bAInd/Open-Platypus"


def source(path="rows.jsonl", **facts):
    return Source(**{"name": "x", "path": path, "stream": "sft", **facts})


@pytest.mark.parametrize(
    ("stated", "row", "found"),
    [
        ("mit", {}, "MIT"),
        ("", {}, ""),
        ("", {"license": "cc by 4.0"}, "CC-BY-4.0"),
        ("MIT", {"license": "CC-BY-NC-4.0"}, "CC-BY-NC-4.0"),
        ("CC-BY-NC-4.0", {"license": "MIT"}, "CC-BY-NC-4.0 AND MIT"),
        ("per-row", {"license": "MIT"}, "MIT"),
        ("per-row", {}, UNKNOWN),
        ("Per-Row", {"license": None}, UNKNOWN),
        ("MIT", {"license": ""}, "MIT"),
        ("MIT", {"license": None}, "MIT"),
        ("MIT", {"license": "unknown"}, UNKNOWN),
        ("MIT", {"license": 3}, UNKNOWN),
        ("MIT", {"license": {"name": "MIT"}}, UNKNOWN),
        ("MIT", {"License": "cc-by-nc-4.0"}, "CC-BY-NC-4.0"),
        ("MIT", {"licence": "cc-by-nc-4.0"}, "CC-BY-NC-4.0"),
        ("MIT", {"licenses": ["mit", "cc-by-nc-4.0"]}, "CC-BY-NC-4.0 AND MIT"),
        ("MIT", {"license": "MIT", "licence": "cc-by-nc-4.0"}, "CC-BY-NC-4.0 AND MIT"),
        ("LicenseRef-own", {"license": "cc-by-nc-4.0"}, "CC-BY-NC-4.0"),
        ("LicenseRef-own", {"license": "LicenseRef-own"}, "LicenseRef-own"),
        ("", {"license": "LicenseRef-own"}, UNKNOWN),
        ("per-row", {"license": "licenseref-OWN"}, UNKNOWN),
        ("per-row", {"license": "LicenseRef-own WITH Classpath-exception-2.0"}, UNKNOWN),
        ("MIT", {"license": "LicenseRef-own"}, UNKNOWN),
        ("CC-BY-NC-4.0", {"license": "LicenseRef-own OR MIT"}, UNKNOWN),
    ],
)
def test_a_row_and_its_source(stated, row, found):
    assert licensing(source(license=stated))(row) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("scienceqa", "CC-BY-NC-SA-4.0"), ("ScienceQA", "CC-BY-NC-SA-4.0"), (" science_qa ", "CC-BY-NC-SA-4.0"),
        ("reclor", "LicenseRef-non-commercial"), ("airoboros", "LicenseRef-research-only"),
        ("jondurbin/airoboros-gpt4-1.4.1", "LicenseRef-research-only"), ("MATH/PRM-800K", "MIT"), ("scibench", "MIT"),
        ("leetcode_ne", UNKNOWN), ("somebody/scibench", UNKNOWN), ("", UNKNOWN), (None, UNKNOWN), (7, UNKNOWN), (["scibench"], UNKNOWN),
    ],
)  # fmt: skip
def test_the_parts_of_open_platypus(value, found):
    row = {"instruction": "a", "output": "b", "data_source": value}
    assert licensing(source(PLATYPUS))(row) == found
    for stated in ("MIT", "Apache-2.0", "LicenseRef-own"):
        launder = licensing(source(PLATYPUS, license=stated))(row)
        assert allows("commercial", launder) is allows("commercial", found)
        copy = licensing(source("own.parquet", reader="platypus", license=stated))(row)
        assert allows("commercial", copy) is allows("commercial", found)
    assert licensing(source(PLATYPUS, license="MIT", subsets=False))(row) == "MIT"
    assert licensing(source(PLATYPUS, subsets=False))(row) == ""


@pytest.mark.parametrize("reader", ["alpaca", "messages", None])
def test_rows_that_name_a_part_of_open_platypus_count_as_one_whatever_their_reader(reader):
    own = source(license="MIT", reader=reader)
    leaves = ("ReClor", "science_qa", "airoboros", "leetcode_ne")
    found = [licensing(own)({"data_source": value}) for value in (*leaves, "scibench", "shop", None, 7)]
    assert [allows("commercial", one) for one in found] == [False] * 4 + [True] * 4
    assert not allows("commercial", licensing(own)({" Data Source": "reclor"}))
    assert (
        licensing(source(license="LicenseRef-own"))({"data_source": "reclor"}) == "LicenseRef-non-commercial"
    )
    assert licensing(source(license="MIT", subsets=False))({"data_source": "reclor"}) == "MIT"
    other = source(license="MIT", subsets={"column": "part", "licenses": {"a": "MIT"}})
    assert licensing(other)({"data_source": "reclor", "part": "a"}) == "MIT"


def test_a_part_is_the_users_own_only_where_the_source_is():
    subsets = {"column": "part", "licenses": {"mine": "LicenseRef-own"}}
    for stated, found in (("", UNKNOWN), ("MIT", UNKNOWN), ("LicenseRef-own", "LicenseRef-own")):
        assert licensing(source(license=stated, subsets=subsets))({"part": "mine"}) == found


def test_a_collection_without_its_column_is_unknown():
    assert licensing(source("LeoLM/OpenSchnabeltier", license="Apache-2.0"))({"output_de": "a"}) == UNKNOWN


def test_a_users_own_collection(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"text": str(n), "from": name} for n, name in enumerate(["Wiki A", "wiki-a", "shop", "new"])]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    subsets = {"column": "from", "licenses": {"wiki a": "cc by-sa 4.0", "shop": "other"}}
    own = source(str(path), reader="text", license="MIT", subsets=subsets)
    found = list(read_source(own, None))
    assert [record.license for record in found] == [
        "CC-BY-SA-4.0",
        "CC-BY-SA-4.0",
        "LicenseRef-other",
        UNKNOWN,
    ]
    assert [record.extra["subset"] for record in found] == ["Wiki A", "wiki-a", "shop", "new"]


def test_two_licences_of_one_part():
    subsets = {"column": "c", "licenses": {"Wiki A": "MIT", "wiki-a": "CC-BY-4.0"}}
    with pytest.raises(ConfigError, match=r"source.x.subsets.licenses: 'wiki-a' has two licences"):
        parts_of(source(subsets=subsets))


def test_names_are_folded_but_for_numbers():
    assert folded("Science QA") == folded("science-qa") == folded("ScienceQA")
    assert len({folded(name) for name in ("set-1.1", "set-11", "set-1 1-", "set-1")}) == 3
    assert folded("a/b") != folded("ab")


LICENSES = st.sampled_from(
    [
        "",
        "MIT",
        "Apache-2.0",
        "CC-BY-NC-4.0",
        "CC-BY-ND-4.0",
        "other",
        "MIT OR CC-BY-NC-4.0",
        "MIT, cc-by-nc-4.0",
    ]
)
OPEN = {"MIT", "Apache-2.0", "MIT OR CC-BY-NC-4.0"}


@given(LICENSES, LICENSES, LICENSES, st.booleans(), st.booleans())
def test_nothing_leaks(stated, part, own, collection, listed):
    """Under `commercial` a row goes on only where everything that is said of it allows that, and something is said."""
    subsets = {"column": "part", "licenses": {"one": part or "other"}} if collection else None
    row = {"part": "one" if listed else "two", "license": own}
    found = licensing(source(license=stated, subsets=subsets))(row)
    said = [text for text in (stated, own) if text] + (
        [(part or "other") if listed else "other"] if collection else []
    )
    assert allows("commercial", found) is (bool(said) and all(text in OPEN for text in said))


def test_what_is_known_is_sound():
    sets, terms = read_datasets(FACTS)
    assert len(sets) >= 15
    for one in sets.values():
        assert one.reader is None or one.reader in readers()
        assert is_known(one.license)
        assert all(is_known(text) or text == UNKNOWN for text in one.licenses.values())
        assert set(one.terms) <= set(terms)
    assert {sets[name.lower()].language for name in ("DRXD1000/Dolly-15k-German", "LeoLM/OpenSchnabeltier", "FreedomIntelligence/alpaca-gpt4-deutsch", "FreedomIntelligence/evol-instruct-deutsch")} == {"de"}  # fmt: skip
    assert known("huggingfaceh4/ULTRACHAT_200k") is sets["huggingfaceh4/ultrachat_200k"] or known(
        "HuggingFaceH4/ultrachat_200k"
    )
    assert known("nobody/nothing") is None


def test_terms():
    chat = terms_of(source("HuggingFaceH4/ultrachat_200k", terms=["llama-outputs", "openai-outputs"]))
    assert [term.key for term in chat] == ["openai-outputs", "llama-outputs"]
    assert all(term.says.endswith(".") and term.link.startswith("https://") for term in chat)
    assert terms_of(source("databricks/databricks-dolly-15k")) == ()
    with pytest.raises(ConfigError, match=r"source.x.terms: .*openai-outputs"):
        terms_of(source(terms=["openai-output"]))


def test_mistakes_of_the_table_are_told_at_once(tmp_path):
    path = tmp_path / "datasets.toml"
    path.write_text(
        '[data-set."a/b"]\nterms = ["x"]\nlicense = "Foo"\nparts-of = "c/d"\n[data-set."e/f"]\nlicense = "unknown"\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        read_datasets(path)
    for line in ("a/b.terms: 'x'", "a/b.license: 'Foo'", "a/b.parts-of: no data set 'c/d'", "e/f.license"):
        assert line in str(caught.value)
    path.write_text(
        '[data-set."a/b"]\nlicence = "MIT"\n[terms.t]\nname = ""\nsays = "x"\nlink = "http://x"\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        read_datasets(path)
    for line in ("data-set.a/b.licence: unknown key", "terms.t.name", "terms.t.link"):
        assert line in str(caught.value)


def leaf(value):
    from langadapt.config import Layer, leaves

    return leaves(
        {"title": "t", "translate": {"use": "x"}, "source": {"one": value}}, Layer("mine.toml", FACTS.parent)
    )


def test_the_keys_of_a_source_are_checked():
    good = {
        "path": "p",
        "stream": "sft",
        "weight": 2,
        "terms": ["openai-outputs"],
        "subsets": {"column": "c", "licenses": {"a": "MIT"}},
    }
    check(leaf(good))
    check(leaf({**good, "subsets": False, "binarize": "mean-rating"}))
    bad = {**good, "weight": 0, "subsets": {"colum": "c", "licenses": []}, "terms": "openai"}
    with pytest.raises(ConfigError) as caught:
        check(leaf(bad))
    for key in ("source.one.weight", "source.one.subsets", "source.one.terms"):
        assert key in str(caught.value)
    with pytest.raises(ConfigError, match=r"source.one.subsets"):
        check(leaf({**good, "subsets": True}))
