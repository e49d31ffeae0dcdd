"""Which licences a recipe's policy lets in. SPDX identifiers; what is unknown is not allowed under `commercial`."""

from langadapt.errors import ConfigError

COMMERCIAL = frozenset({
    "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0",
    "odc-by-1.0", "pddl-1.0", "isc", "unlicense", "licenseref-own",
})  # fmt: skip
RESEARCH = COMMERCIAL | {"cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"}
POLICIES = ("commercial", "research", "any")


def allows(policy: str, license_id: str) -> bool:
    """Whether rows under a licence may be used."""
    if policy not in POLICIES:
        raise ConfigError(
            f"prepare.licenses: {policy!r} is no policy", hint=f"policies: {', '.join(POLICIES)}"
        )
    return policy == "any" or license_id.lower() in (COMMERCIAL if policy == "commercial" else RESEARCH)
