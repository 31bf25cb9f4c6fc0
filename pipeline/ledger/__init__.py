"""What came of nights and aliases, and pure functions of its entries."""
