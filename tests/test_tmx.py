"""TMX as tools of translators write it, and as nobody should."""

from xml.parsers import expat

import pytest

from langadapt.errors import DataError
from langadapt.exchange import Findings, read_units, write_units
from langadapt.holdings import Unit

PAIR = {"source": "en", "target": "de"}


def read(path, **changes):
    found = Findings(path)
    return list(read_units(path, found, **PAIR | changes)), found


def tmx(path, body, doctype="", languages=("en", "de")):
    texts = body if isinstance(body, str) else "".join(
        f"<tu>{''.join(f'<tuv xml:lang={code!r}><seg>{text}</seg></tuv>' for code, text in zip(languages, unit, strict=True))}</tu>\n"
        for unit in body
    )  # fmt: skip
    path.write_text(
        f'<?xml version="1.0"?>\n{doctype}\n<tmx version="1.4"><header/>\n<body>\n{texts}</body></tmx>',
        "utf-8",
    )
    return path


def test_a_tmx_has_what_the_standard_asks_for_and_protects_placeholders(tmp_path):
    path = tmp_path / "units.tmx"
    write_units(path, [Unit(source="a <x1>", target="<x1> b\x0b", made="2026-01-31 10:20:30")], **PAIR)
    seen = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: seen.append((name, attributes))
    parser.Parse(path.read_bytes(), True)
    found = dict(seen)
    assert found["tmx"] == {"version": "1.4"}
    assert set(found["header"]) >= {
        "creationtool", "creationtoolversion", "segtype", "o-tmf", "adminlang", "srclang", "datatype",
    }  # fmt: skip
    assert found["tu"]["changedate"] == "20260131T102030Z"
    assert [attributes for name, attributes in seen if name == "tuv"] == [
        {"xml:lang": "en"},
        {"xml:lang": "de"},
    ]
    assert [attributes for name, attributes in seen if name == "ph"] == [
        {"x": "1"},
        {"x": "1"},
        {"type": "x-char"},
    ]


def test_inline_elements_of_other_tools(tmp_path):
    path = tmp_path / "units.tmx"
    source = '<bpt i="1">&lt;b&gt;</bpt>bold<ept i="1">&lt;/b&gt;</ept> <hi>high</hi> <ph x="3">{3}</ph> <it pos="begin">[i]</it>'
    tmx(
        path, [(source, '<ph x="3" type="var"/> t'), ("lost <ph/>", "x"), ("sub <ph>a<sub>b</sub></ph>", "x")]
    )
    one, empty, sub = read(path)[0]
    assert (one.source, one.target, one.line) == ("<b>bold</b> high <x3> [i]", "<x3> t", 5)
    assert "an empty <ph/>" in empty.fault
    assert "<sub>" in sub.fault
    assert sub.line == 7
    tmx(path, [("half <ph type='x-char'>U+D800</ph>a character", "x")])
    (half,) = read(path)[0]
    assert (half.source, "U+D800" in half.fault) == ("half a character", True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings_of_tmx(tmp_path, encoding):
    path = tmp_path / "units.tmx"
    text = tmx(path, [("a", "ä")], '<!DOCTYPE tmx SYSTEM "tmx14.dtd">').read_text("utf-8")
    path.write_bytes(
        text.replace('"1.0"', f'"1.0" encoding="{encoding.removesuffix("-sig")}"', 1).encode(encoding)
    )
    assert read(path)[0][0].target == "ä"


@pytest.mark.parametrize(
    ("doctype", "body", "line", "says"),
    [
        ('<!DOCTYPE tmx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>', "<tu>&b;</tu>", 2, "entity"),
        ('<!DOCTYPE tmx [\n<!ENTITY x SYSTEM "file:///etc/hostname">]>', "<tu>&x;</tu>", 3, "entity"),
        ('<!DOCTYPE tmx [<!ENTITY % x SYSTEM "http://localhost/x"> %x;]>', "", 2, "entity"),
        ('<!DOCTYPE tmx SYSTEM "http://localhost/evil.dtd">', "", 2, "document type"),
        ("<!DOCTYPE html>", "", 2, "document type"),
        ('<!DOCTYPE tmx SYSTEM "tmx14.dtd">', "<tu>\n<tuv>&nbsp;</tuv></tu>", 6, "&nbsp;"),
        ("", "<tu>" * 10_000, 5, "deep"),
        ("", f"<!-- {'x' * (9 << 20)} -->", 5, "MiB"),
        ("", f"<tu><tuv xml:lang='en'><seg>{'x ' * (5 << 20)}</seg></tuv></tu>", 5, "million characters"),
        ("", f"<tu>{'<tuv/>' * 500_000}</tu>", 5, "million characters"),
        ("", "<tu><tuv></tu>", 5, "mismatched"),
        ("", "<tu>&#11;</tu>", 5, "well-formed"),
    ],
)  # fmt: skip
def test_hostile_and_broken_xml_is_refused_with_its_line(tmp_path, doctype, body, line, says):
    path = tmx(tmp_path / "units.tmx", body, doctype)
    with pytest.raises(DataError, match=says) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
