"""What must hold of a delivery and of its graph; pure."""
