"""The graph as sorted rows: samples, history, common neighbours; dense and sampled overlaps are in `overlap`."""
