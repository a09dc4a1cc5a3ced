"""The way to the network and back."""
