"""Messages that answer each other, as OpenAssistant publishes them, become conversations: the best path of each tree."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from langadapt.errors import DataError
from langadapt.prepare.mapping import Tree
from langadapt.records import Row

Placed = tuple[str, int, Any]
_ROLES = {"prompter": "user", "assistant": "assistant", "system": "system"}
_APART = "sort the rows by their tree first"


def paths(rows: Iterable[Placed], tree: Tree) -> Iterator[tuple[str, int, Row, Row]]:
    """Place, number and row of each tree's root, and the conversation along its best-ranked replies.

    At each message the reply with the lowest rank goes on (one without rank after those with one), and what is deleted,
    failed its review or is in another language than the root does not. The path ends with an answer; a tree without any
    gives nothing. One tree is held at a time: its rows stand next to each other, in any order. Raises `DataError` where
    they do not.
    """
    held: list[Placed] = []
    done: set[str] = set()
    key: str | None = None
    for place, number, row in rows:
        name = _of(row, tree, place)
        if name != key:
            if key is not None:
                yield from _path(held, tree)
                done.add(key)
            if name in done:
                raise DataError(
                    f"{place}: the tree {name!r} began further up, and others lie between", hint=_APART
                )
            held, key = [], name
        held.append((place, number, row))
    if held:
        yield from _path(held, tree)


def _of(row: Any, tree: Tree, place: str) -> str:
    if not isinstance(row, dict):
        raise DataError(
            f"{place}: a row is an object, not {type(row).__name__}", hint="one JSON object per line"
        )
    for column in (tree.id, tree.tree, tree.role, tree.text):
        if not isinstance(row.get(column), str):
            raise DataError(f"{place}: {column} must be text", hint="choose the reader that fits the data")
    if row[tree.role] not in _ROLES:
        raise DataError(f"{place}: role {row[tree.role]!r}", hint=f"roles are {', '.join(_ROLES)}")
    return str(row[tree.tree])


def _path(held: list[Placed], tree: Tree) -> Iterator[tuple[str, int, Row, Row]]:
    ids = {row[tree.id] for _, _, row in held}
    below: dict[Any, list[Row]] = {}
    roots = []
    for one in held:
        place, _, row = one
        parent = row.get(tree.parent)
        if parent is None or parent == "":
            roots.append(one)
        elif parent not in ids:
            raise DataError(f"{place}: no row of its tree is the {tree.parent} {parent!r}", hint=_APART)
        else:
            below.setdefault(parent, []).append(row)
    if len(roots) != 1:
        raise DataError(f"{held[0][0]}: a tree has one root, this one {len(roots)}", hint=_APART)
    place, number, root = roots[0]
    path = [root] if _good(root, root, tree) else []
    met = {root[tree.id]}
    while path:
        replies = [
            row
            for row in below.get(path[-1][tree.id], [])
            if _good(row, root, tree) and row[tree.id] not in met
        ]
        if not replies:
            break
        path.append(min(replies, key=lambda row: _rank(row, tree)))
        met.add(path[-1][tree.id])
    while path and path[-1][tree.role] != "assistant":
        path.pop()
    if path:
        messages = [{"role": _ROLES[row[tree.role]], "content": row[tree.text]} for row in path]
        found: Row = {"source_id": root[tree.tree], "messages": messages}
        language = root.get(tree.language)
        yield place, number, root, {**found, **({"language": language} if isinstance(language, str) else {})}


def _good(row: Row, root: Row, tree: Tree) -> bool:
    return (
        not row.get(tree.deleted)
        and row.get(tree.review) is not False
        and row.get(tree.language) == root.get(tree.language)
    )


def _rank(row: Row, tree: Tree) -> float:
    rank = row.get(tree.rank)
    known = isinstance(rank, int | float) and not isinstance(rank, bool) and math.isfinite(rank)
    return float(rank) if known and rank is not None else math.inf
