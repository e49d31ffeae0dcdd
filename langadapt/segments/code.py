"""Code that stands in no fence: runs of lines that read as Python, C and its kin, JavaScript, SQL or a shell script."""

import re
from collections.abc import Iterator

_SURE = re.compile(
    r"""[ \t]*(?:
      (?:async[ ])?def[ ]\w+\(.*
    | class[ ]\w+(?:\(.*\))?:\s*
    | (?:import[ ][\w.]+(?:[ ]as[ ]\w+)?(?:,[ ]*[\w.]+)*;?|from[ ][\w.]+[ ]import[ ].+)\s*
    | (?:el)?if[ ].*[\w)\]"'](?::|[ ]then)\s*(?:\#.*|return.*)?
    | (?:for[ ][\w, ()]+[ ]in[ ].+|while[ ].*[=<>()!\[].*|with[ ].+\).*):\s*(?:\#.*)?
    | (?:else|try|finally|except(?:[ ]\w.*)?):\s*
    | (?:return|yield|raise|throw|await|assert|del)[ ].*[()\[\]{}+*/=<>.%-].*\w?[\])};\w"']\s*
    | (?:return|break|continue|pass|fi|done|esac|end)\b[ ]?\w*;?\s*
    | (?:print|println|printf|echo|console\.log|System\.out\.print\w*|std::\w+|cout|cin)\b[ ]?(?:\(.*|<<.*|>>.*|["'].*)
    | \#[ ]?(?:include|define|ifdef|ifndef|endif|pragma)\b.*
    | \#!/.*
    | (?:public|private|protected|static|final|abstract|virtual|export|const|let|var|function|fn|func|package|namespace|using|struct|enum
        |interface|template|void|int|long|double|float|bool|boolean|char|string|String|auto|unsigned)\b.*[;{(=>,]\s*(?://.*)?
    | .*[\w)\]"'}][ ]?[;{]\s*(?://.*)?(?<=[;{/\s\w.])(?<!\w\w\w\w;)
    | [})\]]+[;,)]*\s*(?:else\b.*\{?|catch.*\{|while.*;)?\s*
    | [a-z_][\w.]*(?:\[[^\[\]]*\])*[ ](?:[-+*/|&]?=)[ ](?:.*[(\[{"'].*[)\]}"'],?;?|[a-z_]\w*\[.*|True|False|None|null|\[\]|\{\})\s*(?:\#.*)?
    | [a-z_][\w]*(?:\.[a-z_]\w*)*\((?:[^()]|\([^()]*\))*\);?\s*
    | (?:SELECT|INSERT[ ]INTO|UPDATE|DELETE[ ]FROM|CREATE[ ]\w+|ALTER[ ]TABLE|DROP[ ]TABLE|FROM|WHERE|GROUP[ ]BY|ORDER[ ]BY|HAVING|(?:LEFT|RIGHT|INNER|OUTER|FULL)[ ]JOIN|JOIN|VALUES|LIMIT)\b[ ][^.!?]*[;,)\w*']\s*
    )""",
    re.VERBOSE,
)
_ENDS = (";", "{", ",", "(", ">", ")")
_SQL = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LEFT", "RIGHT",
        "INNER", "OUTER", "FULL", "JOIN", "VALUES", "LIMIT")  # fmt: skip
_LIKELY = re.compile(r"[ \t]+\S.*|[ \t]*(?:\#|//|/\*|\*/|--).*|.*(?:[;{}()\[\],=\\]|->|=>)[ \t]*")
_PROSE = re.compile(r"(?:[A-Za-z]{2,} ){5}|[A-Z][a-z]+ (?:[a-z]+ ){2,}[a-z]+[.!?]\s*$")
_STRING_OR_COMMENT = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|\#.*|//.*")
_CODE_LIKE = re.compile(
    r"\n[ \t]{0,40}(?:def |class |import |from |return|#|if |el|for |while |print|echo|console|public |private |static |const |let |var "
    r"|function |func |fn |package |namespace |using |struct |template|void |int |double |float |bool|char |string |String |SELECT |INSERT |UPDATE |"
    r"CREATE |[})\]]|[a-z_][\w.]*(?:\(| ?=))"
)


def code(text: str) -> Iterator[tuple[int, int]]:
    """Runs of at least two lines of code, or one that can be nothing else."""
    if not _CODE_LIKE.search("\n" + text):
        return
    at = 0
    start, end, sure, lines = 0, 0, 0, 0
    for line in text.splitlines(keepends=True):
        body = line.rstrip("\r\n")
        certain = is_code(body)
        if certain or (sure and body.strip() and _LIKELY.fullmatch(body) and not _is_prose(body)):
            start = start if lines else at
            sure += certain
            lines += 1
            if certain or not body.lstrip().startswith("#"):  # a comment, or a heading below the code
                end = at + len(body)
        elif body.strip() or not sure:
            if sure and (lines > 1 or _alone(text[start:end])):
                yield start, end
            sure, lines = 0, 0
        at += len(line)
    if sure and (lines > 1 or _alone(text[start:end])):
        yield start, end


def is_code(line: str) -> bool:
    """Whether a line can be nothing but code."""
    if line[:1].isupper() and line[-1:] not in _ENDS and not line.startswith(_SQL):
        return False
    return len(line) < 2000 and _SURE.fullmatch(line) is not None and not _is_prose(line)


def _alone(line: str) -> bool:
    return (
        re.match(
            r"\s*(?:def |class |import |from .+ import |#include|SELECT .+ FROM |public |private |static |const |let |var |function )",
            line,
        )
        is not None
    )


def _is_prose(line: str) -> bool:
    return _PROSE.search(_STRING_OR_COMMENT.sub("", line)) is not None
