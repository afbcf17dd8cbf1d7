"""English as the whole product writes it."""
