"""What every component is held to: it fits its interface, says what its settings are, and carries nothing but them."""

import dataclasses
import pickle
from typing import Any, ClassVar, get_type_hints

from langadapt.errors import ConfigError
from langadapt.registry import misfit
from langadapt.testing.contract import Contract

_ROOM = 1024
"""Bytes that a pickle may grow by use: the names of what is now known, never weights."""


class ComponentContract(Contract):
    """A contract for what `make` returns. One component serves all checks, so that a model is loaded few times."""

    _held: ClassVar[Any] = None

    def make(self) -> Any:
        """A new component, as its author would have it used."""
        raise NotImplementedError(
            f"{type(self).__qualname__} has no `make`: let it return a new {self.kind} of yours"
        )

    @property
    def component(self) -> Any:
        """The component that the checks share."""
        cls = type(self)
        if vars(cls).get("_held") is None:
            cls._held = self.make()
        return cls._held

    def renewed(self) -> Any:
        """A new component in the place of the one that the checks shared, which knows nothing of what was before."""
        cls = type(self)
        cls.teardown_class()
        cls._held = self.make()
        return cls._held

    @property
    def named(self) -> str:
        """The component's class, as messages begin."""
        return type(self.component).__qualname__

    @classmethod
    def teardown_class(cls) -> None:
        """Close what the checks shared."""
        held, cls._held = vars(cls).get("_held"), None
        if held is not None:
            held.close()

    def use(self, component: Any) -> Any:
        """Have a component do its work once; gives what two equal components must both give."""
        raise NotImplementedError

    def test_fits_its_interface(self) -> None:
        """The registry takes it, and its settings cannot change under way."""
        kind: Any = type(self.component)
        problem = misfit(self.kind, kind)
        assert not problem, f"{self.named} {problem}: langadapt.interfaces says what a {self.kind} has"
        params = kind.__dataclass_params__
        fixed = params.frozen and all(item.kw_only for item in dataclasses.fields(kind))
        assert fixed, (
            f"{self.named} is no frozen, keyword-only dataclass: write @dataclass(frozen=True, kw_only=True)"
        )

    def test_settings_are_documented(self) -> None:
        """Each field is written as `Annotated[type, "what it does"]`, which the command line shows."""
        kind: Any = type(self.component)
        try:
            hints = get_type_hints(kind, include_extras=True)
        except NameError as error:
            raise AssertionError(
                f"{self.named}: the type of a setting is not known when it runs ({error}); "
                f"import it outside `if TYPE_CHECKING`"
            ) from error
        bare = [
            item.name
            for item in dataclasses.fields(kind)
            if not any(
                isinstance(note, str) and note.strip()
                for note in getattr(hints[item.name], "__metadata__", ())
            )
        ]
        assert not bare, (
            f"{self.named} does not say what {', '.join(bare)} does: "
            f'write each setting as `{bare[0]}: Annotated[type, "what it does"]`'
        )

    def test_equal_settings_are_equal_components(self) -> None:
        """Two with the same settings are equal: a stage is skipped and a translation found again by settings."""
        one, other = self.make(), self.make()
        different = [
            item.name
            for item in dataclasses.fields(one)
            if item.compare and getattr(one, item.name) != getattr(other, item.name)
        ]
        assert one == other, (
            f"two {self.named} with the same settings differ"
            + (f" in {', '.join(different)}" if different else "")
            + ": settings are values that compare by what they hold, and the dataclass compares by them"
        )

    def test_pickles_its_settings_only(self) -> None:
        """It travels to another process without what it has loaded, and works there as it does here."""
        fresh = len(self._pickled(self.make()))
        expected = self.use(self.component)
        carried = self._pickled(self.component)
        assert len(carried) <= fresh + _ROOM, (
            f"{self.named} pickles to {len(carried)} bytes after use and {fresh} before: it carries what it loaded; "
            f"load into a `cached_property` and take the mix-in langadapt.interfaces.Loads"
        )
        again = pickle.loads(carried)  # noqa: S301 - written two lines above
        assert again == self.component, (
            f"{self.named} is not equal to itself after a pickle: its pickle must carry all settings, and nothing else"
        )
        self.component.close()
        found = self.use(again)
        again.close()
        assert found == expected, (
            f"{self.named} gives other results after a pickle: {_differ(expected, found)}; "
            f"let results depend on settings alone"
        )

    def test_closes_and_works_again(self) -> None:
        """`close` may be called twice, before any work too, and what was freed is loaded again when it is needed."""
        self._closed(self.component, "after work")
        self._closed(self.make(), "before any work")
        component = self.renewed()
        expected = self.use(component)
        self._closed(component, "after work")
        try:
            found = self.use(component)
        except ConfigError:
            raise
        except Exception as error:
            raise AssertionError(
                f"{self.named} does not work after `close`: {error}; "
                f"let `close` forget what was loaded, so that it is loaded again"
            ) from error
        assert found == expected, (
            f"{self.named} gives other results after `close`: {_differ(expected, found)}; "
            f"let results depend on settings alone"
        )

    def _closed(self, component: Any, when: str) -> None:
        for count in ("once", "twice"):
            try:
                component.close()
            except Exception as error:
                raise AssertionError(
                    f"{self.named}.close raises {type(error).__name__}: {error} when it is called {count} {when}: "
                    f"free only what is there"
                ) from error

    def _pickled(self, component: Any) -> bytes:
        try:
            return pickle.dumps(component)
        except Exception as error:
            raise AssertionError(
                f"{self.named} does not pickle: {type(error).__name__}: {error}; it must stand at the top of a module, "
                f"and take the mix-in langadapt.interfaces.Loads where it loads anything"
            ) from error


def _differ(one: Any, other: Any) -> str:
    """The first place where two lists of results differ."""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        one, other = next(pair for pair in zip(one, other, strict=True) if pair[0] != pair[1])
    return f"{one!r:.200} became {other!r:.200}"
