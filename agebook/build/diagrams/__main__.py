"""``python -m agebook.build.diagrams`` draws every diagram of the book into ``book/diagrams``."""

from agebook.build.chapters import REPOSITORY
from agebook.build.diagrams.drawings import draw_all

if __name__ == "__main__":
    for name, text in draw_all().items():
        (REPOSITORY / "book" / "diagrams" / f"{name}.svg").write_text(text, encoding="utf-8")
        print(f"book/diagrams/{name}.svg: {len(text.encode()):,} bytes")
