"""`ray` on a real cluster of this machine: two workers, some of which are killed."""

import os
import pickle
import signal
import time
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest
from processes import wait_for
from shouting import Shouting
from tiny import tiny_model

from langadapt.config import Builder, Layer, leaves
from langadapt.errors import ConfigError, DataError, MachineError
from langadapt.identity import component_identity
from langadapt.interfaces import ModelRef, Segment, Translator
from langadapt.languages import Language, LanguagePack
from langadapt.memory import Remembering, TranslationMemory
from langadapt.retry import Retry
from langadapt.testing import TranslatorContract
from langadapt_plugins.translators.ray import RayTranslator
from langadapt_plugins.translators.transformers import TransformersTranslator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
]

EN, DE = Language.of("en"), Language.of("de")
WORDS = "the cat sat on a mat and said hello to every small blue house near our long river today"


def sentences(count, seed=0):
    draw = Random(seed)
    return [f"{n} " + " ".join(draw.choices(WORDS.split(), k=draw.randint(1, 30))) for n in range(count)]


def told(translator, texts):
    """The hypotheses in order, each of which came once."""
    pairs = list(translator.translate([Segment(text=text) for text in texts], source=EN, target=DE))
    assert sorted(index for index, _ in pairs) == list(range(len(texts)))
    return [hypothesis for _, hypothesis in sorted(pairs, key=lambda pair: pair[0])]


@pytest.fixture(scope="module")
def inner(tmp_path_factory):
    folder = tiny_model(
        tmp_path_factory.mktemp("tiny"), ["Translate this from English to German:\n", *sentences(300, 1)]
    )
    return TransformersTranslator(
        model=ModelRef(str(folder)), family="alma", dtype="float32", device="cpu", batch_size=4,
        new_tokens_at_most=24, new_tokens_per_token=1.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def spread(inner):
    """Two workers on a cluster that is started for them; the workers of other tests join it."""
    before = children()
    made = RayTranslator(translator=inner, workers=2, cpus=0.5, block=5)
    told(made, sentences(8))  # one for each block, so that both load at once
    assert children() > before
    yield made
    made.close()
    wait_for(lambda: children() <= before, 60)


def children():
    """The processes that this one has begun."""
    return {
        pid
        for path in Path("/proc/self/task").glob("*/children")
        for pid in held(path).split()
        if "resource_tracker" not in held(f"/proc/{pid}/cmdline")
    }


def held(path):
    with suppress(OSError):  # what ends meanwhile holds nothing
        return Path(path).read_text()
    return ""


@pytest.fixture
def shouting(spread, tmp_path):
    """Makes translators that join the cluster."""
    made = []

    def make(workers=2, restarts=2, **settings):
        made.append(
            RayTranslator(
                translator=Shouting(notes=tmp_path / "notes", **settings),
                workers=workers,
                cpus=0.0,
                block=3,
                restarts=restarts,
            )
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_text_is_that_of_the_translator_alone(spread, inner):
    assert isinstance(spread, Translator)
    texts = [*sentences(31), "", "one line\nand another", WORDS * 20]
    alone = told(inner, texts)
    assert told(spread, texts) == alone
    assert told(spread, texts[::-1])[::-1] == alone
    assert {one.finish for one in alone} >= {"length", "error", "too-long"}
    assert len({one.text for one in alone}) > 10


def test_the_longest_first_and_results_before_the_last_block(shouting):
    translator = shouting(slow=0.2)
    texts = [Segment(text="a" * (n + 1)) for n in range(24)]
    running = translator.translate(texts, source=EN, target=DE)
    first, _ = next(running)
    assert first > 17
    assert len(translator.translator.noted) < 16
    running.close()


def test_no_texts(tmp_path):
    translator = RayTranslator(translator=Shouting(notes=tmp_path))
    assert told(translator, []) == []
    assert "_crew" not in vars(translator)


@pytest.mark.parametrize("how", ["ray.kill", "SIGKILL"])
def test_what_a_killed_worker_had_is_done_again(shouting, how, capfd):
    import ray

    texts = sentences(40, seed=2)
    translator = shouting(slow=0.05)
    running = translator.translate([Segment(text=text) for text in texts], source=EN, target=DE)
    pairs = [next(running)]
    before = list(translator._crew.workers)
    if how == "ray.kill":
        ray.kill(before[0])
    else:
        os.kill(ray.get(before[0].process.remote()), signal.SIGKILL)
    pairs += running
    assert sorted(index for index, _ in pairs) == list(range(40))
    assert all(one.text == texts[index].upper() for index, one in pairs)
    workers = zip(translator._crew.workers, before, strict=True)
    assert [now is then for now, then in workers] == [False, True]
    assert capfd.readouterr() == ("", "")


def test_a_text_that_ends_its_process_once(shouting):
    texts = sentences(20)
    translator = shouting(deadly=texts[4])
    assert [one.text for one in told(translator, texts)] == [text.upper() for text in texts]
    assert translator.translator.noted.count(texts[4]) == 2


@pytest.mark.parametrize("restarts", [0, 2])
def test_a_text_that_ends_every_process_is_given_up_and_those_beside_it_are_not(shouting, restarts):
    texts = sentences(20)
    translator = shouting(deadly=texts[4], lives=99, restarts=restarts, workers=1)
    answers = told(translator, texts)
    lost = [number for number, one in enumerate(answers) if not one.finished]
    assert (4 in lost, len(lost)) == (True, 1 if restarts else 3)
    assert answers[4].finish == "error"
    assert answers[4].reason.startswith(f"worker: it ended {restarts + 1} times")
    assert translator.translator.noted.count(texts[4]) == restarts + 1


def test_workers_that_only_end_are_an_error(shouting):
    translator = shouting(deadly="*", lives=99, restarts=0)
    with pytest.raises(MachineError, match="end one after another, 4 by now"):
        told(translator, sentences(30))


def test_errors_come_as_they_are(shouting, spread):
    translator = shouting()
    with pytest.raises(DataError, match=r"^nobody heard it$") as caught:
        told(translator, [*sentences(5), "unheard"])
    assert (type(caught.value), caught.value.hint) == (DataError, "say it again")
    with pytest.raises(RuntimeError, match=r"^boom$"):
        told(translator, ["boom"])
    assert told(translator, ["once more"])[0].text == "ONCE MORE"
    with pytest.raises(ConfigError, match="Swahili"):
        list(spread.translate([Segment(text="hello")], source=EN, target=Language.of("sw")))


@pytest.mark.parametrize("end", [GeneratorExit, KeyboardInterrupt])
def test_who_leaves_half_way_stops_the_workers(shouting, end):
    translator = shouting(slow=0.1)
    running = translator.translate([Segment(text=text) for text in sentences(60)], source=EN, target=DE)
    next(running)
    with pytest.raises(end):
        running.throw(end)
    time.sleep(0.5)
    noted = len(translator.translator.noted)
    assert noted < 20
    time.sleep(0.5)
    assert len(translator.translator.noted) == noted
    assert told(translator, ["once more"])[0].text == "ONCE MORE"


def test_close_ends_only_its_own(shouting, spread):
    import ray

    translator = shouting()
    told(translator, ["hello"])
    worker = translator._crew.workers[0]
    translator.close()
    with pytest.raises(ray.exceptions.ActorDiedError):  # noqa: PT012 - asked until it is known
        for _ in range(300):  # the cluster ends it a moment later
            ray.get(worker.ready.remote())
            time.sleep(0.1)
    assert told(spread, ["hello"])
    assert ray.is_initialized()


def test_nobody_is_told(spread):
    from ray._common.usage import usage_lib

    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert not usage_lib.usage_stats_enabled()


def test_gpus_that_are_not_there(spread, monkeypatch):
    with pytest.raises(MachineError, match=r"2 workers with 99\.0 GPUs each do not fit"):
        told(replace(spread, gpus=99.0), ["hello"])
    monkeypatch.setattr("langadapt_plugins.translators.ray._PATIENCE_S", 1.0)
    joining = replace(spread, gpus=99.0, address="auto")
    with pytest.raises(MachineError, match=r"within 1 s: one needs 0\.5 CPUs and 99\.0 GPUs"):
        told(joining, ["hello"])
    joining.close()


def test_what_cannot_travel_is_named(inner, tmp_path, spread):
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    memory._connect()
    with pytest.raises(ConfigError, match="Remembering cannot be sent to workers") as caught:
        told(replace(spread, translator=Remembering(inner=inner, memory=memory)), ["hello"])
    assert "around `ray`" in caught.value.hint
    memory.close()


@pytest.mark.parametrize(
    "setting", [{"workers": 0}, {"block": 0}, {"cpus": -1.0}, {"gpus": -0.5}, {"restarts": -1}]
)
def test_impossible_settings_are_refused(inner, setting):
    with pytest.raises(ConfigError, match=next(iter(setting))):
        RayTranslator(translator=inner, **setting)


def test_it_is_remembered_as_the_translator_that_it_spreads(inner):
    made = RayTranslator(translator=inner)
    assert component_identity(Retry(inner=made), "memory") == component_identity(Retry(inner=inner), "memory")
    assert component_identity(made, "fingerprint") == component_identity(
        replace(made, workers=9, address="auto", block=7, cpus=4.0), "fingerprint"
    )
    assert component_identity(made, "fingerprint") != component_identity(
        replace(made, translator=replace(inner, beams=2)), "fingerprint"
    )


def test_the_wrappers_stand_around_ray_and_not_within(inner, tmp_path, monkeypatch):
    from langadapt import registry

    found, find, load = registry.Found("translator", "ray", "tests", "1", "x:y"), registry.find, registry.load
    monkeypatch.setattr(registry, "find", lambda kind, name: found if name == "ray" else find(kind, name))
    monkeypatch.setattr(
        registry,
        "load",
        lambda one, *, needed=False: RayTranslator if one is found else load(one, needed=needed),
    )
    own = {"use": "transformers", "model": inner.model.name, "family": "alma", "dtype": "float32"}
    table = {"workers": 3, "translator": own}
    builder = Builder(LanguagePack.bare("de"), {}, memory=TranslationMemory(tmp_path / "memory.sqlite"))
    made = builder.build("translator", "ray", leaves(table, Layer("recipe", tmp_path)), "translate")
    assert (type(made), type(made.inner), type(made.inner.inner)) == (Remembering, Retry, RayTranslator)
    assert made.inner.inner.translator == TransformersTranslator(
        model=inner.model, family="alma", dtype="float32"
    )
    pickle.dumps(made.inner.inner)


class TestContract(TranslatorContract):
    @pytest.fixture(autouse=True)
    def _cluster(self, spread, tmp_path_factory):
        type(self).notes = tmp_path_factory.getbasetemp() / "contract-notes"

    def make(self):
        return RayTranslator(translator=Shouting(notes=self.notes), cpus=0.0)
