"""The graph as sorted rows, its samples and its history; which neighbours two nodes share is in `overlap`."""
