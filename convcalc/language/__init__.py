"""From a file to a graph: read, check against the language, expand."""
