"""How much memory a network needs where it runs, under named definitions."""
