"""From an analysis to text: one file a format, one list of columns for all of them."""
