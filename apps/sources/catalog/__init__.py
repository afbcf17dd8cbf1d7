"""One folder a source."""
