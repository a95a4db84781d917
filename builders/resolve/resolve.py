"""Find the article or articles of every class of a list."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from imagewikiqa.builders.raw import normal_title
from imagewikiqa.builders.resolve.clues import Lead
from imagewikiqa.builders.resolve.decide import decide, rank
from imagewikiqa.builders.resolve.knowledge import DISAMBIGUATION, Found, Knowledge
from imagewikiqa.builders.resolve.phrases import Names, Phrase, forms, names_of
from imagewikiqa.builders.resolve.records import Candidate, Resolution
from imagewikiqa.builders.resolve.subject import Subject, subjects_of
from imagewikiqa.builders.resolve.words import fold
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.records import ClassEntry

SETTLED = 0.97  # share from which no further titles are asked for, if a text was read
LINKS = 60  # of one disambiguation page
QUERIES = 3  # searches for one class
READ = 15  # candidates of one class whose texts are asked for at a time
QUALIFIERS = 4  # nearest hypernyms tried in brackets


@dataclass(slots=True)
class _File:
    """What was found for one class so far."""

    subject: Subject
    pages: dict[str, Found] = field(default_factory=dict)
    phrases: dict[str, list[Phrase]] = field(default_factory=lambda: defaultdict(list))
    ways: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    ranked: list[Candidate] = field(default_factory=list)

    def add(self, page: Found, way: str, phrase: Phrase | None = None) -> None:
        """Note a page and the way that led to it."""
        known = self.pages.setdefault(page.title, page)
        if known.fragment and not page.fragment:
            self.pages[page.title] = page  # a title that leads to the whole article
        if way not in self.ways[page.title]:
            self.ways[page.title].append(way)
        if phrase is not None and phrase not in self.phrases[page.title]:
            self.phrases[page.title].append(phrase)

    @property
    def articles(self) -> list[str]:
        """Return the titles that are no list of meanings."""
        return [title for title, page in self.pages.items() if not is_list(page)]

    def leads(self) -> list[Lead]:
        """Return the articles as candidates."""
        return [
            Lead(
                page=self.pages[title],
                phrases=tuple(self.phrases[title]),
                ways=tuple(self.ways[title]),
            )
            for title in self.articles
        ]

    @property
    def settled(self) -> bool:
        """Say whether a text was read that leaves no doubt."""
        best = self.ranked[0] if self.ranked else None
        read = best is not None and any(c.kind in ("lead", "description") for c in best.clues)
        return best is not None and read and best.share >= SETTLED


def is_list(page: Found) -> bool:
    """Say whether a page only lists the meanings of its title."""
    return bool(page.is_disambiguation) or page.title.endswith(DISAMBIGUATION)


def resolve(
    classes: Iterable[ClassEntry], knowledge: Knowledge, progress: Progress | None = None
) -> list[Resolution]:
    """Return one resolution for each class, in their order; a class's own `title` is not read.

    First the exact titles of all phrases are looked up together; only classes that these leave in
    doubt ask for other spellings, qualified titles, disambiguation pages and searches.
    """
    watcher = progress or Silent()
    entries = tuple(classes)
    files = [_File(subject) for subject in subjects_of(entries)]
    rivals = names_of(entries)
    watcher.begin("resolve", 2 * len(files), 0)
    try:
        _look_up(files, knowledge, _exact)
        _weigh(files, knowledge, rivals)
        watcher.advance(len(files))
        doubtful = [file for file in files if not file.settled]
        watcher.advance(len(files) - len(doubtful))
        _look_up(doubtful, knowledge, _qualified)
        _search(doubtful, knowledge, watcher)
        _weigh(doubtful, knowledge, rivals)
    finally:
        watcher.end()
    return share([decide(file.ranked, file.subject) for file in files])


def share(resolutions: Sequence[Resolution]) -> list[Resolution]:
    """Return the resolutions, each naming the other classes that have one of its articles."""
    users: dict[str, list[str]] = defaultdict(list)
    for resolution in resolutions:
        for title in resolution.titles:
            users[title].append(resolution.id)
    return [
        r.model_copy(
            update={
                "shared_with": tuple(
                    dict.fromkeys(i for title in r.titles for i in users[title] if i != r.id)
                )
            }
        )
        for r in resolutions
    ]


Asked = list[tuple[str, str, Phrase | None]]


def _exact(subject: Subject) -> Asked:
    return [(normal_title(p.text), f"title {p.text!r}", p) for p in subject.phrases]


def _qualified(subject: Subject) -> Asked:
    """Return other spellings of each phrase, and its name with a near hypernym in brackets."""
    asked: Asked = [
        (normal_title(form), f"title {form!r}", phrase)
        for phrase in subject.phrases
        if phrase.source != "scientific name"
        for form in forms(phrase.text)[1:]
    ]
    nearest = [h for h in subject.entry.hypernyms if " " not in h][:QUALIFIERS]
    for phrase in subject.phrases:
        if phrase.source == "name" or phrase.weakness == "part of the name":
            titles = [normal_title(f"{phrase.text} ({word})") for word in nearest]
            asked += [(title, f"title {title!r}", None) for title in titles]
    return asked


def _look_up(files: Sequence[_File], knowledge: Knowledge, ask: Callable[[Subject], Asked]) -> None:
    """Look up what `ask` names for each class, all in one call."""
    asked = [(file, row) for file in files for row in ask(file.subject)]
    found = knowledge.look_up(list(dict.fromkeys(title for _, (title, _, _) in asked)))
    for file, (title, way, phrase) in asked:
        if title in found:
            file.add(found[title], way, phrase)


def _search(files: Sequence[_File], knowledge: Knowledge, watcher: Progress) -> None:
    """Add what disambiguation pages and searches list; their titles are looked up together."""
    listed: list[tuple[_File, str, str]] = []
    for file in files:
        for page in [page for page in file.pages.values() if is_list(page)]:
            titles = knowledge.links(page.title)[:LINKS]
            listed += [(file, title, f"listed at {page.title!r}") for title in titles]
        for text in _queries(file.subject):
            listed += [(file, title, f"search {text!r}") for title in knowledge.search(text)]
        watcher.advance(1)
    found = knowledge.look_up(list(dict.fromkeys(title for _, title, _ in listed)))
    for file, title, way in listed:
        if title in found:
            file.add(found[title], way)


def _queries(subject: Subject) -> list[str]:
    """Return what is searched for: names, and phrases that tell enough; no words twice."""
    told: dict[tuple[str, ...], str] = {}
    for phrase in subject.phrases:
        shorter = phrase.weakness == "part of the name" and phrase.words > 1
        if phrase.source == "name" or not phrase.weakness or shorter:
            told.setdefault(tuple(sorted(fold(phrase.text).split())), phrase.text)
    return list(told.values())[:QUERIES]


def _weigh(files: Sequence[_File], knowledge: Knowledge, rivals: Names) -> None:
    """Rank by titles, read the texts of the best together, and rank again."""
    for file in files:
        file.ranked = rank(file.leads(), file.subject, file.pages.values(), rivals)
    unread = {c.title: None for f in files for c in f.ranked[:READ] if not f.pages[c.title].lead}
    texts = knowledge.describe(list(unread))
    for file in files:
        for title, page in file.pages.items():
            if title in texts:
                file.pages[title] = _merged(page, texts[title])
        file.ranked = rank(file.leads(), file.subject, file.pages.values(), rivals)


def _merged(page: Found, text: Found) -> Found:
    """Add texts to a page without losing how it was reached."""
    return replace(
        page,
        lead=text.lead,
        categories=text.categories,
        description=text.description,
        is_disambiguation=page.is_disambiguation or text.is_disambiguation,
        page_id=page.page_id or text.page_id,
        revision_id=page.revision_id or text.revision_id,
    )
