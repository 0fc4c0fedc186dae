"""Write what is generated into the repository: the page of event types and the tagged schemas. Run by `make docs`."""  # noqa: INP001  a script

from pathlib import Path

from pipeline.adapters.avro.event_page import event_types_markdown
from pipeline.adapters.avro.schemas import Schemas
from pipeline.adapters.avro.tagged_files import tagged_files

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Write the files anew; the tests say which of them are behind."""
    schemas = Schemas.load(ROOT / "schemas")
    (ROOT / "docs/reference/events.md").write_text(event_types_markdown(schemas), encoding="utf-8")
    for name, content in tagged_files(schemas):
        (ROOT / "schemas" / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
