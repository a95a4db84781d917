"""The published JSON Schemas of the tables that this room writes."""

from pathlib import Path

from pydantic import BaseModel

from imagewikiqa.builders.commons.records import Photo
from imagewikiqa.builders.resolve.records import Resolution
from imagewikiqa.builders.wiki.records import Extract, Pin

PUBLISHED: tuple[type[BaseModel], ...] = (Extract, Photo, Pin, Resolution)
FOLDER = Path(__file__).parent / "schemas"
