"""Spellings, expressions and facts of licences, against lists written by hand and against a second evaluation."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.licenses import canonicalize_license_expression

from langadapt.errors import ConfigError
from langadapt.prepare.licenses import (
    FACTS,
    UNKNOWN,
    allows,
    both,
    canonical,
    is_known,
    licences_in,
    narrowed,
    read_facts,
)

# The Hub's own list, https://huggingface.co/docs/hub/repositories-licenses, with what each is: commercial, research, none.
HUB = {
    "commercial": "apache-2.0 mit afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc0-1.0 "
    "cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 "
    "wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc "
    "ms-pl mpl-2.0 odc-by odbl osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl",
    "research": "cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 bigscience-openrail-m "
    "creativeml-openrail-m bigcode-openrail-m openrail++ h-research intel-research fair-noncommercial-research-license llama2 "
    "llama3 llama3.1 llama3.2 llama3.3 llama4 gemma",
    "none": "cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc openrail unknown other bigscience-bloom-rail-1.0 apple-ascl "
    "apple-amlr deepfloyd-if-license grok2-community openmdw-1.0 lppl-1.3c lgpl-lr",
}  # fmt: skip
SPELT = {
    "Apache-2.0": ["Apache License 2.0", "Apache License, Version 2.0", "apache 2.0", "APACHE-2.0", "http://www.apache.org/licenses/LICENSE-2.0"],
    "MIT": ["MIT License", "The MIT License", "mit ", '"MIT"', "License: MIT", "SPDX-License-Identifier: MIT", "\uff2d\uff29\uff34", "https://opensource.org/licenses/MIT"],
    "CC-BY-4.0": ["CC BY 4.0", "cc_by_4.0", "Creative Commons Attribution 4.0 International", "Creative Commons Attribution 4.0 International (CC BY 4.0)", "https://creativecommons.org/licenses/by/4.0/"],
    "CC-BY-SA-3.0": ["CC BY-SA 3.0", "Creative Commons Attribution-ShareAlike 3.0 Unported License", "cc\u2011by\u2011sa\u20113.0"],
    "CC-BY-NC-4.0": ["CC BY-NC 4.0", "Creative Commons Attribution-NonCommercial 4.0", "creative commons attribution non commercial 4.0 international license", "https://creativecommons.org/licenses/by-nc/4.0/legalcode"],
    "CC-BY-NC-SA-4.0": ["cc by nc sa 4.0", "Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International"],
    "CC-BY-NC-ND-4.0": ["CC BY-NC-ND 4.0", "Creative Commons Attribution-NonCommercial-NoDerivatives 4.0 International"],
    "CC0-1.0": ["CC0", "CC0 1.0 Universal", "cc-zero", "https://creativecommons.org/publicdomain/zero/1.0/"],
    "ODC-By-1.0": ["odc-by", "ODC-BY v1.0", "Open Data Commons Attribution License v1.0"],
    "GPL-3.0": ["GPLv3", "GPL v3", "GNU General Public License v3.0"],
    "LicenseRef-CC-BY-NC": ["CC BY-NC", "cc-by-nc"],
    "LicenseRef-non-commercial": ["non-commercial", "Non Commercial", "noncommercial"],
    "MIT OR Apache-2.0": ["mit or apache 2.0", "MIT OR Apache-2.0"],
    "MIT AND CC-BY-NC-4.0": ["MIT, CC BY-NC 4.0", "mit and cc-by-nc-4.0", "MIT / CC-BY-NC-4.0", "mit & cc by nc 4.0"],
    UNKNOWN: ["unknown", "none", "N/A", "cc", "openrail", "x" * 501, "()", "LicenseRef-unknown"],
    "LicenseRef-other": ["other", "Other"],
    "LicenseRef-all-rights-reserved": ["all rights reserved"],
    "LicenseRef-MIT-with-restrictions": ["MIT with restrictions"],
    "LicenseRef-MIT-non-commercial": ["MIT (non-commercial)"],
    "LicenseRef-MIT-cc-by-nc-4.0": ["MIT (cc-by-nc-4.0)"],
    "": ["", "  ", None, float("nan"), [], [None, ""]],
}  # fmt: skip


@pytest.mark.parametrize(("spdx", "text"), [(spdx, text) for spdx, texts in SPELT.items() for text in texts])
def test_spellings(spdx, text):
    assert canonical(text) == spdx
    assert canonical(canonical(text)) == spdx


CC = "https://creativecommons.org/licenses"


@pytest.mark.parametrize(
    "text",
    [
        f"{CC}/by/4.0/deed.en, {CC}/by-nc/4.0/",
        f"{CC}/by/4.0/legalcode; not for commercial use",
        f"{CC}/by-sa/4.0/deed.en AND CC-BY-NC-4.0",
        f"{CC}/by/4.0/deed (non-commercial)",
        "https://creativecommons.org/publicdomain/zero/1.0/legalcode.en, research only",
    ],
)
def test_an_address_swallows_nothing_behind_it(text):
    assert not allows("commercial", text)
    assert not allows("research", text)


@pytest.mark.parametrize(
    "end", ["", "/", "/deed", "/deed.en", "/deed.zh-hans", "/legalcode.txt", "/legalcode/"]
)
def test_the_pages_of_one_licence(end):
    assert canonical(f"{CC}/by-sa/4.0{end}") == "CC-BY-SA-4.0"


def test_a_number_behind_a_comma_is_no_version():
    assert canonical("MIT-0") == canonical("mit 0") == "MIT-0"
    assert not allows("commercial", "MIT,0")
    assert not allows("commercial", "CC, 0")
    assert canonical("Apache License, Version 2.0") == canonical("Apache, 2.0") == "Apache-2.0"


@pytest.mark.parametrize(
    ("use", "name"), [(use, name) for use, names in HUB.items() for name in names.split()]
)
def test_the_licences_of_the_hub(use, name):
    assert allows("commercial", name) is (use == "commercial")
    assert allows("research", name) is (use != "none")
    assert allows("any", name)


@pytest.mark.parametrize(
    ("text", "commercial", "research"),
    [
        ("MIT OR CC-BY-NC-4.0", True, True),
        ("MIT AND CC-BY-NC-4.0", False, True),
        ("MIT AND CC-BY-ND-4.0", False, False),
        ("MIT AND unknown", False, False),
        ("(MIT OR CC-BY-NC-4.0) AND Apache-2.0", True, True),
        ("MIT OR CC-BY-NC-4.0 AND CC-BY-ND-4.0", True, True),
        ("(MIT OR CC-BY-NC-4.0) AND CC-BY-NC-4.0", False, True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", True, True),
        ("CC-BY-NC-4.0 OR GPL-2.0-only WITH Classpath-exception-2.0", True, True),
        ("GPL-2.0+", True, True),
        ("CC-BY-NC-3.0-DE", False, True),
        ("CC-BY-3.0-AT", True, True),
        ("LicenseRef-own", True, True),
        ("LicenseRef-somebody", False, False),
        ("JSON", False, False),
        ("MIT AND", False, False),
        ("(MIT", False, False),
        ("MIT MIT", False, False),
        ("", False, False),
    ],
)
def test_expressions(text, commercial, research):
    assert (allows("commercial", text), allows("research", text)) == (commercial, research)
    assert allows("any", text)


def test_a_word_that_is_no_policy():
    with pytest.raises(ConfigError, match="'comercial' is no policy"):
        allows("comercial", "MIT")


LEAVES = ["MIT", "Apache-2.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "LicenseRef-x"]
TRUE = {"commercial": {"MIT", "Apache-2.0"}, "research": {"MIT", "Apache-2.0", "CC-BY-NC-4.0"}}
EXPRESSIONS = st.recursive(
    st.sampled_from(LEAVES),
    lambda below: st.tuples(below, st.sampled_from(["AND", "OR"]), below).map(
        lambda p: f"({p[0]}) {p[1]} ({p[2]})"
    ),
    max_leaves=6,
)


@given(EXPRESSIONS, st.sampled_from(["commercial", "research"]))
def test_an_expression_is_what_python_makes_of_it(text, policy):
    words = text.replace("(", " ( ").replace(")", " ) ").split()
    truth = {"AND": "and", "OR": "or", "(": "(", ")": ")"}
    wanted = eval(" ".join(truth.get(word) or str(word in TRUE[policy]) for word in words))
    assert allows(policy, text) is wanted
    assert allows(policy, text.lower()) is wanted


@given(EXPRESSIONS, EXPRESSIONS, st.sampled_from(["commercial", "research"]))
def test_both_and_narrowed_never_open_what_one_closes(one, two, policy):
    one, two = canonical(one), canonical(two)
    joined = both([one, two])
    assert canonicalize_license_expression(joined)
    assert allows(policy, joined) is (allows(policy, one) and allows(policy, two))
    if allows(policy, narrowed(one, two)):
        assert allows(policy, one)
        assert allows(policy, two)
    elif allows(policy, one):
        assert not allows(policy, two)


@given(st.text() | st.text("()MIT ORANDWITH,;/&-.+ccbynd40"))
def test_any_text_is_something(text):
    found = canonical(text)
    assert canonical(found) == found
    if found:
        assert canonicalize_license_expression(found) == found
        assert licences_in(found)
    if text.strip() and not is_known(found):
        assert not (allows("commercial", text) and " OR " not in found)


def test_hostile_texts_are_quick():
    begun = time.process_time()  # others on the machine do not count
    for text in (
        "(" * 499,
        "(" * 249 + "MIT" + ")" * 249,
        "MIT OR " * 70 + "MIT",
        "a " * 1_000_000,
        "non " * 120,
        "cc by " * 80,
    ):
        canonical(text)
        allows("commercial", text)
    assert time.process_time() - begun < 2


def test_what_a_part_says_and_what_the_whole_says():
    assert narrowed("MIT", "CC-BY-NC-4.0") == "CC-BY-NC-4.0"
    assert narrowed("CC-BY-NC-4.0", "MIT") == "CC-BY-NC-4.0 AND MIT"
    assert narrowed("CC-BY-SA-4.0", "MIT") == "CC-BY-SA-4.0 AND MIT"
    assert narrowed("LicenseRef-own", "MIT") == "MIT"
    assert narrowed("", "MIT") == narrowed("MIT", "") == narrowed("MIT", "MIT") == "MIT"
    assert narrowed("CC-BY-NC-4.0", "MIT OR CC-BY-NC-4.0") == "CC-BY-NC-4.0 AND (MIT OR CC-BY-NC-4.0)"


def test_what_has_to_be_credited_and_shared():
    mit, nc = licences_in("MIT AND cc-by-nc-sa-4.0")
    assert (mit.id, mit.attribution, mit.share_alike) == ("MIT", True, False)
    assert (nc.id, nc.attribution, nc.share_alike, nc.commercial) == ("CC-BY-NC-SA-4.0", True, True, False)
    assert not licences_in("LicenseRef-whatever")[0].research


def test_the_table_is_spdx():
    facts = read_facts(FACTS)
    for one in facts.licences.values():
        if "*" not in one.id:
            assert canonicalize_license_expression(one.id) == one.id
    for text in facts.spelling.values():
        assert canonicalize_license_expression(text) == text
        assert is_known(text) or text in ("LGPLLR", UNKNOWN)


def test_mistakes_of_a_table_are_told_at_once(tmp_path):
    path = tmp_path / "licenses.toml"
    path.write_text(
        '[license]\nMIT = { name = "MIT" }\nX = { name = "", commercial = 1, extra = 2 }\n', encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        read_facts(path)
    for line in (
        "license.MIT.commercial: missing",
        "license.X.extra: unknown key",
        "license.X.commercial: Input should",
    ):
        assert line in str(caught.value)
