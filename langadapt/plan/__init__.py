"""What a run will take before it starts: work, hours, money, energy, disk and memory of each stage, with intervals."""

from langadapt.plan.costs import Cost, Planned
from langadapt.plan.estimates import Estimate
from langadapt.plan.planning import Request, planned

__all__ = ["Cost", "Estimate", "Planned", "Request", "planned"]
