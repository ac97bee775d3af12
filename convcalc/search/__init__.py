"""Many networks of one family: swept, solved for, counted."""
