"""What harnesses make: whole specs, as plain values and as text, and specs with a mistake."""
