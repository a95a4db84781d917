"""A model that knows the invented encyclopedia, behind OpenAI's chat completions on loopback.

As an author it writes about the facts of the articles it is shown, as a judge it is right when the
class is named and guesses evenly when it is not, always the same for the same request. It runs in
a process of its own, and appends the digest of every request it answers to a file.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks._encyclopedia import known_value, word
from benchmarks._loopback import Speaker, in_a_process

LATENCY = 0.02  # seconds
_FACT = re.compile(r"Its ([a-z ]+) is ([A-Z]\w+ [A-Z]\w+)\.")
_OPTION = re.compile(r"^([A-D])\. (.*)$", re.M)
_WANTED = re.compile(r"Write up to (\w+) ")
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def reply(words: str) -> str:
    """Return what the model says to a prompt."""
    if "Come up with multiple-choice questions" in words:
        return _questions(words)
    options = dict(_OPTION.findall(words))
    if "Which of the options are right answers by this passage?" in words:
        right = [letter for letter, text in options.items() if f" is {text}." in words]
        return json.dumps({"supported": right, "note": "The passage states it."})
    if "Write three new wrong options" in words:
        key = hashlib.sha256(words.encode()).hexdigest()
        return json.dumps({"wrong": [word("repair", key, number) for number in range(3)]})
    question = words.split("\n")[1]
    if "we don't know what the object is" in words:
        return "ABCD"[hashlib.sha256(words.encode()).digest()[0] % 4]
    known = known_value(question)
    return next((letter for letter, text in options.items() if text == known), "A")


def _questions(words: str) -> str:
    written = words.rpartition("**Questions already written**")[2].partition("**Why")[0]
    articles = words.partition("===== BEGIN")[2].partition("===== END")[0]
    facts = [fact for fact in _FACT.findall(articles) if fact[0] not in written]
    asked = _WANTED.search(words)
    most = _NUMBERS.index(asked[1]) if asked and asked[1] in _NUMBERS else 5
    kinds = re.findall(r"^- (\w+): ", words, re.M)
    made = []
    for number, (attribute, right) in enumerate(facts[:most]):
        wrong = [word("wrong", right, attribute, turn) for turn in range(3)]
        place = hashlib.sha256(f"{attribute}{right}".encode()).digest()[0] % 4
        made.append({
            "question": f"What is the {attribute} of this object?",
            "choices": [*wrong[:place], right, *wrong[place:]], "answer": place,
            "reference": f"Its {attribute} is {right}.", "kind": kinds[number % len(kinds)],
        })  # fmt: skip
    return json.dumps({"questions": made})


class _Knowing(Speaker):
    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log

    def respond(self, head: bytes, body: bytes) -> None:
        """Note that a request came, and answer it after a time."""
        with self._log.open("ab") as stream:
            stream.write(hashlib.sha256(body).hexdigest().encode() + b"\n")
        self.loop.call_later(LATENCY, self._answer, body)

    def _answer(self, body: bytes) -> None:
        raw = json.dumps(_completion(json.loads(body))).encode()
        head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        self.say(f"{head}content-length: {len(raw)}\r\n\r\n".encode() + raw)


def _completion(asked: dict[str, Any]) -> dict[str, Any]:
    words = "\n".join(
        part if isinstance(part, str) else part["text"]
        for message in asked["messages"]
        for part in (
            message["content"] if isinstance(message["content"], list) else [message["content"]]
        )
    )
    said = reply(words)
    message = {"role": "assistant", "content": said, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    usage = {"prompt_tokens": len(words) // 4, "completion_tokens": len(said) // 4 + 1}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": asked["model"],
            "choices": [choice], "usage": {**usage, "total_tokens": 0}}  # fmt: skip


@contextmanager
def serving(log: Path) -> Iterator[str]:
    """Serve in another process until the block ends; give the address for --base-url."""
    with in_a_process(_Knowing, log) as port:
        yield f"http://127.0.0.1:{port}/v1"
