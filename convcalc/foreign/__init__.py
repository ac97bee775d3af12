"""What the readers of foreign networks share: what they record, and how that becomes a spec."""
