"""Sets of tasks that are asked for by one name and never stand in one table: the pack's, and those of `benchmarks.toml`."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from langadapt.errors import ConfigError
from langadapt.languages import LanguagePack
from langadapt_plugins.evaluators.benchmarks import named_sets, set_names, task_names


@dataclass(frozen=True)
class TaskSet:
    """Task names by benchmark; `shots` by benchmark where the set gives other examples than its tasks do."""

    name: str
    tasks: Mapping[str, Sequence[str]]
    shots: Mapping[str, int] = field(default_factory=dict)

    def benchmark(self, task: str) -> str:
        """The benchmark that a task is this set's version of; empty where it is none."""
        return next((name for name, tasks in self.tasks.items() if task in tasks), "")


def task_sets(pack: LanguagePack) -> dict[str, TaskSet]:
    """Every set of a language by its name; the pack's own before those of lm-eval's tasks."""
    found = {name: TaskSet(name, tasks) for name, tasks in pack.sets.items()}
    for name, row in named_sets(pack.language).items():
        if tasks := {benchmark: names for benchmark, names in row.names.items() if names}:
            found.setdefault(name, TaskSet(name, tasks, row.shots))
    return found


def spelled_out(wanted: Iterable[str], pack: LanguagePack) -> list[str]:
    """Names of tasks and groups, those of sets in their place, each once. Raises `ConfigError` for an empty set."""
    sets = task_sets(pack)
    return list(dict.fromkeys(name for one in wanted for name in _members(one, sets, pack)))


def _members(name: str, sets: Mapping[str, TaskSet], pack: LanguagePack) -> Iterator[str]:
    if name in pack.sets or name not in set_names():
        own = sets[name].tasks.values() if name in sets else ([name],)
        yield from (task for tasks in own for task in tasks)
        return
    listed = sets[name].tasks.values() if name in sets else ()
    there = [task for tasks in listed for task in tasks if task in task_names()]
    if not there:
        raise ConfigError(
            f"harness.tasks: lm-eval has no task of the set {name!r} in {pack.language.name}",
            hint="name tasks of lm-eval (`lm-eval ls tasks`) or of the pack",
        )
    yield from there


@dataclass(frozen=True)
class Places:
    """Where tasks and groups belong: set, benchmark and the set's shots by name; what belongs nowhere has no entry."""

    sets: dict[str, str] = field(default_factory=dict)
    benchmarks: dict[str, str] = field(default_factory=dict)
    shots: dict[str, int] = field(default_factory=dict)


def places(tasks: Collection[str], groups: Mapping[str, Sequence[str]], pack: LanguagePack) -> Places:
    """The set and benchmark of each task and group; `groups` names all tasks of each, and these belong where it does.

    Raises `ConfigError` for a group whose tasks are of several sets: no average is taken across them.
    """
    found = Places()
    for one in task_sets(pack).values():
        for name in [*groups, *tasks]:
            benchmark = one.benchmark(name)
            for member in (name, *groups.get(name, ())) if benchmark else ():
                if member not in found.sets:
                    found.sets[member], found.benchmarks[member] = one.name, benchmark
                    if benchmark in one.shots:
                        found.shots[member] = one.shots[benchmark]
    for group, members in groups.items():
        mixed = list(dict.fromkeys(found.sets[member] for member in members if member in found.sets))
        if len(mixed) > 1:
            raise ConfigError(
                f"harness.tasks: the group {group!r} holds tasks of the sets {' and '.join(mixed)}",
                hint="name the sets one by one: each has a table of its own, and no average is taken across them",
            )
        if mixed:
            found.sets.setdefault(group, mixed[0])
    return found
