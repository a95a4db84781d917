"""What can be wrong with a row: a closed list of what is repaired and of what is refused."""

from collections.abc import Mapping

REPAIRS: Mapping[str, str] = {
    "image token added": "the row has images and no <image>: it stands before the first question",
    "image token repeated": "one image and several <image>: only the first is kept",
    "empty image field": "the image field is blank and no text asks for one: a text-only row",
    "empty model field": "the model field is blank and was dropped",
    "system turn dropped": "a leading system turn, which LLaVA's format does not have",
    "leading answer dropped": "the conversation began with an answer (LLaVA's loader skips it too)",
    "trailing question dropped": "the last question has no answer to learn from",
    "other extension": "the image lies under the same name with another extension",
}
DEFECTS: Mapping[str, str] = {
    "not JSON": "a line that cannot be parsed",
    "no conversation": "the row is no object with conversations, messages or an instruction",
    "malformed turn": "a turn lacks its speaker or its text, or they are no texts",
    "unknown speaker": "a turn is by neither human nor gpt (nor their known other names)",
    "speakers do not alternate": "two questions or two answers follow each other",
    "empty question": "a question is blank",
    "empty answer": "an answer is blank",
    "no answer": "nothing is left to learn from",
    "image token without image": "a text holds <image> and the row has no image: one was lost, or"
    " it is code about the tag, which a model of today would still take for an image",
    "image token in an answer": "an answer holds <image>",
    "image tokens differ from images": "several images, and another number of <image>",
    "malformed image": "the image field is neither a name nor a list of names",
    "image path leaves the folder": "an absolute path, a step up or a strange character",
    "video row": "the row shows a video",
    "broken character": "a text or a name holds half of a character",
    "duplicate row": "an earlier row has the same images and the same conversation",
    "image missing": "no file of that name, under any known extension",
    "image unusable": "the image file is there and cannot be used",
}


class DefectError(Exception):
    """A row that cannot be used: a reason out of `DEFECTS`, and a detail."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
