"""The graph as sorted rows, its samples and history, and what two nodes share; bits and drawn overlaps: `overlap`."""
