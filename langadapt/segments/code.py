"""Code that stands in no fence: runs of lines of which none is prose and some can be nothing but code."""

import re
from collections.abc import Iterator, Sequence

_TYPES = "void|int|long|short|double|float|bool|boolean|char|string|String|auto|unsigned|size_t|var|let|const"
_SURE = re.compile(
    rf"""[ \t]*(?:
      (?:async[ ])?def[ ]\w+(?:\(.*)?
    | (?:public[ ]|abstract[ ]|final[ ])*class[ ]\w+(?:\(.*\))?:\s*
    | (?:import[ ](?:static[ ])?[\w.]+(?:\.\*)?(?:[ ]as[ ]\w+)?(?:,[ ]*[\w.]+)*;?|import[ ]["'].*["'];?|from[ ][\w.]+[ ]import[ ].+)\s*
    | (?:package|using)[ ][\w.]+;\s*|package[ ]\w+\s*|pause\s*|set[ ]\w+=.*
    | (?:el)?if[ ].*[\w)\]"'](?::|[ ]then)\s*(?:\#.*|return.*)?
    | (?:if|while)[ ]\[\[?[ ].*|for[ ]\w+[ ]in[ ].*[*$/{{;].*|for[ ]?\(.*
    | (?:for[ ][\w, ()]+[ ]in[ ].+|while[ ].*[=<>()!\[].*|with[ ].+\).*):\s*(?:\#.*)?
    | (?:else|try|finally|except(?:[ ]\w.*)?):\s*
    | (?:return|yield|raise|throw|await|assert|del)[ ].*[()\[\]{{}}+*/=<>.%-].*\w?[\])}};\w"']\s*
    | (?:return|break|continue|pass|fi|done|esac|end|endmodule|endfunction)\b[ ]?\w*;?\s*
    | (?:print|println|printf|echo|console\.log|System\.out\.print\w*|std::\w+|cout|cin)\b[ ]?(?:\(.*|<<.*|>>.*|["'].*|.*[%$]\w.*)
    | \#[ ]?(?:include|define|ifdef|ifndef|endif|pragma)\b.*
    | \#!/.*
    | (?:public|private|protected|static|final|abstract|virtual|export|function|fn|func|package|namespace|using|struct|enum
        |interface|template)\b.*(?:[{{(=>,]|[)=\w\]]\s.*[\w)\]];|\b(?:{_TYPES})\b.*;)\s*(?://.*)?
    | (?:(?:{_TYPES})(?:\[\]|<.*>)?[ *&]+)+\w+\s*(?:[=;,({{\[:].*)?[;{{(=>,]\s*(?://.*)?
    | .*[\w)\]"'}}][ ]?[;{{]\s*(?://.*)?(?<=[;{{/\s\w.])(?<!\w\w\w\w;)
    | [}})\]]+[;,)]*\s*(?:else\b.*\{{?|catch.*\{{|while.*;)?\s*
    | [a-z_][\w.]*(?:\[[^\[\]]*\])*[ ](?:[-+*/|&]?=|<-)[ ](?:.*[(\[{{"'].*[)\]}}"'],?;?|[a-z_]\w*\[.*|True|False|None|null|\[|\{{|lambda\b.*)\s*(?:\#.*)?
    | [a-z_][\w]*(?:\.[a-z_]\w*)*\((?:[^()]|\([^()]*\))*\);?\s*
    | (?:library|require|ggplot)\(.*\)[ ]?\+?|\w+[ ]<-[ ]\S.*|\w+[ ]::[ ]\S.*
    | End[ ](?:Sub|Function|If|Class|Module)|(?:Sub|Function)[ ]\w+\(.*|Dim[ ]\w+[ ]As[ ]\w+.*|@echo[ ]o(?:n|ff)|always[ ]@.*
    | attr_(?:accessor|reader|writer)[ ]:.*|[A-Z][a-z]+-[A-Z]\w+\b.*[|{{$].*
    )""",
    re.VERBOSE,
)
_SQL = re.compile(
    r"(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE (?:OR REPLACE )?(?:TABLE|VIEW|INDEX|DATABASE|TRIGGER|PROCEDURE|FUNCTION)"
    r"|ALTER TABLE|DROP \w+|FROM|WHERE|SET|GROUP BY|ORDER BY|HAVING|(?:LEFT |RIGHT |INNER |FULL |CROSS )?(?:OUTER )?JOIN|VALUES|LIMIT|WITH \w+ AS"
    r"|BEGIN|COMMIT|DELIMITER|UNION(?: ALL)?)(?:\s*$|\b[ ].*[;,)(\w'*\"]\s*$)"
)
_SQL_STATEMENT = re.compile(
    r"^[ \t]*(?:select\b(?=[^;]{1,2000}?\sfrom\b)|insert into\b|update \w+\s+set\b|delete from\b|create table\b|alter table\b)[^;]{1,4000};",
    re.MULTILINE,
)
_CAPITALS = re.compile(
    r"[ \t]*(?:[A-Z][\w.<>\[\]]* \w+\s*(?:=.*|\(.*)[;{]|[A-Z]\w*(?:\.\w+)+ ?(?:\(.*\)|= .+);?|@[A-Z].*|Sub .*|Function .*|End .*|Dim .*"
    r"|[A-Z][a-z]+-[A-Z].*|[A-Z]\w* <- .*)"
)
_ENDS = (";", "{", ",", "(", ">", ")")
_LIKELY = re.compile(
    r"[ \t]+\S.*|[ \t]*(?:\#|//|/\*|\*/|--|@\w).*|.*(?:[;{}()\[\],=\\]|->|=>|:=|\+|\|)[ \t]*"
    r"|[\w.\[\]\"']+[ ]?(?:[-+*/|&:]?=|<-)[ ]?\S.*|(?:do|then|else|begin|pause|exit|package|using|class|set|cd|namespace|struct)\b[^.!?]{0,60}"
    r"|[a-z_]\w*(?:[ ]\w+){0,3}[ ]=[ ]\S.*"
)
_PROSE = re.compile(
    r"(?:[A-Za-z]{2,} ){5}|[A-Z][a-z]+ (?:[a-z]+ ){2,}[a-z]+[.!?]\s*$|[A-Za-z]{2,} (?:[a-z]{2,} )+\([a-z ]+\)[;,.:]?\s*$"
)
_LABEL = re.compile(r"(?:[A-Z][\w']*|[a-z]{2,})(?: [\w'-]+)*:\s*$")
_ITEM = re.compile(r"[ \t]*(?:[-+*]|\d{1,9}[.)])[ \t]")
_MARKED = re.compile(r"[ \t]*(?:[-+>|<=]|\*(?!/)|#{2,6} |\d+[.)])")
_STRING_OR_COMMENT = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|\#.*|//.*|^[ \t]*(?:/\*|\*/|--[ ]).*")
_BLOCK_COMMENT = re.compile(r"^[ \t]*/\*(?:(?!\*/)[\s\S]){0,4000}\*/[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"[ \t]*(?:#|//|/\*|--)")
CODE_LIKE = re.compile(
    r"\n[ \t]{0,40}(?:def |class |import |from |return|#|if |el|for |while |print|echo|console|public |private |static |const |let |var "
    r"|function |func |fn |package |namespace |using |struct |template|void |int |double |float |bool|char |string |String |library\(|Sub |always @"
    r"|SELECT|INSERT |UPDATE |DELETE FROM |CREATE |ALTER TABLE|WITH |select |insert into |update |delete from |create table "
    r"|@echo|[})\]]|[A-Za-z_][\w.\[\]\"']*(?:\(| ?(?:[-+*/]?=|<-|::) ?\S)|[A-Z][a-z]+-[A-Z]|[a-z.#][\w.#-]* ?\{)"
)
_ALONE = re.compile(
    rf"""\s*(?:def[ ]|class[ ]|import[ ][\w.]+\W*$|import[ ]["']|from[ ].+[ ]import[ ]|\#include|SELECT[ ].+[ ]FROM[ ]|public[ ]|private[ ]|static[ ]|function[ ]\w*\(
    | (?:const|let|var)[ ]\w+[ ]=
    | [A-Za-z_]\w*(?:\.\w+)*\.\w+\(.*\)[;)]*\s*$
    | (?:print|printf|println|echo|len|range|require)\(.*
    | [A-Za-z_][\w.\[\]"']*[ ]=[ ](?:.*[(\[{{].*[)\]}}];?|lambda\b.*|".*";?|'.*';?)\s*$
    | .*\)(?:\.\w+)+[ ]=[ ].*;\s*$
    | (?:{_TYPES})\b(?:[ ]\w+)?(?:\[\])?[ ]\w+(?:[ ]?=[ ]?[^;]+)?;\s*$
    | return[ ][^;]*;\s*$
    | [.#]?[a-z][\w.#: -]*\{{[^{{}}]*:[^{{}}]*;?\s*\}}\s*$
    | [A-Z][a-z]+-[A-Z]\w+\b.*[|{{$]
    )""",
    re.VERBOSE,
)
_LONGEST = 2_000


def code(text: str) -> Iterator[tuple[int, int]]:
    """Runs of at least two lines of code, or one that can be nothing else."""
    if not CODE_LIKE.search("\n" + text):
        return
    if "/*" in text:
        yield from (comment.span() for comment in _BLOCK_COMMENT.finditer(text))
    for statement in _SQL_STATEMENT.finditer(text):
        if not any(map(_is_prose, statement[0].splitlines())):
            yield statement.span()
    lines: list[str] = []
    places: list[int] = []
    at = 0
    for line in text.splitlines(keepends=True):
        lines.append(line.rstrip("\r\n"))
        places.append(at)
        at += len(line)
    for first, last in _runs(lines):
        yield places[first], places[last] + len(lines[last])


def _runs(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The first and last line of each run; blank lines are passed over once it has begun to be sure."""
    first, last, sure, count = 0, 0, 0, 0
    for number, line in enumerate([*lines, "A line of prose is the end of it."]):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if not line.strip():
            if not sure:
                count = 0
            continue
        certain = is_code(line) or (below.strip() == "{" and not _is_prose(line))
        if certain or _goes_along(line, begun=bool(sure and lines[number - 1].strip())):
            first = first if count else number
            count += 1
            sure += certain
            if certain or not (sure and _COMMENT.match(line)):  # a comment, or a heading below the code
                last = number
            continue
        if sure and (last > first or _ALONE.match(lines[last])):
            yield first, last
        sure, count = 0, 0


def _goes_along(line: str, *, begun: bool) -> bool:
    """Whether a line may stand beside code: before it nothing does that may be prose or a mark of Markdown."""
    if len(line) > _LONGEST or _ITEM.match(line) or not _LIKELY.fullmatch(line) or _is_prose(line):
        return False
    return begun or not (
        _LABEL.match(line)
        or line[:1].isupper()
        or _MARKED.match(line)
        or (line.rstrip().endswith((",", ")")) and not line.lstrip().startswith("@"))
    )


def is_code(line: str) -> bool:
    """Whether a line can be nothing but code."""
    if len(line) > _LONGEST:
        return False
    body = line.lstrip()
    if body[:1].isupper():
        if _SQL.match(body) and not _is_prose(line):
            return True
        if line[-1:] not in _ENDS and not _CAPITALS.match(line):
            return False
    return _SURE.fullmatch(line) is not None and not _is_prose(line)


def _is_prose(line: str) -> bool:
    return _PROSE.search(_STRING_OR_COMMENT.sub("", line)) is not None
