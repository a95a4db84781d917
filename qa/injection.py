"""Words in a page or a question that speak to a language model instead of about a thing.

A flag for people who look at a set, not a defence: whoever knows the patterns can write around
them. What defends is that pages are data between fences, that a reply is read by a closed schema,
and that class, id and key never come from it.
"""

import re
from functools import lru_cache

from imagewikiqa.qa.leaks import fold

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_MODEL = r"(?:ai|a\.i\.|llms?|gpt\w*|chatgpt|claude|gemini|(?:large )?language models?|chat ?bots?)"
_ORDERS = r"(?:instructions?|prompts?|rules|directions|directives|guidelines|commands?|orders)"
_AT_A_WORD = (
    # Throw away what was said before.
    r"(?:ignore|disregard|forget|override|bypass|discard|do not (?:follow|obey)|stop following)"
    r"(?: \w+){0,3} (?:previous|prior|above|earlier|preceding|existing|all|any|your|these|those"
    rf"|system|original)(?: \w+){{0,3}} {_ORDERS}\b",
    r"(?:ignore|disregard|forget) (?:everything|anything|all|what) (?:\w+ ){0,4}"
    r"(?:above|before|said|told|so far)\b",
    rf"(?:new|updated|revised|real|additional) {_ORDERS} ?:",
    # Talk of roles and of what stands around the page.
    rf"as an? {_MODEL}\b",
    rf"you are (?:now |really |actually )?(?:an? |the )?{_MODEL}\b",
    r"you are (?:now|no longer) (?:an?|in|the|bound|required)\b",
    r"pretend (?:that )?you are\b",
    rf"(?:to|dear|attention|hey|hello|note (?:to|for)|message (?:to|for))[,:]? "
    rf"(?:all |any |the |every )?{_MODEL}\b",
    rf"(?:if|when) you are an? {_MODEL}\b",
    r"(?:system|developer|hidden) (?:prompt|message|instructions?|override)\b",
    # Ask for a certain answer or for what is secret.
    r"(?:output|print|reveal|leak|show|repeat|send|disclose|return|give)(?: \w+){0,3} "
    r"(?:answer keys?|prompts?|api keys?|secrets?|passwords?|instructions)\b",
    r"(?:correct|right) (?:answer|option|choice) (?:is|must be|should be) (?:always |now )?"
    r"(?:option |choice |letter |index |number )?[\"']?(?:[a-d]\b(?! \w)|[0-9]\b(?! \w))",
    r"(?:always|must|only|just) (?:answer|respond|reply|choose|select|pick|mark|output)"
    r"(?: with| as)? [\"']?(?:option|choice|letter|index|json|yes|no|[a-d0-9])\b",
    r"(?:set|change|switch|replace)(?: \w+){0,2} (?:class(?:_?id)?|wnid|answer(?:_?key)?|label"
    r"|schema)(?: \w+){0,2} (?:to|into|with|by)\b",
    r"(?:add|include|append)(?: \w+){0,2} (?:fields?|keys?) (?:named|called)\b",
    r"(?:do not|don't|never) (?:write|generate|create|produce|ask)(?: \w+){0,2} questions?\b",
    r"(?:write|generate|create|ask)(?: \w+){0,3} questions? (?:about|on|for)(?: \w+){0,3} "
    r"instead\b",
)
_MARKS = (
    r"<\|?(?:im_start|im_end|system|user|assistant|endoftext)\|?>|\[/?inst\]|<</?sys>>",
    r"#{2,} ?(?:system|instructions?|assistant|response)\b",
    r"(?:^|[.!?\"'>] )(?:system|assistant|developer) ?: ",
)
_ANY = re.compile("|".join([rf"\b(?:{'|'.join(_AT_A_WORD)})", *_MARKS]))
_ADDRESS = re.compile(
    r"\b(?:https?|ftp|file|data|javascript) ?:\S|\bwww\.\w|\]\(|\b[\w-]+\.(?:com|org|net|io)\b"
    r"|\S@\w+\.\w",
    re.IGNORECASE,
)


@lru_cache(maxsize=64)  # many questions are of one page
def instruction_like(text: str) -> str | None:
    """Return the first words of a text that read like an instruction to a model, else None."""
    match = _ANY.search(fold(_INVISIBLE.sub("", text)))
    return match[0].strip() if match else None


def has_address(text: str) -> bool:
    """Return whether a text holds a link or an address, which no question needs."""
    return _ADDRESS.search(text) is not None
