"""The condition language of policies: closed, small, parsed, never evaluated as code.

A condition looks at the attributes of an event and asks a fixed table of functions about what happened before it.
Names are checked when a policy is loaded; an unknown one is an error that lists the known ones.
"""

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

from pipeline.policy.asked import Condition
from pipeline.policy.condition_functions import FUNCTIONS
from pipeline.policy.condition_words import IDENTIFYING, Parsed, UnknownName, Vocabulary, attribute

GRAMMAR = r"""
?start: any_of
?any_of: all_of ("or" all_of)*
?all_of: negated ("and" negated)*
?negated: "not" negated -> negation
        | atom
?atom: "(" any_of ")"
     | NAME "==" NAME -> equals
     | NAME "!=" NAME -> differs
     | NAME "in" "(" NAME ("," NAME)* ")" -> one_of
     | NAME "not" "in" "(" NAME ("," NAME)* ")" -> none_of
     | NAME "is" "set" -> is_set
     | NAME "is" "not" "set" -> is_unset
     | NAME "(" NAME ("," NAME)* ")" -> call
     | NAME -> name
NAME: /[A-Za-z][A-Za-z0-9_.-]*/
%import common.WS
%ignore WS
"""
"""The grammar of conditions, in Lark's notation; `docs/reference/policy-language.md` shows it."""

_PARSER = Lark(GRAMMAR, parser="lalr", maybe_placeholders=False)


def parse_condition(text: str, vocabulary: Vocabulary) -> Parsed:
    """Return a condition compiled to closures.

    Raises:
        UnknownName: it does not follow the grammar, or names something unknown.
    """
    return _parse(text, vocabulary, ())


def _parse(text: str, vocabulary: Vocabulary, within: tuple[str, ...]) -> Parsed:
    try:
        tree = _PARSER.parse(text)
    except UnexpectedInput as error:
        raise UnknownName(
            f"the condition cannot be read at column {error.column}; conditions are built of "
            "`name == value`, `name in (a, b)`, `name is set`, functions, `and`, `or`, `not`"
        ) from None
    try:
        parsed: Parsed = _Compiler(vocabulary, within).transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, UnknownName):
            raise error.orig_exc from None
        raise
    return parsed


class _Compiler(Transformer[Token, Parsed]):
    """Turns the parse tree into closures, from the leaves up."""

    def __init__(self, vocabulary: Vocabulary, within: tuple[str, ...]) -> None:
        super().__init__()
        self._vocabulary = vocabulary
        self._within = within

    def any_of(self, parts: list[Parsed]) -> Parsed:
        return _joined(parts, lambda asked: any(part.holds(asked) for part in parts))

    def all_of(self, parts: list[Parsed]) -> Parsed:
        return _joined(parts, lambda asked: all(part.holds(asked) for part in parts))

    def negation(self, parts: list[Parsed]) -> Parsed:
        (part,) = parts
        return _joined(parts, lambda asked: not part.holds(asked))

    def equals(self, words: list[Token]) -> Parsed:
        return self._compared(words)

    def one_of(self, words: list[Token]) -> Parsed:
        return self._compared(words)

    def differs(self, words: list[Token]) -> Parsed:
        return self.negation([self._compared(words)])

    def none_of(self, words: list[Token]) -> Parsed:
        return self.negation([self._compared(words)])

    def is_set(self, words: list[Token]) -> Parsed:
        name = str(words[0])
        value = attribute(name)
        # An empty text says nothing: a release without a ground has none, however the producer writes that.
        return Parsed(holds=lambda asked: value(asked) not in (None, ""), ids=name in IDENTIFYING)

    def is_unset(self, words: list[Token]) -> Parsed:
        return self.negation([self.is_set(words)])

    def name(self, words: list[Token]) -> Parsed:
        name = str(words[0])
        if name in self._within:
            raise UnknownName(f"the condition {name} refers to itself")
        if name in self._vocabulary.broken:
            return Parsed(holds=lambda _asked: False)
        if name in self._vocabulary.conditions:
            return _parse(self._vocabulary.conditions[name], self._vocabulary, (*self._within, name))
        value = attribute(name, self._vocabulary.conditions)
        return Parsed(holds=lambda asked: _word(value(asked)) == "true")

    def call(self, words: list[Token]) -> Parsed:
        name, *arguments = (str(word) for word in words)
        if name not in FUNCTIONS:
            raise UnknownName(f"there is no function {name}; there are {', '.join(sorted(FUNCTIONS))}")
        return FUNCTIONS[name](self._vocabulary, arguments)

    def _compared(self, words: list[Token]) -> Parsed:
        name, *values = (str(word) for word in words)
        value, wanted = attribute(name), frozenset(values)
        events = wanted if name == "event" else frozenset()
        return Parsed(holds=lambda asked: _word(value(asked)) in wanted, events=events, ids=name in IDENTIFYING)


def _joined(parts: list[Parsed], holds: Condition) -> Parsed:
    return Parsed(
        holds=holds,
        facts=frozenset().union(*(part.facts for part in parts)),
        events=frozenset().union(*(part.events for part in parts)),
        profiles=frozenset().union(*(part.profiles for part in parts)),
        ids=any(part.ids for part in parts),
    )


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
