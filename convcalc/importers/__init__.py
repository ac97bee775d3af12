"""Foreign networks, read: one file a format; what each makes is written as a spec's text."""
