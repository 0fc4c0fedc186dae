"""Write what is generated into the repository: pages of docs/ and the tagged schemas. Run by `make docs`."""  # noqa: INP001  a script

from collections.abc import Iterator
from pathlib import Path

from pipeline.adapters.avro.event_page import event_types_markdown
from pipeline.adapters.avro.schemas import Schemas
from pipeline.adapters.avro.tagged_files import tagged_files
from pipeline.cli.books import documents_in, load_book, texts_in
from pipeline.policy.coverage import coverage
from pipeline.policy.papers.clause_page import clause_page

ROOT = Path(__file__).resolve().parent.parent


def generated() -> Iterator[tuple[Path, str]]:
    """Yield every generated file with its content."""
    schemas = Schemas.load(ROOT / "schemas")
    yield ROOT / "docs/reference/events.md", event_types_markdown(schemas)
    for name, content in tagged_files(schemas):
        yield ROOT / "schemas" / name, content
    yield from notice_pages()


def notice_pages() -> Iterator[tuple[Path, str]]:
    """Yield the page of each notice, clause by clause."""
    book = load_book(ROOT / "policies", (ROOT / "overlays",))
    tests = texts_in(ROOT / "tests")
    for source, shape in documents_in(ROOT / "policies"):
        policy = book.versions[shape.policy.controller][-1]
        if policy.version != shape.policy.version:
            continue  # the page tells of the newest version
        rows = coverage([(source, shape)], tests)
        yield ROOT / f"docs/notices/{policy.controller}.md", clause_page(policy, shape, rows)


def main() -> None:
    """Write the files anew; the tests say which of them are behind."""
    for path, content in generated():
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
