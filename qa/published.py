"""The published JSON Schemas of the tables that this room writes for its rounds."""

from pathlib import Path

from pydantic import BaseModel

from imagewikiqa.qa.rounds.records import Answer, Assignment, Subject, Task, Verdict

PUBLISHED: tuple[type[BaseModel], ...] = (Subject, Task, Assignment, Answer, Verdict)
FOLDER = Path(__file__).parent / "schemas"
