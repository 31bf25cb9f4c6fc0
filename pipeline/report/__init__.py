"""One self-contained HTML page a night: read by whoever approves a promotion, and by whoever is on call."""
