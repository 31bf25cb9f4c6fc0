"""How fast the work behind the predictions is, against the plain way of doing it and against its arithmetic."""
