"""One module per kind of wish: listeners that authorize, validate, order, answer, and return the audit's outcome."""
