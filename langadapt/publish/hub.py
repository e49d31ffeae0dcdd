"""Sending a bundle to the Hub: one commit, whole or not at all. No key appears in what is said."""

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langadapt import __version__
from langadapt.errors import ConfigError, LangAdaptError, MachineError
from langadapt.publish.bundle import Bundle
from langadapt.publish.checks import masked

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_COMMIT = re.compile(r"[0-9a-f]{40}")
_LONG = 300
_HINTS = {
    401: "sign in with `hf auth login`, or set HF_TOKEN to a token that may write",
    403: "use a token that may write there, or name a place of yours with --to",
    404: "check the name given with --to, and that the token may see it",
    409: "somebody else is changing it: send it again",
    412: "somebody else has changed it meanwhile: send it again",
    429: "wait a while, then send it again",
}
_AGAIN = "send it again later: a commit is there whole or not at all"


@dataclass(frozen=True)
class Pushed:
    """Where a bundle is now; `changed` says whether a commit was needed, `warnings` what the Hub thinks of the card."""

    url: str
    commit: str
    changed: bool
    warnings: tuple[str, ...] = ()


def check_name(name: str) -> None:
    """Raise `ConfigError` for what the Hub takes for no name of a repository."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # documented, not declared

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise ConfigError(
            f"--to {name}: {str(error).splitlines()[0]}", hint="ORG/NAME, such as my-name/chat-de"
        ) from None
    if name.count("/") != 1:
        raise ConfigError(f"--to {name}: not of the form ORG/NAME", hint="such as my-name/chat-de")


def signed_in() -> str:
    """The name of the user whose token is at hand; raises `MachineError` where there is none, or the Hub knows none."""
    _check_token()
    with _telling("who is signed in"):
        return str(_api().whoami()["name"])


def push(bundle: Bundle, *, private: bool) -> Pushed:
    """Make the repository where it is not there, and send what is new in one commit; nothing new, no commit.

    What an earlier push left under the names that the bundle owns is removed in the same commit. Raises `MachineError` for
    whatever goes wrong on the way, and `ConfigError` where all may read the repository, and only some should.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    _check_token()
    api, name, kind = _api(), bundle.repository, bundle.kind
    with _telling(f"{kind} {name}"), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        made = api.create_repo(name, repo_type=kind, private=private, exist_ok=True)
        before = api.dataset_info(name) if kind == "dataset" else api.model_info(name)
        if private and before.private is False:
            raise ConfigError(
                f"{kind} {name} is public", hint="--public to send it there all the same, or another --to"
            )
        there = [one.rfilename for one in before.siblings or ()]
        sent = {file.path: file.place for file in bundle.files}
        stale = [path for path in there if path not in sent and _owned(bundle, path)]
        done = api.create_commit(
            name,
            [
                *(
                    CommitOperationAdd(path_in_repo=path, path_or_fileobj=place)
                    for path, place in sent.items()
                ),
                *(CommitOperationDelete(path_in_repo=path, is_folder=False) for path in stale),
            ],
            commit_message=f"{bundle.title} (langadapt {__version__})",
            repo_type=kind,
            parent_commit=before.sha if _COMMIT.fullmatch(before.sha or "") else None,
        )
        said = tuple(masked(" ".join(str(one.message).split())) for one in heard)
        return Pushed(str(made), done.oid, done.oid != before.sha, said)


def _check_token() -> None:
    from huggingface_hub import get_token

    if not get_token():
        raise MachineError("no token of the Hub is at hand", hint="`hf auth login`, or set HF_TOKEN")


def _owned(bundle: Bundle, path: str) -> bool:
    return any(path.startswith(mark) if mark.endswith("/") else path.endswith(mark) for mark in bundle.owns)


def _api() -> "HfApi":
    """The client of the Hub that the environment names now, not when the library was imported."""
    from huggingface_hub import HfApi

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT", "").rstrip("/") or None)


@contextmanager
def _telling(what: str) -> Iterator[None]:
    """What goes wrong between here and the Hub, in one line without keys."""
    try:
        yield
    except LangAdaptError:
        raise
    except Exception as error:  # noqa: BLE001 - the client raises its own errors, httpx's and others, all told alike
        wrong, hint = _told(error)
        raise MachineError(f"{what}: {masked(wrong)}", hint=hint) from None


def _told(error: BaseException) -> tuple[str, str]:
    chain = list(_chain(error))
    answered: Any = next((one for one in chain if getattr(one, "response", None) is not None), None)
    if answered is None:
        last = chain[-1]
        said = " ".join(str(last).split())[:_LONG] or type(last).__name__
        if type(error).__name__ == "OfflineModeIsEnabled":
            return said, "unset HF_HUB_OFFLINE"
        if isinstance(last, KeyError | TypeError | ValueError):
            return f"what the Hub answered cannot be read ({type(last).__name__}: {said})", _AGAIN
        return f"the Hub cannot be reached ({type(last).__name__}: {said})", f"check the network; {_AGAIN}"
    status = answered.response.status_code
    message = getattr(answered, "server_message", None) or answered.response.reason_phrase
    said = " ".join(str(error if status == 400 else message).split())[:_LONG]
    return f"the Hub answered {status}: {said}", _HINTS.get(status, _AGAIN)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__
