"""Ways of reading: what the streams are made of."""
