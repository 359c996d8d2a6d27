"""Diagrams of the book: drawn by these modules, kept as SVG files in ``book/diagrams``.

``python -m agebook.build.diagrams`` writes the files anew; a test holds them against the drawings. How a chapter shows
one stands in ``book/diagrams/README.md``.
"""
