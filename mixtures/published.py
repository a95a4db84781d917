"""The published JSON Schemas of the files that this room writes."""

from pathlib import Path

from pydantic import BaseModel

from imagewikiqa.mixtures.plan_report import PlanReport
from imagewikiqa.mixtures.records import Manifest, PlanRow, Receipt

PUBLISHED: tuple[type[BaseModel], ...] = (Manifest, PlanReport, PlanRow, Receipt)
FOLDER = Path(__file__).parent / "schemas"
