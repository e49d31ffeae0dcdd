"""The gate `numbers`, language by language: how each says figures, units and hours, and what it must not let pass."""

import pytest

from langadapt.interfaces import SegmentPair, Translation
from langadapt.languages import Language, LanguagePack
from langadapt.records import Text
from langadapt_plugins.filters.numbers import Numbers


def judged(code, source, target, pack=None):
    pairs = (SegmentPair(source=source, target=target, text=0),)
    done = Translation(source=Text(id="1", text=source), target=Text(id="1", text=target), pairs=pairs)
    pack = pack or LanguagePack.bare(code)
    return Numbers().filter([done], source=Language.of("en"), pack=pack)[0]


KEPT = [
    ("ja", "The town has 12,000 people.", "その町の人口は1万2000人です。"),
    ("ja", "It sold 120,005,000 copies.", "1億2000万5000部売れた。"),
    ("ko", "The town has 12,000 people.", "그 마을의 인구는 1만 2,000명이다."),
    ("ja", "It cost $5M.", "500万ドルかかった。"),
    ("de", "It cost $5M.", "Es kostete 5 Millionen Dollar."),
    ("fr", "It cost $5m.", "Cela a coûté 5 millions de dollars."),
    ("ja", "It is for teenagers.", "10代向けです。"),
    ("ja", "Wait a couple of days.", "2、3日待ってください。"),
    ("ja", "Drive at 60 km/h.", "時速60キロで走ってください。"),
    ("de", "Drive at 60 kilometers per hour.", "Fahren Sie 60 km/h."),
    ("ru", "Drive at 60 kilometers per hour.", "Поезжайте 60 км/ч."),
    ("ja", "Drive at 60 mph.", "時速60マイルで走ってください。"),
    ("ja", "The heater takes 5 kW.", "ヒーターは5キロワットです。"),
    ("fr", "The heater takes 5 kW.", "Le radiateur prend 5 kilowatts."),
    ("es", "It is 5 kilobytes.", "Son 5 kB."),
    ("ja", "The songs of the 1980s.", "1980年代の歌。"),
    ("zh", "The songs of the 1980s.", "1980年代的歌。"),
    ("ja", "At 3:30 it was 30°C.", "3時30分に30度でした。"),
    ("ar", "He paid 2,000 dinars.", "دفع ألفي دينار."),
    ("ar", "It took 200 days.", "استغرق مئتي يوم."),
    ("ar", "He has 6 brothers.", "لديه ستة إخوة."),
    ("ar", "At 12 o'clock it begins.", "يبدأ عند الظهر."),
    ("sw", "Come at 10 in the evening.", "Njoo saa 4 usiku."),
    ("sw", "It is 7 o'clock.", "Ni saa 1."),
    ("de", "Come at 10 in the evening.", "Kommen Sie um 22 Uhr."),
    ("sw", "It is 5 km away.", "Iko umbali wa kilomita 5."),
    ("sw", "It weighs 5 kg, not 5 lb.", "Ina uzito wa kg 5, si pauni 5."),
    ("sw", "3.5 million people and $2 billion.", "Watu milioni 3.5 na dola bilioni 2."),
    ("sw", "They were 23.", "Walikuwa ishirini na watatu."),
    ("sw", "It is the 3rd of 7.", "Ni ya tatu kati ya saba."),
    ("es", "She is 22, he is 26.", "Ella tiene veintidós, él veintiséis."),
    ("es", "Page 700 of 900.", "La página setecientos de novecientas."),
    ("es", "There were 550 guests.", "Hubo quinientos cincuenta invitados."),
    ("pt", "There were 550 guests.", "Havia quinhentos e cinquenta convidados."),
]  # fmt: skip


@pytest.mark.parametrize(("code", "source", "target"), KEPT)
def test_what_a_language_says_in_its_own_way_is_kept(code, source, target):
    verdict = judged(code, source, target)
    assert verdict.keep, verdict.reason


DROPPED = [
    ("ja", "The town has 12,000 people.", "その町の人口は1万3000人です。", "became"),
    ("ja", "In 10,000 of 2024.", "1万、2023", "became"),
    ("de", "It cost $5M.", "Es kostete 5 Millionen Euro.", "Euro"),
    ("ja", "Drive at 60 km/h.", "時速60マイルで走ってください。", "マイル"),
    ("ja", "Wait 30 seconds.", "30年待ってください。", "30 seconds"),
    ("de", "It takes 5 kilos.", "Es braucht 5 Meilen.", "Meilen"),
    ("ar", "We need 6 of them.", "نستخدم منها ما نحتاج.", "6 is missing"),
    ("ar", "There are 1,000 ways.", "الفرق كبير.", "1,000 is missing"),
    ("ar", "He has 9 goals.", "تسعى إلى أهداف.", "9 is missing"),
    ("sw", "There are 7 reasons.", "Kuna sababu nyingi.", "7 is missing"),
    ("sw", "Use 100 of them.", "Tumia nyingi.", "100 is missing"),
    ("sw", "Solve 3 of them.", "Jaribu kutatua hayo.", "3 is missing"),
    ("sw", "He lived there in 5 houses.", "Ameishi huko katika nyumba nyingi.", "5 is missing"),
    ("sw", "It is 5 km away.", "Iko umbali wa maili 5.", "5 km"),
    ("sw", "There are 3.5 million people.", "Kuna watu bilioni 3.5.", "3.5 million"),
    ("sw", "It took 20 minutes.", "Ilichukua saa 20.", "20 minutes"),
    ("es", "There are 5 of them and 100 more.", "Hay quinientos.", "missing"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "source", "target", "reason"), DROPPED)
def test_what_only_looks_like_a_number_or_its_unit_explains_nothing(code, source, target, reason):
    verdict = judged(code, source, target)
    assert not verdict.keep
    assert reason in verdict.reason


def test_a_pack_says_its_decimal_mark(tmp_path):
    literals = tmp_path / "literals.toml"
    literals.write_text('decimal_comma = true\n[numbers]\ndecimal = ""\n', encoding="utf-8")
    pack = LanguagePack(Language.of("es"), tmp_path)
    assert judged("es", "It is 3.5 m or 2.5 m.", "Son 3,5 m o 2.5 m.", pack).keep
    literals.write_text('[numbers]\ndecimal = ","\n', encoding="utf-8")
    pack = LanguagePack(Language.of("es-MX"), tmp_path)
    assert not judged("es", "It is 2.5 m.", "Son 2.5 m.", pack).keep
