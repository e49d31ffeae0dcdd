"""What is protected inside a line, as data: one pattern per kind, tried in this order at every place."""

import re

BLOCK_TAGS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "caption",
        "center",
        "col",
        "colgroup",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "frame",
        "frameset",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hr",
        "html",
        "iframe",
        "legend",
        "li",
        "link",
        "main",
        "menu",
        "menuitem",
        "meta",
        "nav",
        "ol",
        "optgroup",
        "option",
        "p",
        "param",
        "section",
        "select",
        "summary",
        "table",
        "tbody",
        "td",
        "template",
        "textarea",
        "tfoot",
        "th",
        "thead",
        "title",
        "tr",
        "track",
        "ul",
    ]
)
_VERBATIM = "code|pre|script|style|kbd|samp|var|math|svg|tt"
_EXTENSIONS = (
    "py|pyc|pyi|ipynb|js|mjs|cjs|jsx|ts|tsx|vue|svelte|html?|css|scss|sass|less|json[l5]?|ya?ml|toml|ini|cfg|conf|env|xml|xsd|"
    "csv|tsv|txt|md|rst|tex|bib|pdf|docx?|xlsx?|pptx?|odt|rtf|epub|png|jpe?g|gif|svg|webp|bmp|ico|tiff?|mp[34]|wav|flac|ogg|avi|"
    "mkv|mov|webm|zip|tar|t?gz|bz2|xz|7z|rar|exe|dll|so|dylib|bin|iso|img|deb|rpm|apk|jar|war|whl|c|cc|cpp|cxx|h|hh|hpp|cs|java|kt|"
    "kts|go|rs|rb|php|pl|pm|swift|scala|lua|jl|r|rmd|sql|sqlite|db|sh|bash|zsh|fish|bat|cmd|ps1|dockerfile|lock|log|bak|tmp|"
    "gradle|properties|proto|graphql|tf|tfvars|pem|crt|key|csr|plist|asm|vhdl?|parquet|feather|h5|hdf5|pkl|npz?|pth?|onnx|safetensors|gguf|service|patch|diff|map|wasm"
)
_DOMAINS = "com|org|net|edu|gov|io|ai|dev|app|info|biz|co|tv|ly|xyz|eu|uk|de|fr|es|nl|ch|pl|jp|cn|br|ca|au|ru|se|fi|dk"
_WORD_DOMAINS = "it|in|me|at|no|us|is|so"
"""Words, too, where a blank is missing behind a full stop: they need a path, or `www`."""
_ADDRESS = r"[^\s<>\"`|\u3001\u3002\uff0c\uff1b\uff01\uff1f\uff09\u300d]"
_PACKAGERS = (
    r"(?:pip3?|pipx|npm|npx|pnpm|yarn|conda|mamba|brew|apt|apt-get|dnf|yum|pacman|apk|gem|cargo|composer|dotnet|choco|winget|snap|poetry|uv)"
    r"[ ](?:install|uninstall|add|remove|update|upgrade|run|build|init|create|test|start|get|mod|ci|exec|publish|sync|restore|new|i)\b"
    r"|go[ ](?:(?:get|install)[ ](?=[\w-]+[./])|(?:run|build|test|vet|fmt)[ ](?=[./])|mod[ ](?:init|tidy|download|vendor)\b)"
)
_TOOLS = (
    r"(?:git[ ](?:add|branch|checkout|cherry-pick|clone|commit|diff|fetch|init|log|merge|pull|push|rebase|remote|reset|revert|stash|status|switch|tag)"
    r"|(?:docker|podman)[ ](?:build|compose|exec|images|logs|ps|pull|push|rm|rmi|run|start|stop|tag|volume|network)"
    r"|kubectl[ ](?:apply|create|delete|describe|exec|get|logs|rollout|scale)"
    r"|terraform[ ](?:apply|destroy|init|plan)|helm[ ](?:install|upgrade)|systemctl[ ](?:\w+)|python3?[ ]-m)\b"
)
_ARGUMENT = r"(?:[ ](?:--?[A-Za-z][\w-]*(?:=\S+)?|[\w.@~^/:=+-]*[\w@~^][./:=@_~^-][\w./:=@~^+-]*[\w/]))"

_NO_PRICE = r"(?<![\\$0-9])"
_FORMULA = r"(?=[^$\n]*(?:\\[A-Za-z]|[=^_<>]|[A-Za-z] ?[-+*/]))(?:[^$A-Za-z\\\n]|\\.|\\[A-Za-z]+|(?<![A-Za-z])[A-Za-z]{1,2}(?![A-Za-z])){1,300}"
"""What stands between dollars and is no amount: signs, commands and names of one or two letters."""
_FLAGGED = r"(?:ls|cp|mv|rm|cd|mkdir|rmdir|chmod|chown|grep|tar|cat|find|ps|kill|df|du|ssh|scp|curl|wget|ln|tail|head|sort|sed|awk|unzip|gcc|make|tree)"
FILLED = "\ue000"
"""Stands for characters that are no text, on a line that holds text as well."""
_SYMBOLS = [
    ("display", rf"{FILLED}+|\$\$(?=[^$]*[\\=^_+\d]|[^$\s])(?:[^$\\]|\\.|\$(?!\$))+\$\$|\\\[.{{1,4000}}?\\\]"),
    ("code", r"(?<!`)(?P<ticks>`+)(?!`).{1,2000}?(?<!`)(?P=ticks)(?!`)"),
    ("math", (rf"\\\(.{{1,2000}}?\\\)|{_NO_PRICE}\$(?:{_FORMULA}|[\^_][^\s$]{{1,40}}|\d[\d.,]*)\$(?![0-9A-Za-z_$])"
             rf"|{_NO_PRICE}\$(?![\s$\d.,]*\s)(?!\{{)(?:[^$\\\n]|\\.|\n(?!\n))*?(?<![\s\\$])\$(?![0-9A-Za-z_$])")),
    ("environment", r"\\begin\{(?P<name>\w+\*?)\}.{0,2000}?\\end\{(?P=name)\}"),
    ("comment", r"<!--.{0,1000}?-->|<![A-Za-z][^<>]{0,500}>|<\?.{0,1000}?\?>"),
    ("verbatim", rf"<(?P<element>{_VERBATIM})\b(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>(?:(?!<(?P=element)\b).){{0,4000}}?</(?P=element)\s*>"),
    ("autolink", r"<[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]{0,2000}>|<[\w.+-]+@[\w.-]+>"),
    ("token", r"<\|[^|<>\n]{1,60}\|>|<</?[A-Z]+>>|\[/?(?:INST|SYS|SEP|CLS|MASK|PAD|UNK|BOS|EOS)\]"),
    ("tag", r"</?[A-Za-z][\w:.-]*(?:\s+[^<>\"'=\s/]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s<>\"']+))?)*\s*/?>"),
    ("entity", r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|\#\d{1,7}|\#[xX][0-9A-Fa-f]{1,6});"),
    ("link", r"(?<=\])\((?:<[^<>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s*\)"),
    ("reference", r"(?<=\])\[[^\[\]\n]{1,200}\]|\[\^[^\[\]\s]{1,60}\]:?"),
    ("template", r"\{\{[^{}]{0,200}\}\}|\{%[^{}]{0,200}%\}|\$\{[^{}\n]*\}|\$\([^()\n]*\)|\#\{[^{}\n]*\}"),
    ("object", r"\{\s*(?=[\"'][^\"'\n]{0,80}[\"']\s*[:,}]|[A-Za-z_]\w*:\s)|\[\s*(?=[\"{])"),
    ("field", r"\{[A-Za-z_][\w.-]*(?:\[[^\[\]{}]*\])*(?:![rsa])?(?::[^{}\s]*)?\}|\{\d*(?::[^{}\s]*)?\}"),
    ("printf", r"(?<![\d%])%(?:\(\w+\)|\d+\$)?[-+\#0]*\d*(?:\.\d+)?(?:hh|h|ll|l|z)?[diouxXeEfFgGcrsa@](?![\w%])|(?<![\d%\w])%[A-Z_]{2,}%(?:\\[\w.$-]*\w)*"),
    ("variable", r"(?<![\w$])\$(?:[A-Z_][A-Z0-9_]+(?![A-Za-z])|[A-Za-z_]\w*(?=[\[(=/.]))"),
    ("share", r"\\\\[\w.-]+\\[\w$.\\-]+"),
    ("formula", r"=[A-Z][A-Z.]{1,20}\((?:[^()\n]|\((?:[^()\n]|\([^()\n]*\)){0,200}\)){0,300}\)"),
    ("expression", r"(?<![\w)\]}])\^(?=[^\s$]{0,200}[\[\\(])[^\s$]{2,200}\$(?!\w)"),
    ("latex", r"\\[A-Za-z]+\*?(?:\[[^\[\]\n]*\])?(?:\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})*"),
    ("flag", r"(?<![\w-])--[A-Za-z][\w-]*(?:=[^\s,;.!?)]+)?"),
    ("path", (r"(?<![\w/.:~<-])(?:~|\.{1,2})?/(?:[\w.@%+*-]+/)+[\w.@%+*-]*(?<![.*])|(?<![\w/.])(?:~|\.{1,2})/[\w.@%+*-]*\w"
             r"|(?<![\w/.:<-])/(?:etc|usr|var|home|opt|bin|sbin|tmp|dev|proc|root|lib|mnt|srv|sys|boot|media|run|api|v\d+)\b"
             r"|(?<![\w/.])/[\w-]+\.[A-Za-z]\w{0,5}\b"
             r"|(?<![\w.])\.(?:env|git(?:ignore|attributes|keep)?|bash_?(?:rc|_profile)|zshrc|profile|"
             r"dockerignore|editorconfig|eslintrc|prettierrc|npmrc|vimrc|htaccess|ssh|aws|kube|config|vscode|venv)\b(?:\.\w+)*(?:/[\w./-]*\w)?")),
]  # fmt: skip
_WORDS = [
    ("relative", r"(?<![\w/.@-])(?:[A-Za-z]:/)?(?:[\w.@*-]{1,100}/){1,20}[\w.@*-]{0,100}\.[a-z]\w{0,7}\b|(?<![\w/.@-])[A-Za-z]:/(?:[\w.@-]{1,100}/?){1,20}|(?<![\w/.@-])(?:[\w.@-]{1,100}/){2,20}(?![\w])"),
    ("url", rf"(?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9+.-]{{1,30}}://|(?:mailto|tel|data|urn|doi):|www\.){_ADDRESS}+"),
    ("mail", r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}"),
    ("windows", r"(?<![A-Za-z0-9])[A-Za-z]:\\(?:[^\s\\/:*?\"<>|]+(?:[ ][^\s\\/:*?\"<>|]+)*\\)*[^\s\\/:*?\"<>|,;]*[^\s\\/:*?\"<>|,;.!)]"),
    ("domain", rf"(?<![\w@.-])(?:[A-Za-z0-9](?:[\w-]{{0,62}}[A-Za-z0-9])?\.){{1,8}}(?:(?:{_DOMAINS}|{_WORD_DOMAINS})(?::\d+)?/[^\s<>\"`|]*|(?:{_DOMAINS})\b(?![.-]?\w))"),
    ("file", (rf"(?<![\w.-])[\w-]{{1,100}}(?:\.[\w-]{{1,100}}){{0,5}}\.(?:{_EXTENSIONS})\b(?!\.\w)")),
]  # fmt: skip
_COMMANDS = [
    ("command", (rf"(?<![\w-])(?:sudo[ ])?(?:{_PACKAGERS}|{_TOOLS}){_ARGUMENT}*|(?<![\w-])sudo[ ](?:{_PACKAGERS}|{_TOOLS}|[\w./-]+(?={_ARGUMENT})){_ARGUMENT}*"
                rf"|(?<![\w-]){_FLAGGED}[ ]--?[A-Za-z]+\b(?:[ ][\w~-]*[./~_][\w./~_-]*\w)*")),
    ("statement", r"(?:SELECT|INSERT[ ]INTO|UPDATE|DELETE[ ]FROM|CREATE[ ](?:TABLE|VIEW|INDEX)|ALTER[ ]TABLE|DROP[ ](?:TABLE|VIEW|INDEX))\b[^;\n]{1,500};"),
]  # fmt: skip


def _either(kinds: list[tuple[str, str]]) -> str:
    return "|".join(f"(?P<{name}>{pattern})" for name, pattern in kinds)


SPANS = re.compile(
    rf"(?=[`$\\<&\[{{%~/\#\ue000]|\(|\.[\w./]|--\w|=[A-Z]|\^\S)(?:{_either(_SYMBOLS)})"
    rf"|(?:(?<!\w)|(?<=[^\x00-\x7f])(?=[A-Za-z]))(?=\w)(?:(?=[^\s@/.:\\]{{0,120}}[@/.:\\]\S)(?:{_either(_WORDS)})|(?=[a-zSIUDCA])(?:{_either(_COMMANDS)}))",
    re.DOTALL,
)
"""One match for each span, its kind the name of the group."""
SUSPECT = re.compile(r"`|\$|\\|<|\{|@|/|%|\ue000|&\S|\]\s*[(\[]|\[[\"^{/A-Z]|\.\w|--\w|:[\w/\\]|=[A-Z]|\^\S")
"""A text in which neither this nor `FLAG` finds anything, and that holds none of `TOOLS`, holds no span; it is much cheaper than `SPANS`."""
FLAG = re.compile(r" --?[A-Za-z]")
TOOLS = frozenset(
    [
        "sudo",
        "pip",
        "pip3",
        "pipx",
        "npm",
        "npx",
        "pnpm",
        "yarn",
        "conda",
        "mamba",
        "brew",
        "apt",
        "apt-get",
        "dnf",
        "yum",
        "pacman",
        "apk",
        "gem",
        "cargo",
        "go",
        "composer",
        "dotnet",
        "choco",
        "winget",
        "snap",
        "poetry",
        "uv",
        "git",
        "docker",
        "podman",
        "kubectl",
        "terraform",
        "helm",
        "systemctl",
        "python",
        "python3",
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "CREATE",
        "ALTER",
        "DROP",
    ]
)
