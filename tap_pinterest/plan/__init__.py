"""What to read, decided without the SDK and without the network."""
