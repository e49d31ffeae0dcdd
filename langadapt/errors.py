"""Every error that a user may see: what and where, what to do next, and the exit code."""

from collections.abc import Iterable


class LangAdaptError(Exception):
    """What went wrong and where; `hint` is the next thing to type or to change."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(LangAdaptError):
    """A recipe, a pack, an option or a setting is wrong."""

    exit_code = 2

    @classmethod
    def of(cls, mistakes: Iterable[str], *, where: str, hint: str = "") -> "ConfigError":
        """All mistakes of one place in one error, so that one edit mends them."""
        found = list(mistakes)
        if len(found) == 1:
            return cls(f"{where}: {found[0]}", hint=hint)
        return cls(
            "\n".join([f"{where}: {len(found)} mistakes", *(f"  {line}" for line in found)]), hint=hint
        )


class ComponentError(LangAdaptError):
    """A component or a library that it needs is missing or broken."""

    exit_code = 3


class DataError(LangAdaptError):
    """A file or row cannot be used."""

    exit_code = 4


class MachineError(LangAdaptError):
    """The accelerator, the disk or a lock stands in the way."""

    exit_code = 5
