"""The words of a document: each must stand for something in it, or a misspelt id would be told as an id to people."""

from collections.abc import Mapping

from pipeline.policy.document import WordsShape
from pipeline.policy.reading import Reading

Terms = Mapping[str, Mapping[str, str]]


def terms(shape: WordsShape) -> dict[tuple[str, str], str]:
    """Return the words by section and id."""
    sections: Terms = shape.model_dump(exclude={"language"})
    return {(section, name): word for section, words in sections.items() for name, word in words.items()}


def check_words(reading: Reading) -> None:
    """Note every word for something that the document does not have; values of attributes are free."""
    shape = reading.shape
    if shape.words is None:
        return
    fields = {name: None for category in shape.categories.values() for name in category.fields}
    known: Mapping[str, tuple[str, Mapping[str, object]]] = {
        "fields": ("field", fields),
        "categories": ("category", shape.categories),
        "purposes": ("purpose", shape.purposes),
        "recipients": ("recipient", shape.recipients),
        "states": ("state", shape.states),
    }
    for section, (what, table) in known.items():
        for name in getattr(shape.words, section):
            reading.known((name,), table, what, ("words", section, name))
    reading.check_events(shape.words.events, ("words", "events"))
