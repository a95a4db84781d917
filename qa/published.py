"""The published JSON Schemas of the tables that this room writes."""

from pathlib import Path

from pydantic import BaseModel

from imagewikiqa.qa.rounds.records import Answer, Assignment, Subject, Task, Verdict

PUBLISHED: tuple[type[BaseModel], ...] = (Answer, Assignment, Subject, Task, Verdict)
FOLDER = Path(__file__).parent / "schemas"
