"""agebook: the workshop around the book: it builds the site, runs a course, and serves the app."""
