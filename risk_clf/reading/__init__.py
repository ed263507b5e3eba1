"""The first river: bytes to document, passages, factors, labels and mix, a module an arrow."""
